//! The metrics page of a service that stands on a communications link.

use comms_service::accounting::{DropReason, Flow, Statistics};
use comms_service::security::SecurityStatus;
use radio_hal::FrameStatistics;
use radio_hal::channel::{ChannelStatistics, DirectionStatistics};

use crate::prometheus::Page;

/// Writes every count of the link and of its radio, and of the simulated channel
/// if there is one.
#[must_use]
pub fn link_metrics(
    link: &Statistics,
    radio: &FrameStatistics,
    channel: Option<&ChannelStatistics>,
) -> String {
    let mut page = Page::new();
    write_link(&mut page, link, radio, channel);
    page.finish()
}

/// The same, to a page that has others besides.
pub fn write_link(
    page: &mut Page,
    link: &Statistics,
    radio: &FrameStatistics,
    channel: Option<&ChannelStatistics>,
) {
    let flows = [
        ("uplink-packets", &link.packets_in),
        ("uplink-messages", &link.messages_in),
        ("downlink-messages", &link.messages_out),
        ("downlink-packets", &link.packets_out),
    ];
    for (name, flow) in flows {
        write_flow(page, &FLOWS, name, flow);
    }
    for (class, account) in link.classes_out.iter() {
        let name = class.as_str();
        write_flow(page, &DOWNLINK_CLASSES, name, &account.messages);
        page.gauge(
            "heliograph_downlink_class_bytes",
            "Octets of payload that wait for the radio, by class.",
            &[("class", name)],
            account.bytes_held as f64,
        );
    }
    page.counter(
        "heliograph_sequence_gaps_total",
        "Times that sequence counts were missing on the way up.",
        &[],
        link.sequence_gaps,
    );
    page.counter(
        "heliograph_sender_restarts_total",
        "Times that the ground began anew at sequence count 0.",
        &[],
        link.sender_restarts,
    );
    page.counter(
        "heliograph_surplus_bytes_total",
        "Octets cut off after the declared end of packets.",
        &[],
        link.surplus_bytes,
    );
    page.counter(
        "heliograph_read_errors_total",
        "Failures of the radio's read function.",
        &[],
        link.read_errors,
    );
    page.counter(
        "heliograph_submitters_cut_off_total",
        "Apps that did not read the receipts of what they submitted.",
        &[],
        link.submitters_cut_off,
    );
    page.counter(
        "heliograph_state_files_damaged_total",
        "State files that were damaged and begun anew.",
        &[],
        link.state_files_damaged,
    );
    page.gauge(
        "heliograph_commands_remembered",
        "Commands that are remembered, so that none runs twice.",
        &[],
        link.commands_remembered as f64,
    );
    for (name, bytes) in [
        ("remembered", link.answer_bytes_remembered),
        ("used", link.memory_bytes_used),
        ("max", link.memory_bytes_max),
    ] {
        page.gauge(
            "heliograph_memory_bytes",
            "Octets that the link holds (those of remembered answers give way), and may hold.",
            &[("amount", name)],
            bytes as f64,
        );
    }
    if let Some(security) = &link.security {
        write_security(page, security);
    }
    write_radio(page, radio);
    if let Some(channel) = channel {
        write_channel(page, "transmit", &channel.transmit);
        write_channel(page, "receive", &channel.receive);
    }
}

/// The names of one kind of account.
struct Account {
    label: &'static str,
    offered: &'static str,
    delivered: &'static str,
    queued: &'static str,
    in_flight: &'static str,
    dropped: &'static str,
}

const FLOWS: Account = Account {
    label: "flow",
    offered: "heliograph_offered_total",
    delivered: "heliograph_delivered_total",
    queued: "heliograph_queued",
    in_flight: "heliograph_in_flight",
    dropped: "heliograph_dropped_total",
};

/// The messages of the flow `downlink-messages` once more, by class.
const DOWNLINK_CLASSES: Account = Account {
    label: "class",
    offered: "heliograph_downlink_class_offered_total",
    delivered: "heliograph_downlink_class_delivered_total",
    queued: "heliograph_downlink_class_queued",
    in_flight: "heliograph_downlink_class_in_flight",
    dropped: "heliograph_downlink_class_dropped_total",
};

fn write_flow(page: &mut Page, account: &Account, name: &str, flow: &Flow) {
    let label = [(account.label, name)];
    let totals = [
        (account.offered, "All that came.", flow.offered),
        (account.delivered, "What reached its goal.", flow.delivered),
    ];
    for (metric, help, value) in totals {
        page.counter(metric, help, &label, value);
    }
    let levels = [
        (account.queued, "What waits.", flow.queued),
        (
            account.in_flight,
            "What is being worked on.",
            flow.in_flight,
        ),
    ];
    for (metric, help, value) in levels {
        page.gauge(metric, help, &label, value as f64);
    }
    // All reasons, also those that did not occur: an alarm must see the first.
    for reason in DropReason::ALL {
        page.counter(
            account.dropped,
            "What was lost, by reason.",
            &[(account.label, name), ("reason", reason.as_str())],
            flow.dropped.of(*reason),
        );
    }
}

fn write_security(page: &mut Page, security: &SecurityStatus) {
    for station in &security.stations {
        let number = station.station.to_string();
        page.gauge(
            "heliograph_security_generation",
            "Key generation that a station was last heard under; 0 where it has to resync.",
            &[("station", &number)],
            f64::from(station.generation.unwrap_or(0)),
        );
    }
    for station in &security.stations {
        let Some(heard_at) = station.heard_at else {
            continue;
        };
        let number = station.station.to_string();
        page.gauge(
            "heliograph_security_heard_seconds",
            "How long ago a station was last heard; none where it was not since the start.",
            &[("station", &number)],
            heard_at.elapsed().as_secs_f64(),
        );
    }
}

fn write_radio(page: &mut Page, radio: &FrameStatistics) {
    let totals = [
        (
            "heliograph_radio_frames_received_total",
            "Frames that came in.",
            radio.received,
        ),
        (
            "heliograph_radio_frames_delivered_total",
            "Frames whose packet was handed to the link.",
            radio.delivered,
        ),
        (
            "heliograph_radio_transmitted_total",
            "Packets that the transmitter took.",
            radio.transmitted,
        ),
        (
            "heliograph_radio_transmit_failures_total",
            "Packets that were refused or could not be sent, and are not tried again.",
            radio.transmit_failures,
        ),
    ];
    for (metric, help, value) in totals {
        page.counter(metric, help, &[], value);
    }
    for (reason, count) in radio.drops() {
        page.counter(
            "heliograph_radio_frames_dropped_total",
            "Frames that were dropped, by reason.",
            &[("reason", reason.as_str())],
            count,
        );
    }
}

fn write_channel(page: &mut Page, direction: &str, way: &DirectionStatistics) {
    let outcomes = [
        ("offered", way.offered),
        ("duplicated", way.duplicated),
        ("delivered", way.delivered),
    ];
    let drops = way.drops().map(|(reason, count)| (reason.as_str(), count));
    for (outcome, count) in outcomes.into_iter().chain(drops) {
        page.counter(
            "heliograph_channel_frames_total",
            "Frames of the simulated channel, by what became of them.",
            &[("direction", direction), ("outcome", outcome)],
            count,
        );
    }
    page.gauge(
        "heliograph_channel_frames_in_flight",
        "Frames of the simulated channel that wait or are on their way.",
        &[("direction", direction)],
        way.in_flight as f64,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_the_downlink_has_its_account() {
        let mut link = Statistics::default();
        link.classes_out.bulk.messages.offered = 7;
        link.classes_out.bulk.messages.queued = 2;
        link.classes_out.bulk.bytes_held = 5_000;
        let page = link_metrics(&link, &FrameStatistics::default(), None);
        for line in [
            "heliograph_downlink_class_offered_total{class=\"bulk\"} 7",
            "heliograph_downlink_class_queued{class=\"bulk\"} 2",
            "heliograph_downlink_class_bytes{class=\"bulk\"} 5000",
            "heliograph_downlink_class_offered_total{class=\"response\"} 0",
            "heliograph_downlink_class_dropped_total{class=\"telemetry\",reason=\"expired\"} 0",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}");
        }
    }
}

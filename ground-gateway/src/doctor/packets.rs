//! Every way to read the packets that were heard.

use std::collections::BTreeMap;

use comms_service::message::{End, PayloadType};
use comms_service::packet::{Content, LinkPacket, PacketError, Place};
use comms_service::{CommsResult, LinkOptions, PacketFormat};

use super::finding::{Finding, of_all};
use crate::config::GroundLinkConfig;

const PRESETS: [&str; 3] = ["default", "kubos", "kubos-gateway"];

/// One way to read packets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) options: LinkOptions,
    /// Which end would read them so: the satellite what goes up.
    pub(super) end: End,
}

/// How well a reading explains packets.
#[derive(Clone, Debug, Default)]
pub(super) struct Fit {
    /// The better, the more.
    pub(super) weight: usize,
    /// Packets that it takes.
    pub(super) taken: usize,
    /// Why it refuses the others.
    pub(super) refused: BTreeMap<&'static str, usize>,
    /// Packets of APIDs that its map does not know.
    pub(super) unknown_apids: BTreeMap<u16, usize>,
}

impl Reading {
    /// As configured.
    pub(super) fn configured(link: &GroundLinkConfig) -> Self {
        Reading {
            options: link.comms.clone(),
            end: End::Ground,
        }
    }

    /// All there are: first as configured, then with the fewest changes.
    pub(super) fn all(link: &GroundLinkConfig) -> Vec<Self> {
        let configured = &link.comms;
        let mut all = vec![Self::configured(link)];
        let formats = [
            configured.format,
            PacketFormat::SpacePacket,
            PacketFormat::Kubos,
            PacketFormat::Udp,
        ];
        for format in formats {
            let space_packet = format == PacketFormat::SpacePacket;
            let checks = match space_packet {
                true => vec![
                    has_error_control(configured),
                    !has_error_control(configured),
                ],
                false => vec![false],
            };
            for error_control in checks {
                let base = LinkOptions {
                    format,
                    error_control: space_packet.then_some(error_control),
                    http_ports: match format {
                        PacketFormat::Udp => configured.http_ports.clone(),
                        _ => Vec::new(),
                    },
                    ..configured.clone()
                };
                for (apid_preset, apids) in maps(configured, format) {
                    for end in [End::Ground, End::Satellite] {
                        // Only a Space Packet says which way it goes.
                        if space_packet || end == End::Ground {
                            let options = LinkOptions {
                                apid_preset: apid_preset.clone(),
                                apids: apids.clone(),
                                ..base.clone()
                            };
                            all.push(Reading { options, end });
                        }
                    }
                }
            }
        }
        all
    }

    pub(super) fn format(&self, link: &GroundLinkConfig) -> CommsResult<Box<dyn LinkPacket>> {
        self.options.packet_format(self.end, None, link.addresses)
    }

    pub(super) fn fit(&self, link: &GroundLinkConfig, packets: &[&[u8]]) -> Fit {
        let mut fit = Fit::default();
        // A combination that makes no sense explains nothing.
        let Ok(format) = self.format(link) else {
            return fit;
        };
        let checked = has_error_control(&self.options) || self.options.format == PacketFormat::Udp;
        for packet in packets {
            match format.parse(packet) {
                Ok(parsed) => {
                    fit.taken += 1;
                    fit.weight += match (checked, parsed.surplus_bytes) {
                        (_, _) if parsed.content == Content::Idle => 1,
                        (true, _) => 4,
                        (false, 0) => 3,
                        (false, _) => 1,
                    };
                    match json_in_place(&parsed.content, packet) {
                        Some(true) => fit.weight += 1,
                        Some(false) => fit.weight -= 1,
                        None => {}
                    }
                }
                Err(error) => {
                    if let PacketError::UnknownApid { apid } = error {
                        *fit.unknown_apids.entry(apid).or_default() += 1;
                        // Its check was right.
                        fit.weight += usize::from(checked);
                    }
                    let reason = error.drop_reason().as_str();
                    *fit.refused.entry(reason).or_default() += 1;
                }
            }
        }
        fit
    }
}

/// The best of all readings; the one configured unless another is better.
pub(super) fn best_reading(link: &GroundLinkConfig, packets: &[&[u8]]) -> (Reading, Fit) {
    let configured = Reading::configured(link);
    let mut best = (configured.fit(link, packets), configured);
    for reading in Reading::all(link) {
        let fit = reading.fit(link, packets);
        if fit.weight > best.0.weight {
            best = (fit, reading);
        }
    }
    (best.1, best.0)
}

/// Whether what is taken for GraphQL looks like it; none for anything else. Only
/// this tells two presets apart that know the same APIDs.
fn json_in_place(content: &Content, packet: &[u8]) -> Option<bool> {
    let (head, payload) = match content {
        Content::Message { head, payload } => (head, payload),
        Content::Segment(segment) => match &segment.place {
            Place::Unsegmented(head) | Place::First(head) => (head, &segment.data),
            Place::Continuation | Place::Last => return None,
        },
        Content::Idle => return None,
    };
    let graphql = head.payload_type == PayloadType::GraphQl;
    let payload = packet.get(payload.clone()).unwrap_or_default();
    graphql.then(|| payload.trim_ascii_start().starts_with(b"{"))
}

fn maps(
    configured: &LinkOptions,
    format: PacketFormat,
) -> Vec<(Option<String>, BTreeMap<String, i64>)> {
    if format == PacketFormat::Udp {
        return vec![(None, BTreeMap::new())];
    }
    let mut maps = Vec::new();
    if format == configured.format {
        maps.push((configured.apid_preset.clone(), configured.apids.clone()));
    }
    maps.push((None, BTreeMap::new()));
    let named = PRESETS.map(|preset| (Some(preset.to_owned()), BTreeMap::new()));
    maps.extend(named);
    maps
}

fn has_error_control(options: &LinkOptions) -> bool {
    options.format == PacketFormat::SpacePacket && options.error_control.unwrap_or(true)
}

fn preset(options: &LinkOptions) -> &str {
    let default = match options.format {
        PacketFormat::Kubos => "kubos",
        _ => "default",
    };
    options.apid_preset.as_deref().unwrap_or(default)
}

/// What keeps the packets from being taken, as configured.
pub(super) fn findings(link: &GroundLinkConfig, packets: &[&[u8]]) -> Vec<Finding> {
    let configured = Reading::configured(link).fit(link, packets);
    let (best, fit) = best_reading(link, packets);
    let mut findings = Vec::new();
    if best != Reading::configured(link) {
        findings.push(change(link, &configured, &best, &fit, packets.len()));
    }
    for (apid, count) in &fit.unknown_apids {
        let evidence = format!(
            "APID {apid} is in no map: {}",
            of_all(*count, packets.len(), "packet")
        );
        let key =
            format!("[link.comms] apids, if it is yours (such as apids = {{ udp = {apid} }})");
        findings.push(Finding::new(*count, evidence).with_change(key));
    }
    for (reason, count) in &fit.refused {
        if *reason != "unknown-apid" {
            let what = of_all(*count, packets.len(), "packet");
            let name = best.options.format.as_str();
            let evidence = format!("{what} cannot be read in format \"{name}\": {reason}");
            findings.push(Finding::new(*count, evidence));
        }
    }
    findings
}

/// From the configured reading to the best one.
fn change(
    link: &GroundLinkConfig,
    configured: &Fit,
    best: &Reading,
    fit: &Fit,
    packets: usize,
) -> Finding {
    let (old, new) = (&link.comms, &best.options);
    let what = of_all(fit.taken, packets, "packet");
    let refused: Vec<_> = configured
        .refused
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    let refused = match refused.is_empty() {
        true => "which is read wrongly".to_owned(),
        false => format!("refused as configured: {}", refused.join(", ")),
    };
    let mut keys = Vec::new();
    let mut seen = Vec::new();
    if new.format != old.format {
        seen.push(format!("format \"{}\" ({refused})", new.format.as_str()));
        keys.push(format!("format = \"{}\"", new.format.as_str()));
    }
    if new.format == PacketFormat::SpacePacket
        && has_error_control(new) != has_error_control_in(old)
    {
        seen.push(match has_error_control(new) {
            true => "Space Packets that end with a right CRC-16".to_owned(),
            false => format!("whole Space Packets without error control ({refused})"),
        });
        keys.push(format!("error-control = {}", has_error_control(new)));
    }
    let same_map = preset(new) == preset(old) && new.apids == old.apids;
    if new.format != PacketFormat::Udp && new.format == old.format && !same_map {
        seen.push(format!("of APID preset \"{}\" ({refused})", preset(new)));
        let own = if old.apids.is_empty() {
            ""
        } else {
            ", without apids"
        };
        keys.push(format!("apid-preset = \"{}\"{own}", preset(new)));
    } else if new.format != old.format && new.apid_preset != old.apid_preset {
        keys.push(format!("apid-preset = \"{}\"", preset(new)));
    }
    if best.end == End::Satellite {
        seen.push(
            "telecommands, which go up: our own uplink is heard, or that of another ground station"
                .to_owned(),
        );
    }
    let finding = Finding::new(fit.taken, format!("{what} are {}", seen.join(", ")));
    match keys.is_empty() {
        true => finding,
        false => finding.with_change(format!("[link.comms] {}", keys.join(", "))),
    }
}

/// Whether Space Packets would have it, whatever the format is.
fn has_error_control_in(options: &LinkOptions) -> bool {
    options.error_control.unwrap_or(true)
}

//! What the link as configured makes of what was heard, by the code that a live
//! link runs.

use std::time::Instant;

use comms_service::CommsResult;
use comms_service::accounting::{DropReason, Statistics};
use comms_service::link::{Link, LinkConfig};
use comms_service::message::End;
use radio_hal::{Deframer, FrameCounters, FrameStatistics, FramingConfig, FramingError};

use super::finding::{Finding, of_all};
use super::framing::frames_in;
use super::heard::Heard;
use super::packets::Reading;
use crate::config::GroundLinkConfig;

/// What became of frames and packets.
pub(super) struct Delivery {
    pub(super) frames: FrameStatistics,
    pub(super) packets: Statistics,
}

impl Delivery {
    /// Everything heard, through the link with `framing`.
    pub(super) fn of(
        heard: &Heard,
        framing: &FramingConfig,
        link: &GroundLinkConfig,
    ) -> Result<Self, FramingError> {
        let mut deframer = Deframer::new(framing)?;
        let counters = FrameCounters::default();
        let mut packets = Vec::new();
        for piece in heard.pieces() {
            deframer.push(piece);
            while let Some(packet) = deframer.next_packet() {
                match packet {
                    Ok(packet) => {
                        packets.push(packet.to_vec());
                        counters.count_delivered();
                    }
                    Err(reason) => counters.count_dropped(reason),
                }
            }
        }
        let packets: Vec<_> = packets.iter().map(Vec::as_slice).collect();
        Ok(Delivery {
            frames: counters.snapshot(),
            packets: engine(&Reading::configured(link), link, &packets).unwrap_or_default(),
        })
    }

    /// Frames in all; noise is none.
    pub(super) fn frames_heard(&self) -> usize {
        frames_in(&self.frames)
    }

    /// Packets of whole messages, and of those whose end may still come; also fill,
    /// and what came twice: nothing of these is lost.
    pub(super) fn delivered(&self) -> usize {
        let packets = &self.packets.packets_in;
        let harmless = [DropReason::Idle, DropReason::Duplicate];
        let harmless = harmless.map(|reason| packets.dropped.of(reason));
        let count = packets.delivered + packets.queued + harmless.iter().sum::<u64>();
        usize::try_from(count).unwrap_or(usize::MAX)
    }
}

/// What the engine counts of `packets`.
fn engine(
    reading: &Reading,
    link: &GroundLinkConfig,
    packets: &[&[u8]],
) -> CommsResult<Statistics> {
    let config = reading.options.link_config(LinkConfig::new(End::Ground));
    let mut engine = Link::new(config, reading.format(link)?);
    // How much time passed between two of them is not known.
    let now = Instant::now();
    for packet in packets {
        engine.handle_packet(now, packet);
        // Heard and done with: nothing is to fill the memory.
        while engine.poll_action().is_some() {}
    }
    Ok(engine.statistics())
}

/// What keeps `packets`, read as they should be, from becoming messages.
pub(super) fn findings(
    reading: &Reading,
    link: &GroundLinkConfig,
    packets: &[&[u8]],
) -> Vec<Finding> {
    let Ok(counted) = engine(reading, link, packets) else {
        return Vec::new();
    };
    let finding = |(reason, count): (DropReason, u64)| {
        let (why, change) = match reason {
            DropReason::NoFirstSegment => (
                "continue a message whose beginning was not heard: it began before, or frames are lost",
                None,
            ),
            DropReason::SequenceGap => (
                "are of messages that miss a segment: frames are lost on the way",
                None,
            ),
            DropReason::Unfinished => ("are of messages that their sender never finished", None),
            DropReason::TooLarge => (
                "are of messages larger than may be",
                Some("[link.comms] message-bytes-max"),
            ),
            DropReason::MemorySpent => (
                "are of messages for which there is no memory",
                Some("[link.comms] memory-bytes-max"),
            ),
            // Told with the packets themselves.
            _ => return None,
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let evidence = format!(
            "{} {why} ({})",
            of_all(count, packets.len(), "packet"),
            reason.as_str()
        );
        let finding = Finding::new(count, evidence);
        Some(match change {
            Some(change) => finding.with_change(change),
            None => finding,
        })
    };
    counted
        .packets_in
        .dropped
        .iter()
        .filter_map(finding)
        .collect()
}

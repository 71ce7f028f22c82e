//! Which borders, and AX.25 or not.

use radio_hal::{FrameDrop, FrameStatistics, FramingConfig, FramingError, slip};

use super::borders::{Borders, Decoded};
use super::finding::{Finding, of_all};
use super::heard::{Cut, Heard};
use super::packets::best_reading;
use super::stations::{Stations, is_ax25};
use crate::config::GroundLinkConfig;

/// Frames with a good FCS that are no coincidence, whatever is in them.
const FCS_FRAMES_MIN: usize = 3;

/// What lies between frames, and is none.
const NOISE: [FrameDrop; 4] = [
    FrameDrop::Noise,
    FrameDrop::Abort,
    FrameDrop::NotOctets,
    FrameDrop::Empty,
];

/// What was heard, read by the borders that explain it best.
pub(super) struct Explained {
    pub(super) decoded: Decoded,
    pub(super) has_ax25: bool,
    weight: usize,
}

impl Explained {
    /// The best of all borders; those of `framing` unless others are better.
    pub(super) fn best(
        heard: &Heard,
        framing: &FramingConfig,
        link: &GroundLinkConfig,
    ) -> Result<Self, FramingError> {
        let configured = Borders::of(framing);
        let mut best = Self::by(configured, heard, link)?;
        for borders in Borders::candidates(heard) {
            if borders == configured {
                continue;
            }
            let other = Self::by(borders, heard, link)?;
            if other.weight > best.weight {
                best = other;
            }
        }
        Ok(best)
    }

    pub(super) fn by(
        borders: Borders,
        heard: &Heard,
        link: &GroundLinkConfig,
    ) -> Result<Self, FramingError> {
        let decoded = borders.decode(heard)?;
        let frames = &decoded.frames;
        let ax25 = frames.iter().filter(|frame| is_ax25(frame)).count();
        let other_port = decoded.other_port;
        let has_ax25 = borders.may_have_ax25()
            && ax25 + other_port > 0
            && 2 * (ax25 + other_port) >= frames.len();
        let fcs = match borders {
            Borders::Hdlc { .. } if frames.len() >= FCS_FRAMES_MIN => frames.len(),
            _ => 0,
        };
        let packets = match has_ax25 {
            true => Stations::in_frames(frames, link).packets(link.radio.framing().ax25.as_ref()),
            false => frames.iter().map(Vec::as_slice).collect(),
        };
        let (_, fit) = best_reading(link, &packets);
        Ok(Explained {
            weight: fit.weight + if has_ax25 { 4 * (ax25 + other_port) } else { 0 } + fcs,
            has_ax25,
            decoded,
        })
    }

    /// Whether anything of it is known.
    pub(super) fn is_something(&self) -> bool {
        self.weight > 0
    }

    /// That another framing than `framing` is heard.
    pub(super) fn finding(
        &self,
        heard: &Heard,
        framing: &FramingConfig,
        link: &GroundLinkConfig,
    ) -> Option<Finding> {
        let Decoded {
            borders,
            frames,
            other_port,
            ..
        } = &self.decoded;
        let configured = Borders::of(framing);
        let same_borders = *borders == configured;
        if !self.is_something() || same_borders && self.has_ax25 == framing.ax25.is_some() {
            return None;
        }
        let what = match (self.has_ax25, borders) {
            (true, _) => "AX.25 frames",
            (false, Borders::Hdlc { .. }) => "frames with a good FCS",
            (false, _) => "packets without AX.25",
        };
        let count = frames.len() + other_port;
        let name = borders.framing(self.has_ax25);
        let settings = borders.settings();
        let evidence = match same_borders {
            true => format!(
                "{} are {what}, which framing \"{}\" does not expect",
                of_all(count, count, "frame"),
                framing.framing
            ),
            false => format!(
                "{}; with framing \"{name}\"{settings}: {count} {what}",
                nothing_found(configured, heard)
            ),
        };
        let mut keys = borders.keys(self.has_ax25);
        match (self.has_ax25, &framing.ax25) {
            (true, None) => {
                let stations = Stations::in_frames(frames, link);
                keys.push_str(&format!(", {}", stations.suggestion()));
            }
            (false, Some(_)) => keys.push_str(", without ax25"),
            _ => {}
        }
        Some(Finding::new(count, evidence).with_change(format!("[link.radio] {keys}")))
    }

    /// What the borders found wrong.
    pub(super) fn residue(&self) -> Vec<Finding> {
        let counted = &self.decoded.counted;
        let all = frames_in(counted);
        let mut findings = Vec::new();
        for (reason, count) in counted.drops().filter(|(_, count)| *count > 0) {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let why = match reason {
                reason if NOISE.contains(&reason) => continue,
                FrameDrop::Fcs => "have another FCS than their own: bit errors, or noise",
                FrameDrop::KissPort => {
                    "are for another KISS port than 0: choose the TNC's channel 0"
                }
                FrameDrop::KissCommand => "are KISS frames of another command than data",
                FrameDrop::Oversize => "are longer than any frame: frame ends are missing",
                FrameDrop::Escape => "hold an escape that does not exist: octets are damaged",
                _ => "are damaged",
            };
            let evidence = format!("{} {why} ({reason})", of_all(count, all, "frame"));
            findings.push(Finding::new(count, evidence));
        }
        findings
    }
}

/// Frames in all, good or not; noise is none.
pub(super) fn frames_in(counted: &FrameStatistics) -> usize {
    let noise: u64 = NOISE
        .iter()
        .map(|reason| counted.dropped_for(*reason))
        .sum();
    usize::try_from(counted.received - noise).unwrap_or(usize::MAX)
}

/// What the borders that are configured do not find.
fn nothing_found(borders: Borders, heard: &Heard) -> String {
    let bytes = heard.bytes();
    match borders {
        Borders::Kiss | Borders::Slip => {
            let name = if borders == Borders::Kiss {
                "KISS"
            } else {
                "SLIP"
            };
            let ends = heard.pieces().flatten();
            match ends.filter(|octet| **octet == slip::END).count() {
                0 => format!("no {name} frame end (C0) in {bytes} octets"),
                ends => format!("{ends} octets C0, but no {name} frames that make sense"),
            }
        }
        Borders::Hdlc { .. } => format!(
            "no HDLC frames that make sense in {bytes} octets{}",
            borders.settings()
        ),
        Borders::None if heard.cut == Cut::Stream => "a stream has no borders".to_owned(),
        Borders::None => format!(
            "the datagrams are not the frames themselves ({} of {bytes} octets)",
            heard.pieces().count()
        ),
    }
}

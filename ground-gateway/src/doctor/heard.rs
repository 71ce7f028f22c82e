//! What was heard, before anybody knows what it is.

use std::time::Duration;

use radio_hal::pcap::LinkType;
use radio_hal::{FramingConfig, Medium, slip};

use crate::config::GroundLinkConfig;
use crate::ip;

/// Octets that are looked at, at most; those beyond are not taken.
pub(crate) const HEARD_BYTES_MAX: usize = 1 << 20;

/// Octets as they came, in pieces.
#[derive(Debug)]
pub(crate) struct Heard {
    pieces: Vec<Vec<u8>>,
    bytes: usize,
    /// There was no room for something.
    full: bool,
    pub(super) cut: Cut,
    /// Datagrams that came from somebody else than the peer.
    pub(crate) foreign_sources: u64,
    /// How long was listened; none where it comes from a file.
    pub(crate) time: Option<Duration>,
}

/// What the pieces are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Parts of a stream.
    Stream,
    /// A datagram each.
    Datagrams,
    /// A KISS frame each, of a capture.
    KissFrames,
    /// An AX.25 frame each, of a capture.
    Ax25Frames,
    /// A packet each, of a capture.
    Packets,
    /// An IP packet each, of a capture.
    IpPackets,
}

impl Heard {
    /// Nothing yet, from a radio on `medium`.
    pub(crate) fn on(medium: Medium) -> Self {
        Self::cut_in(match medium {
            Medium::Stream => Cut::Stream,
            Medium::Datagrams => Cut::Datagrams,
        })
    }

    /// Nothing yet, from a capture of `link_type`.
    pub(crate) fn from_capture(link_type: LinkType) -> Self {
        Self::cut_in(match link_type {
            LinkType::Ax25Kiss => Cut::KissFrames,
            LinkType::Ax25 => Cut::Ax25Frames,
            LinkType::Ipv4 => Cut::IpPackets,
            _ => Cut::Packets,
        })
    }

    /// Octets as they came out of the radio of `link`, all in one.
    pub(crate) fn from_octets(link: &GroundLinkConfig, octets: &[u8]) -> Self {
        let has_borders = link.radio.framing().framing.has_borders();
        let mut heard = Self::on(match has_borders {
            true => Medium::Stream,
            false => Medium::Datagrams,
        });
        heard.push(octets.get(..HEARD_BYTES_MAX).unwrap_or(octets));
        heard.full = octets.len() > HEARD_BYTES_MAX;
        heard
    }

    fn cut_in(cut: Cut) -> Self {
        Heard {
            pieces: Vec::new(),
            bytes: 0,
            full: false,
            cut,
            foreign_sources: 0,
            time: None,
        }
    }

    /// Adds a piece. One that would exceed [`HEARD_BYTES_MAX`] is cut on a stream,
    /// else left out, with all that come after it.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        if self.full {
            return;
        }
        let room = HEARD_BYTES_MAX - self.bytes;
        let piece = match self.cut {
            Cut::KissFrames => {
                let mut octets = Vec::new();
                slip::encode(piece, &mut octets);
                octets
            }
            Cut::IpPackets => match ip::udp_datagram(piece) {
                Some(datagram) => datagram.octets.to_vec(),
                None => piece.to_vec(),
            },
            Cut::Stream if piece.len() > room => {
                self.full = true;
                piece.get(..room).unwrap_or_default().to_vec()
            }
            Cut::Stream | Cut::Datagrams | Cut::Ax25Frames | Cut::Packets => piece.to_vec(),
        };
        if piece.len() > room {
            self.full = true;
            return;
        }
        if piece.is_empty() {
            return;
        }
        self.bytes += piece.len();
        self.pieces.push(piece);
    }

    /// Whether something was left out, as there was no room for it.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(Vec::as_slice)
    }

    /// The framing that `link` would read this by: the one configured, but for a
    /// capture, whose frames have lost it.
    pub(super) fn framing(&self, link: &GroundLinkConfig) -> FramingConfig {
        let configured = link.radio.framing();
        match (self.cut, &configured.ax25) {
            (Cut::Stream | Cut::Datagrams, _) => configured.clone(),
            (Cut::KissFrames, Some(ax25)) => FramingConfig::kiss_ax25(ax25.clone()),
            (Cut::KissFrames, None) => FramingConfig::kiss(),
            (Cut::Ax25Frames, Some(ax25)) => FramingConfig::ax25(ax25.clone()),
            (Cut::Ax25Frames, None) | (Cut::Packets | Cut::IpPackets, _) => FramingConfig::raw(),
        }
    }
}

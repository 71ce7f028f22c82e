//! Every way to find frames in what was heard.

use radio_hal::hdlc::BitOrder;
use radio_hal::{
    Deframer, FrameCounters, FrameDrop, FrameStatistics, Framing, FramingConfig, FramingError,
    HdlcConfig,
};

use super::heard::{Cut, Heard};
use super::stations::is_ax25;

/// What lies around a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Borders {
    /// Nothing: a datagram is a frame.
    None,
    Kiss,
    Slip,
    Hdlc {
        nrzi: bool,
        g3ruh: bool,
        bit_order: BitOrder,
    },
}

/// What one kind of borders makes of what was heard.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) borders: Borders,
    /// What lies between the borders.
    pub(super) frames: Vec<Vec<u8>>,
    /// AX.25 frames for another KISS port than ours.
    pub(super) other_port: usize,
    /// What was no frame, or none for us.
    pub(super) counted: FrameStatistics,
}

impl Borders {
    pub(super) fn of(framing: &FramingConfig) -> Self {
        match framing.framing {
            Framing::Kiss | Framing::KissAx25 => Borders::Kiss,
            Framing::Slip => Borders::Slip,
            Framing::Hdlc => {
                let hdlc = framing.hdlc.unwrap_or_default();
                Borders::Hdlc {
                    nrzi: hdlc.nrzi,
                    g3ruh: hdlc.g3ruh,
                    bit_order: hdlc.bit_order,
                }
            }
            _ => Borders::None,
        }
    }

    /// All that are possible for what was heard.
    pub(super) fn candidates(heard: &Heard) -> Vec<Self> {
        let hdlc = (0..8).map(|bits| Borders::Hdlc {
            nrzi: bits & 1 != 0,
            g3ruh: bits & 2 != 0,
            bit_order: match bits & 4 {
                0 => BitOrder::LsbFirst,
                _ => BitOrder::MsbFirst,
            },
        });
        let on_stream = [Borders::Kiss, Borders::Slip].into_iter().chain(hdlc);
        match heard.cut {
            Cut::Stream => on_stream.collect(),
            Cut::Datagrams => std::iter::once(Borders::None).chain(on_stream).collect(),
            Cut::KissFrames => vec![Borders::Kiss],
            Cut::Ax25Frames | Cut::Packets | Cut::IpPackets => vec![Borders::None],
        }
    }

    /// Whether AX.25 can be between them.
    pub(super) fn may_have_ax25(self) -> bool {
        self != Borders::Slip
    }

    /// The framing's name with these borders.
    pub(super) fn framing(self, has_ax25: bool) -> Framing {
        match (self, has_ax25) {
            (Borders::None, true) => Framing::Ax25,
            (Borders::None, false) => Framing::Raw,
            (Borders::Kiss, true) => Framing::KissAx25,
            (Borders::Kiss, false) => Framing::Kiss,
            (Borders::Slip, _) => Framing::Slip,
            (Borders::Hdlc { .. }, _) => Framing::Hdlc,
        }
    }

    /// The settings of HDLC in words, such as `, nrzi, g3ruh`.
    pub(super) fn settings(self) -> String {
        let mut words = String::new();
        if let Borders::Hdlc {
            nrzi,
            g3ruh,
            bit_order,
        } = self
        {
            for (word, on) in [
                ("nrzi", nrzi),
                ("g3ruh", g3ruh),
                ("msb-first", bit_order == BitOrder::MsbFirst),
            ] {
                if on {
                    words.push_str(", ");
                    words.push_str(word);
                }
            }
        }
        words
    }

    /// The keys that choose these borders.
    pub(super) fn keys(self, has_ax25: bool) -> String {
        let framing = self.framing(has_ax25);
        match self {
            Borders::Hdlc {
                nrzi,
                g3ruh,
                bit_order,
            } => {
                let order = match bit_order {
                    BitOrder::LsbFirst => "lsb-first",
                    BitOrder::MsbFirst => "msb-first",
                };
                format!(
                    "framing = \"{framing}\", \
                     hdlc = {{ nrzi = {nrzi}, g3ruh = {g3ruh}, bit-order = \"{order}\" }}"
                )
            }
            _ => format!("framing = \"{framing}\""),
        }
    }

    /// Finds the frames, whatever is in them.
    ///
    /// # Errors
    /// None in fact: the settings made here are sound.
    pub(super) fn decode(self, heard: &Heard) -> Result<Decoded, FramingError> {
        let framing = match self {
            Borders::None => FramingConfig::raw(),
            Borders::Kiss => FramingConfig::kiss(),
            Borders::Slip => FramingConfig::slip(),
            Borders::Hdlc {
                nrzi,
                g3ruh,
                bit_order,
            } => {
                let hdlc = HdlcConfig {
                    nrzi,
                    g3ruh,
                    bit_order,
                    ..HdlcConfig::default()
                };
                FramingConfig::hdlc(hdlc, None)
            }
        };
        let mut deframer = Deframer::new(&framing)?;
        let counters = FrameCounters::default();
        let (mut frames, mut other_port) = (Vec::new(), 0);
        for piece in heard.pieces() {
            deframer.push(piece);
            while let Some(found) = deframer.next_frame() {
                match found.packet {
                    Ok(frame) => {
                        frames.push(frame.to_vec());
                        counters.count_delivered();
                    }
                    Err(reason) => {
                        let on_port = reason != FrameDrop::KissPort;
                        other_port += usize::from(!on_port && is_ax25(found.frame));
                        counters.count_dropped(reason);
                    }
                }
            }
        }
        Ok(Decoded {
            borders: self,
            frames,
            other_port,
            counted: counters.snapshot(),
        })
    }
}

//! Packets in, octets for the medium out; without I/O.

use crate::ax25::{Digipeater, UiRepr};
use crate::framing::{Framing, FramingConfig, FramingError};
use crate::hdlc::{self, HdlcConfig};
use crate::kiss::{self, Command, Port};
use crate::slip;

/// Puts each packet into one frame: AX.25 UI from our callsign to the peer, or
/// nothing, and around that KISS data on port 0, SLIP, HDLC, or nothing.
#[derive(Debug)]
pub struct Framer {
    header: Option<UiRepr>,
    borders: Borders,
    packet_bytes_max: Option<usize>,
    /// The AX.25 frame before its borders, kept for its capacity.
    inner: Vec<u8>,
}

#[derive(Debug)]
enum Borders {
    None,
    Kiss,
    Slip,
    Hdlc(Box<hdlc::Encoder>),
}

impl Framer {
    /// A framer for `config` on a medium that carries at most `frame_bytes_max`
    /// octets at a time (`None`: any number).
    ///
    /// # Errors
    /// Those of [`FramingConfig::validate`], and [`FramingError::NoRoom`] if
    /// the medium's frames cannot hold the framing's own octets and one more.
    pub fn new(
        config: &FramingConfig,
        frame_bytes_max: Option<usize>,
    ) -> Result<Self, FramingError> {
        config.validate()?;
        let header = match &config.ax25 {
            None => None,
            Some(ax25) => {
                let path = ax25.digipeaters.iter().map(|callsign| Digipeater {
                    callsign: *callsign,
                    repeated: false,
                });
                let header =
                    UiRepr::new(ax25.peer, ax25.callsign, path.collect()).map_err(|_| {
                        FramingError::TooManyDigipeaters {
                            digipeaters: ax25.digipeaters.len(),
                        }
                    })?;
                Some(header)
            }
        };
        let medium_limit = match frame_bytes_max {
            None => None,
            Some(frame_bytes_max) => {
                let header_bytes = header.as_ref().map_or(0, UiRepr::header_bytes);
                let room = room_for_packet(frame_bytes_max, config, header_bytes).ok_or(
                    FramingError::NoRoom {
                        framing: config.framing,
                        frame_bytes_max,
                    },
                )?;
                Some(room)
            }
        };
        let limits = [config.packet_bytes_max(), medium_limit];
        Ok(Self {
            header,
            borders: match config.framing {
                Framing::Kiss | Framing::KissAx25 => Borders::Kiss,
                Framing::Slip => Borders::Slip,
                Framing::Hdlc => Borders::Hdlc(Box::new(hdlc::Encoder::new(&hdlc_config(config)))),
                Framing::Ax25 | Framing::Raw => Borders::None,
            },
            packet_bytes_max: limits.into_iter().flatten().min(),
            inner: Vec::new(),
        })
    }

    /// The longest packet that [`frame`](Self::frame) takes, in octets: N1 for
    /// AX.25, else the limit of the framing or of the medium, whichever is
    /// smaller. For a framing that escapes or stuffs on a limited medium the
    /// worst packet counts. `None` if neither framing nor medium has a limit.
    pub fn packet_bytes_max(&self) -> Option<usize> {
        self.packet_bytes_max
    }

    /// Appends the frame that carries `packet` to `out`.
    ///
    /// # Errors
    /// [`FramingError::PacketTooLong`] above
    /// [`packet_bytes_max`](Self::packet_bytes_max) and
    /// [`FramingError::PacketEmpty`] for no octets; `out` is then untouched.
    pub fn frame(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), FramingError> {
        if packet.is_empty() {
            return Err(FramingError::PacketEmpty);
        }
        if let Some(packet_bytes_max) = self.packet_bytes_max.filter(|max| packet.len() > *max) {
            return Err(FramingError::PacketTooLong {
                octets: packet.len(),
                packet_bytes_max,
            });
        }
        let inner = match (&self.header, &self.borders) {
            (Some(header), Borders::None) => {
                header.emit(packet, out);
                return Ok(());
            }
            (Some(header), _) => {
                self.inner.clear();
                header.emit(packet, &mut self.inner);
                self.inner.as_slice()
            }
            (None, _) => packet,
        };
        match &mut self.borders {
            Borders::None => out.extend_from_slice(inner),
            Borders::Kiss => kiss::encode(Port::ZERO, Command::Data, inner, out),
            Borders::Slip => slip::encode(inner, out),
            Borders::Hdlc(encoder) => encoder.encode(inner, out),
        }
        Ok(())
    }

    /// Appends what gives up a frame of which only a part went onto a stream, so
    /// that the part is dropped at the other end and not taken for a frame.
    pub fn abort(&mut self, out: &mut Vec<u8>) {
        match &mut self.borders {
            Borders::None => {}
            Borders::Kiss | Borders::Slip => out.extend_from_slice(&slip::ABORT),
            Borders::Hdlc(encoder) => encoder.abort(out),
        }
    }
}

fn hdlc_config(config: &FramingConfig) -> HdlcConfig {
    config.hdlc.unwrap_or_default()
}

/// Octets of packet that surely fit into a frame of `frame_bytes_max`, if any.
fn room_for_packet(
    frame_bytes_max: usize,
    config: &FramingConfig,
    header_bytes: usize,
) -> Option<usize> {
    let flags_before = hdlc_config(config).flags_before;
    let framed_bytes_max = |inner_bytes| match config.framing {
        Framing::Kiss | Framing::KissAx25 => kiss::encoded_bytes_max(inner_bytes),
        Framing::Slip => slip::encoded_bytes_max(inner_bytes),
        Framing::Hdlc => hdlc::encoded_bytes_max(inner_bytes, flags_before),
        Framing::Ax25 | Framing::Raw => inner_bytes,
    };
    // Each octet costs at least one and at most two, so this ends soon.
    let mut inner_bytes = frame_bytes_max;
    while framed_bytes_max(inner_bytes) > frame_bytes_max {
        let excess = framed_bytes_max(inner_bytes) - frame_bytes_max;
        inner_bytes = inner_bytes.checked_sub(excess.div_ceil(2))?;
    }
    inner_bytes
        .checked_sub(header_bytes)
        .filter(|room| *room > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deframer::Deframer;
    use crate::framing::Ax25Config;

    fn config(callsign: &str, peer: &str) -> Ax25Config {
        Ax25Config::new(callsign.parse().unwrap(), peer.parse().unwrap())
    }

    fn scrambled(ax25: Option<Ax25Config>) -> FramingConfig {
        let hdlc = HdlcConfig {
            nrzi: true,
            g3ruh: true,
            ..HdlcConfig::default()
        };
        FramingConfig::hdlc(hdlc, ax25)
    }

    #[test]
    fn every_framing_carries_a_packet_to_the_other_end() {
        let (flight, ground) = (config("SAT1-1", "GND-2"), config("GND-2", "SAT1-1"));
        for (sender, receiver) in [
            (FramingConfig::raw(), FramingConfig::raw()),
            (FramingConfig::kiss(), FramingConfig::kiss()),
            (FramingConfig::slip(), FramingConfig::slip()),
            (scrambled(None), scrambled(None)),
            (
                scrambled(Some(flight.clone())),
                scrambled(Some(ground.clone())),
            ),
            (
                FramingConfig::ax25(flight.clone()),
                FramingConfig::ax25(ground.clone()),
            ),
            (
                FramingConfig::kiss_ax25(flight),
                FramingConfig::kiss_ax25(ground),
            ),
        ] {
            let packet: Vec<u8> = (0..=255).collect();
            let mut octets = Vec::new();
            Framer::new(&sender, None)
                .unwrap()
                .frame(&packet, &mut octets)
                .unwrap();
            let mut deframer = Deframer::new(&receiver).unwrap();
            deframer.push(&octets);
            assert_eq!(deframer.next_packet(), Some(Ok(packet.as_slice())));
            assert_eq!(deframer.next_packet(), None);
        }
    }

    #[test]
    fn a_packet_longer_than_the_limit_leaves_no_octet_behind() {
        let config = FramingConfig::kiss_ax25(config("SAT1-1", "GND-2"));
        let mut framer = Framer::new(&config, None).unwrap();
        assert_eq!(framer.packet_bytes_max(), Some(256));
        let mut octets = Vec::new();
        assert_eq!(
            framer.frame(&[0; 257], &mut octets),
            Err(FramingError::PacketTooLong {
                octets: 257,
                packet_bytes_max: 256
            })
        );
        assert_eq!(
            framer.frame(&[], &mut octets),
            Err(FramingError::PacketEmpty)
        );
        assert!(octets.is_empty());
    }

    #[test]
    fn the_longest_packet_fits_the_medium_whatever_is_in_it() {
        let framings = [
            (FramingConfig::kiss(), kiss::FEND),
            (FramingConfig::slip(), slip::END),
            (FramingConfig::hdlc(HdlcConfig::default(), None), 0xFF),
        ];
        for (config, worst) in framings {
            for frame_bytes_max in [12, 13, 100, 101, 5000] {
                let mut framer = Framer::new(&config, Some(frame_bytes_max)).unwrap();
                let longest = framer.packet_bytes_max().unwrap();
                let mut octets = Vec::new();
                framer.frame(&vec![worst; longest], &mut octets).unwrap();
                assert!(octets.len() <= frame_bytes_max);
                // Nor is room given away.
                assert!(octets.len() + 4 > frame_bytes_max, "{config:?}");
            }
        }
    }

    #[test]
    fn a_medium_without_room_for_one_octet_of_packet_is_refused() {
        let config = FramingConfig::ax25(config("SAT1-1", "GND-2"));
        assert!(Framer::new(&config, Some(17)).is_ok());
        assert!(matches!(
            Framer::new(&config, Some(16)),
            Err(FramingError::NoRoom { .. })
        ));
    }
}

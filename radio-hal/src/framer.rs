//! Packets in, octets for the medium out; without I/O.

use crate::ax25::{Digipeater, UiRepr};
use crate::framing::{FramingConfig, FramingError, KISS_FRAME_BYTES_MAX};
use crate::kiss::{self, Command, Port};

/// Puts each packet into one frame: AX.25 UI from our callsign to the peer, or
/// nothing, and around that KISS data on port 0, or nothing.
#[derive(Debug)]
pub struct Framer {
    header: Option<UiRepr>,
    kiss: bool,
    packet_bytes_max: Option<usize>,
    /// The AX.25 frame before KISS escapes it, kept for its capacity.
    unescaped: Vec<u8>,
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
        let kiss = config.framing.uses_kiss();
        let framing_limit = match &config.ax25 {
            Some(ax25) => Some(ax25.n1),
            None => kiss.then_some(KISS_FRAME_BYTES_MAX),
        };
        let medium_limit = match frame_bytes_max {
            None => None,
            Some(frame_bytes_max) => {
                let header_bytes = header.as_ref().map_or(0, UiRepr::header_bytes);
                let room = room_for_packet(frame_bytes_max, kiss, header_bytes).ok_or(
                    FramingError::NoRoom {
                        framing: config.framing,
                        frame_bytes_max,
                    },
                )?;
                Some(room)
            }
        };
        Ok(Self {
            header,
            kiss,
            packet_bytes_max: [framing_limit, medium_limit].into_iter().flatten().min(),
            unescaped: Vec::new(),
        })
    }

    /// The longest packet that [`frame`](Self::frame) takes, in octets: N1 for
    /// AX.25, else the limit of the KISS frame or of the medium, whichever is
    /// smaller. For KISS on a limited medium every octet is taken as escaped.
    /// `None` if neither framing nor medium has a limit.
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
        match (&self.header, self.kiss) {
            (None, false) => out.extend_from_slice(packet),
            (None, true) => kiss::encode(Port::ZERO, Command::Data, packet, out),
            (Some(header), false) => header.emit(packet, out),
            (Some(header), true) => {
                self.unescaped.clear();
                header.emit(packet, &mut self.unescaped);
                kiss::encode(Port::ZERO, Command::Data, &self.unescaped, out);
            }
        }
        Ok(())
    }
}

/// Octets of packet that surely fit into a frame of `frame_bytes_max`, if any.
fn room_for_packet(frame_bytes_max: usize, kiss: bool, header_bytes: usize) -> Option<usize> {
    let payload_bytes = if kiss {
        // The inverse of `kiss::encoded_bytes_max`.
        (frame_bytes_max / 2).checked_sub(2)?
    } else {
        frame_bytes_max
    };
    payload_bytes
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

    #[test]
    fn every_framing_carries_a_packet_to_the_other_end() {
        let (flight, ground) = (config("SAT1-1", "GND-2"), config("GND-2", "SAT1-1"));
        for (sender, receiver) in [
            (FramingConfig::raw(), FramingConfig::raw()),
            (FramingConfig::kiss(), FramingConfig::kiss()),
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
    fn the_longest_packet_fits_the_medium_even_if_every_octet_is_escaped() {
        for frame_bytes_max in [6, 7, 100, 101] {
            let mut framer = Framer::new(&FramingConfig::kiss(), Some(frame_bytes_max)).unwrap();
            let longest = vec![kiss::FEND; framer.packet_bytes_max().unwrap()];
            let mut octets = Vec::new();
            framer.frame(&longest, &mut octets).unwrap();
            assert!(octets.len() <= frame_bytes_max);
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

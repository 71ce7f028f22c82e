//! AX.25 v2.2 unnumbered information (UI) frames, without I/O.
//!
//! Layout of a UI frame as a KISS TNC hands it over (no flags, no FCS):
//!
//! | octets | field | section |
//! |---|---|---|
//! | 7 | destination address | §3.12.2 |
//! | 7 | source address | §3.12.2 |
//! | 7 × 0…8 | digipeater addresses | §3.12.4 |
//! | 1 | control: 0x03, or 0x13 with the poll bit | §3.4, §4.3.3.6 |
//! | 1 | PID: 0xF0, no layer 3 | §3.5 |
//! | 0…N1 | information | §3.6 |
//!
//! An address is six characters shifted left by one, padded with spaces, and
//! an SSID octet `C RR SSSS E`: command or has-been-repeated bit, two reserved
//! bits, SSID, extension bit. E is set on the last octet of the address field
//! and nowhere else in it.
//!
//! [`UiFrame::new_checked`] makes every check once; after it no accessor can
//! fail. [`UiRepr`] is the owned counterpart that emits.

use std::fmt;

use crate::address::{Address, AddressField};
use crate::callsign::Callsign;

/// Octets of one address.
pub const ADDRESS_BYTES: usize = 7;

/// The most digipeaters in one address field. v2.2 §3.12.4 asks for two, v2.0
/// allowed eight; stations of either age are on the air.
pub const DIGIPEATERS_MAX: usize = 8;

/// The longest address field: destination, source and eight digipeaters.
pub const ADDRESS_FIELD_BYTES_MAX: usize = ADDRESS_BYTES * (2 + DIGIPEATERS_MAX);

/// Control octet of a UI frame without the poll bit.
pub const CONTROL_UI: u8 = 0x03;

/// Control octet of a UI frame with the poll bit, which asks for no answer here.
pub const CONTROL_UI_POLL: u8 = 0x13;

/// PID "no layer 3 protocol".
pub const PID_NO_LAYER_3: u8 = 0xF0;

/// The last octet of the address field has it.
pub(crate) const EXTENSION_BIT: u8 = 0x01;
const RESERVED_BITS: u8 = 0x60;
/// Command bit of a destination or source, has-been-repeated bit of a digipeater.
pub(crate) const HIGH_BIT: u8 = 0x80;

/// One digipeater of a frame's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digipeater {
    /// The digipeater's callsign.
    pub callsign: Callsign,
    /// Whether it has already repeated this frame (the H bit, §3.12.4).
    pub repeated: bool,
}

/// A checked view of one UI frame.
///
/// Borrows the octets; copies nothing but the two callsigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UiFrame<'a> {
    destination: Callsign,
    source: Callsign,
    digipeaters: &'a [u8],
    info: &'a [u8],
}

impl<'a> UiFrame<'a> {
    /// Checks `octets` as one whole UI frame with at most `info_bytes_max`
    /// (N1) octets of information.
    ///
    /// All four combinations of the command bits are taken, as v1 stations
    /// send 00 and 11; so is any value of the reserved bits.
    ///
    /// # Errors
    /// [`Ax25Error`] names the first field that is wrong.
    pub fn new_checked(octets: &'a [u8], info_bytes_max: usize) -> Result<Self, Ax25Error> {
        let addresses = AddressField::new_checked(octets)?;
        let (control, rest) = addresses
            .content
            .split_first()
            .ok_or(Ax25Error::Truncated {
                octets: octets.len(),
            })?;
        if *control != CONTROL_UI && *control != CONTROL_UI_POLL {
            return Err(Ax25Error::NotUi { control: *control });
        }
        let (pid, info) = rest.split_first().ok_or(Ax25Error::Truncated {
            octets: octets.len(),
        })?;
        if *pid != PID_NO_LAYER_3 {
            return Err(Ax25Error::Pid { pid: *pid });
        }
        if info.len() > info_bytes_max {
            return Err(Ax25Error::InfoTooLong {
                octets: info.len(),
                info_bytes_max,
            });
        }
        Ok(Self {
            destination: addresses.destination.callsign,
            source: addresses.source.callsign,
            digipeaters: addresses.digipeaters,
            info,
        })
    }

    /// The station the frame is for.
    pub fn destination(&self) -> Callsign {
        self.destination
    }

    /// The station that made the frame.
    pub fn source(&self) -> Callsign {
        self.source
    }

    /// The frame's path, first digipeater first; at most
    /// [`DIGIPEATERS_MAX`].
    pub fn digipeaters(&self) -> impl Iterator<Item = Digipeater> + use<'a> {
        // `new_checked` has seen every one of them, so none is left out here.
        self.digipeaters
            .chunks_exact(ADDRESS_BYTES)
            .filter_map(Address::decode)
            .map(|address| Digipeater {
                callsign: address.callsign,
                repeated: address.high_bit(),
            })
    }

    /// The information field, 0…N1 octets.
    pub fn info(&self) -> &'a [u8] {
        self.info
    }

    /// The owned description of the frame's addresses.
    pub fn repr(&self) -> UiRepr {
        UiRepr {
            destination: self.destination,
            source: self.source,
            digipeaters: self.digipeaters().collect(),
        }
    }
}

/// Destination and source of an AX.25 frame of any type.
///
/// # Errors
/// [`Ax25Error`] if the address field is not whole and right.
pub fn addresses(octets: &[u8]) -> Result<(Callsign, Callsign), Ax25Error> {
    let field = AddressField::new_checked(octets)?;
    Ok((field.destination.callsign, field.source.callsign))
}

/// Everything of a UI frame but its information: what [`UiRepr::emit`] puts in
/// front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiRepr {
    destination: Callsign,
    source: Callsign,
    digipeaters: Vec<Digipeater>,
}

impl UiRepr {
    /// A frame from `source` to `destination` by way of `digipeaters`.
    ///
    /// # Errors
    /// [`Ax25Error::TooManyDigipeaters`] above [`DIGIPEATERS_MAX`].
    pub fn new(
        destination: Callsign,
        source: Callsign,
        digipeaters: Vec<Digipeater>,
    ) -> Result<Self, Ax25Error> {
        if digipeaters.len() > DIGIPEATERS_MAX {
            return Err(Ax25Error::TooManyDigipeaters);
        }
        Ok(Self {
            destination,
            source,
            digipeaters,
        })
    }

    /// The station the frame is for.
    pub fn destination(&self) -> Callsign {
        self.destination
    }

    /// The station that makes the frame.
    pub fn source(&self) -> Callsign {
        self.source
    }

    /// The frame's path.
    pub fn digipeaters(&self) -> &[Digipeater] {
        &self.digipeaters
    }

    /// Octets that [`UiRepr::emit`] puts before the information.
    pub fn header_bytes(&self) -> usize {
        ADDRESS_BYTES * (2 + self.digipeaters.len()) + 2
    }

    /// Appends the frame with `info` to `out`: as a command (destination C
    /// bit 1, source C bit 0; §6.1.2), reserved bits 11, control 0x03, PID
    /// 0xF0. The caller holds `info` to N1.
    pub fn emit(&self, info: &[u8], out: &mut Vec<u8>) {
        out.reserve(self.header_bytes() + info.len());
        emit_address(self.destination, true, false, out);
        emit_address(self.source, false, self.digipeaters.is_empty(), out);
        for (index, digipeater) in self.digipeaters.iter().enumerate() {
            let last = index + 1 == self.digipeaters.len();
            emit_address(digipeater.callsign, digipeater.repeated, last, out);
        }
        out.push(CONTROL_UI);
        out.push(PID_NO_LAYER_3);
        out.extend_from_slice(info);
    }
}

fn emit_address(callsign: Callsign, high_bit: bool, last: bool, out: &mut Vec<u8>) {
    out.extend(callsign.padded().map(|octet| octet << 1));
    let high = if high_bit { HIGH_BIT } else { 0 };
    let extension = if last { EXTENSION_BIT } else { 0 };
    out.push(high | RESERVED_BITS | (callsign.ssid() << 1) | extension);
}

/// Which address of a frame an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressRole {
    /// The station the frame is for.
    Destination,
    /// The station that made it.
    Source,
    /// A digipeater, counted from 1.
    Digipeater(usize),
}

impl fmt::Display for AddressRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Destination => f.write_str("destination"),
            Self::Source => f.write_str("source"),
            Self::Digipeater(number) => write!(f, "digipeater {number}"),
        }
    }
}

/// Why octets are not a frame that this crate takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ax25Error {
    /// The frame ends inside the address field or before its control or PID octet.
    #[error("AX.25 frame of {octets} octets ends before its information field")]
    Truncated {
        /// Length of the frame.
        octets: usize,
    },
    /// The address field is not two to ten addresses of seven octets.
    #[error(
        "AX.25 address field is {octets} octets long; \
         it must be two to ten addresses of 7 octets"
    )]
    AddressLength {
        /// Octets up to and with the first extension bit.
        octets: usize,
    },
    /// More than eight digipeaters, or no end of the address field at all.
    #[error("AX.25 address field names more than {DIGIPEATERS_MAX} digipeaters")]
    TooManyDigipeaters,
    /// An address that is not a callsign.
    #[error("AX.25 {role} address {octets:02X?} is not a callsign of A-Z and 0-9")]
    Callsign {
        /// Which address.
        role: AddressRole,
        /// Its octets as received.
        octets: [u8; ADDRESS_BYTES],
    },
    /// A frame with another control octet than 0x03 or 0x13.
    #[error("AX.25 control octet {control:#04X} is not a UI frame's (0x03 or 0x13)")]
    NotUi {
        /// The control octet.
        control: u8,
    },
    /// A UI frame of another protocol than "no layer 3".
    #[error("AX.25 PID {pid:#04X} is not 0xF0 (no layer 3)")]
    Pid {
        /// The PID octet.
        pid: u8,
    },
    /// The information field is longer than N1.
    #[error(
        "AX.25 information field of {octets} octets is longer than N1 = {info_bytes_max}; \
         set both ends to the same n1"
    )]
    InfoTooLong {
        /// Octets of information.
        octets: usize,
        /// The configured N1.
        info_bytes_max: usize,
    },
    /// A frame type that the crate `ax25` does not know (see [`crate::typed`]).
    #[error("AX.25 frame has no typed form: {reason}")]
    NotModelled {
        /// What the crate `ax25` said.
        reason: String,
    },
    /// A frame that the crate `ax25` would not give back as it was (see
    /// [`crate::typed`]).
    #[error(
        "AX.25 frame would be altered by its typed form \
         (command bits, reserved bits, PID or trailing octets); use the raw octets"
    )]
    NotFaithful,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(text: &str) -> Callsign {
        text.parse().unwrap()
    }

    fn frame(info: &[u8]) -> Vec<u8> {
        let path = vec![Digipeater {
            callsign: call("RPT-3"),
            repeated: true,
        }];
        let mut octets = Vec::new();
        UiRepr::new(call("GND-2"), call("SAT1-1"), path)
            .unwrap()
            .emit(info, &mut octets);
        octets
    }

    #[test]
    fn a_frame_has_the_octets_of_the_standard() {
        let expected = [
            0x8E, 0x9C, 0x88, 0x40, 0x40, 0x40, 0xE4, // GND-2, C = 1
            0xA6, 0x82, 0xA8, 0x62, 0x40, 0x40, 0x62, // SAT1-1, C = 0
            0xA4, 0xA0, 0xA8, 0x40, 0x40, 0x40, 0xE7, // RPT-3, repeated, last
            0x03, 0xF0, b'h', b'i',
        ];
        assert_eq!(frame(b"hi"), expected);
    }

    #[test]
    fn a_checked_frame_shows_its_fields() {
        let octets = frame(b"hi");
        let view = UiFrame::new_checked(&octets, 2).unwrap();
        assert_eq!(view.destination(), call("GND-2"));
        assert_eq!(view.source(), call("SAT1-1"));
        assert_eq!(
            view.digipeaters().collect::<Vec<_>>(),
            view.repr().digipeaters()
        );
        assert_eq!(view.digipeaters().count(), 1);
        assert_eq!(view.info(), b"hi");
    }

    #[test]
    fn information_longer_than_n1_is_refused() {
        assert_eq!(
            UiFrame::new_checked(&frame(b"abc"), 2),
            Err(Ax25Error::InfoTooLong {
                octets: 3,
                info_bytes_max: 2
            })
        );
    }

    #[test]
    fn an_address_field_that_is_no_multiple_of_seven_is_refused() {
        let mut octets = frame(b"hi");
        octets.insert(14, 0x40);
        assert_eq!(
            UiFrame::new_checked(&octets, 256),
            Err(Ax25Error::AddressLength { octets: 22 })
        );
    }

    #[test]
    fn only_ui_control_octets_and_pid_f0_are_taken() {
        let mut octets = frame(b"");
        let control = octets.len() - 2;
        octets[control] = 0x13;
        assert!(UiFrame::new_checked(&octets, 256).is_ok());
        octets[control] = 0x3F;
        assert_eq!(
            UiFrame::new_checked(&octets, 256),
            Err(Ax25Error::NotUi { control: 0x3F })
        );
        octets[control] = 0x03;
        octets[control + 1] = 0xCC;
        assert_eq!(
            UiFrame::new_checked(&octets, 256),
            Err(Ax25Error::Pid { pid: 0xCC })
        );
    }

    #[test]
    fn who_speaks_with_whom_is_seen_in_frames_of_any_type() {
        let mut octets = frame(b"");
        octets.truncate(22);
        octets[21] = 0x3F;
        assert_eq!(addresses(&octets), Ok((call("GND-2"), call("SAT1-1"))));
        assert!(addresses(&octets[..20]).is_err());
    }

    #[test]
    fn a_ninth_digipeater_is_refused_both_ways() {
        let digipeater = Digipeater {
            callsign: call("RPT"),
            repeated: false,
        };
        let repr = |n| UiRepr::new(call("A"), call("B"), vec![digipeater; n]);
        assert_eq!(repr(9), Err(Ax25Error::TooManyDigipeaters));
        let mut octets = Vec::new();
        repr(8).unwrap().emit(b"x", &mut octets);
        assert!(UiFrame::new_checked(&octets, 256).is_ok());

        octets[69] &= !EXTENSION_BIT;
        octets.splice(70..70, [0xA4, 0xA0, 0xA8, 0x40, 0x40, 0x40, 0x61]);
        assert_eq!(
            UiFrame::new_checked(&octets, 256),
            Err(Ax25Error::TooManyDigipeaters)
        );
    }

    #[test]
    fn lower_case_and_control_characters_in_a_callsign_are_refused() {
        for character in [b'a', b'\n', 0, 0x7F] {
            let mut octets = frame(b"hi");
            octets[7] = character << 1;
            let error = UiFrame::new_checked(&octets, 256).unwrap_err();
            assert!(
                matches!(
                    error,
                    Ax25Error::Callsign {
                        role: AddressRole::Source,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }
}

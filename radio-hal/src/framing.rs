//! Which framing a radio uses, and with which addresses.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ax25::DIGIPEATERS_MAX;
use crate::callsign::Callsign;
use crate::radio::{ErrorKind, Medium, RadioError};
use crate::station::Station;

/// The smallest N1 that can be configured, in octets of information.
pub const N1_BYTES_MIN: usize = 64;
/// The largest N1 that can be configured, in octets of information.
pub const N1_BYTES_MAX: usize = 2048;
/// N1 when nothing else is configured (AX.25 v2.2 §6.7.2.3).
pub const N1_BYTES_DEFAULT: usize = 256;

/// The longest payload of a KISS frame, in octets, when no AX.25 is in it.
pub const KISS_FRAME_BYTES_MAX: usize = 65_535;

/// How packets lie in the octets of the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Framing {
    /// AX.25 UI frames inside KISS data frames: a TNC.
    KissAx25,
    /// AX.25 UI frames, one for each datagram.
    Ax25,
    /// Packets inside KISS data frames on port 0.
    Kiss,
    /// Packets as they are, one for each datagram.
    Raw,
}

impl Framing {
    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KissAx25 => "kiss-ax25",
            Self::Ax25 => "ax25",
            Self::Kiss => "kiss",
            Self::Raw => "raw",
        }
    }

    /// Whether the framing carries AX.25 frames and so needs [`Ax25Config`].
    pub fn uses_ax25(self) -> bool {
        matches!(self, Self::KissAx25 | Self::Ax25)
    }

    /// Whether the framing is KISS, and so finds frame borders in a stream.
    pub fn uses_kiss(self) -> bool {
        matches!(self, Self::KissAx25 | Self::Kiss)
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The AX.25 addresses and limits of one end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ax25Config {
    /// Our own callsign.
    pub callsign: Callsign,
    /// The callsign we send to.
    pub peer: Callsign,
    /// N1: the most octets of information in a frame, 64…2048, 256 by default.
    /// Both ends need the same.
    #[serde(default = "n1_default")]
    pub n1: usize,
    /// Further destinations whose frames we take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broadcast: Vec<Callsign>,
    /// The digipeaters our frames go through, first one first; at most eight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digipeaters: Vec<Callsign>,
}

fn n1_default() -> usize {
    N1_BYTES_DEFAULT
}

impl Ax25Config {
    /// From `callsign` to `peer`, with N1 = 256, no broadcast callsign and no
    /// digipeater.
    pub fn new(callsign: Callsign, peer: Callsign) -> Self {
        Self {
            callsign,
            peer,
            n1: N1_BYTES_DEFAULT,
            broadcast: Vec::new(),
            digipeaters: Vec::new(),
        }
    }

    /// The station these settings describe.
    pub fn station(&self) -> Station {
        Station {
            callsign: self.callsign,
            peer: self.peer,
            broadcast: self.broadcast.clone(),
            digipeaters: self.digipeaters.clone(),
        }
    }

    fn validate(&self) -> Result<(), FramingError> {
        if !(N1_BYTES_MIN..=N1_BYTES_MAX).contains(&self.n1) {
            return Err(FramingError::N1OutOfRange { n1: self.n1 });
        }
        if self.callsign == self.peer {
            return Err(FramingError::PeerIsSelf {
                callsign: self.callsign,
            });
        }
        if self.digipeaters.len() > DIGIPEATERS_MAX {
            return Err(FramingError::TooManyDigipeaters {
                digipeaters: self.digipeaters.len(),
            });
        }
        Ok(())
    }
}

/// A framing with its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FramingConfig {
    /// The framing.
    pub framing: Framing,
    /// The AX.25 settings; there exactly if the framing uses AX.25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ax25: Option<Ax25Config>,
}

impl FramingConfig {
    /// One packet for each datagram.
    pub fn raw() -> Self {
        Self {
            framing: Framing::Raw,
            ax25: None,
        }
    }

    /// Packets inside KISS data frames.
    pub fn kiss() -> Self {
        Self {
            framing: Framing::Kiss,
            ax25: None,
        }
    }

    /// AX.25 UI frames, one for each datagram.
    pub fn ax25(ax25: Ax25Config) -> Self {
        Self {
            framing: Framing::Ax25,
            ax25: Some(ax25),
        }
    }

    /// AX.25 UI frames inside KISS data frames.
    pub fn kiss_ax25(ax25: Ax25Config) -> Self {
        Self {
            framing: Framing::KissAx25,
            ax25: Some(ax25),
        }
    }

    /// Checks that the settings fit each other.
    ///
    /// # Errors
    /// [`FramingError`] names the first setting that does not.
    pub fn validate(&self) -> Result<(), FramingError> {
        match (&self.ax25, self.framing.uses_ax25()) {
            (Some(ax25), true) => ax25.validate(),
            (None, false) => Ok(()),
            (None, true) => Err(FramingError::Ax25Missing {
                framing: self.framing,
            }),
            (Some(_), false) => Err(FramingError::Ax25Unused {
                framing: self.framing,
            }),
        }
    }

    /// Checks that the framing can find its frames on `medium`.
    ///
    /// # Errors
    /// [`FramingError::NeedsDatagrams`] for a framing without frame borders on
    /// a stream.
    pub fn validate_on(&self, medium: Medium) -> Result<(), FramingError> {
        if medium == Medium::Stream && !self.framing.uses_kiss() {
            return Err(FramingError::NeedsDatagrams {
                framing: self.framing,
            });
        }
        Ok(())
    }
}

/// Why a framing cannot be used, or a packet not be framed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// The framing carries AX.25, but there are no callsigns.
    #[error("framing \"{framing}\" needs a table `ax25` with `callsign` and `peer`")]
    Ax25Missing {
        /// The framing asked for.
        framing: Framing,
    },
    /// There are AX.25 settings that the framing would ignore.
    #[error(
        "framing \"{framing}\" does not use the table `ax25`: \
         remove it, or choose \"ax25\" or \"kiss-ax25\""
    )]
    Ax25Unused {
        /// The framing asked for.
        framing: Framing,
    },
    /// N1 is out of its range.
    #[error("n1 = {n1} is out of range: choose {N1_BYTES_MIN} to {N1_BYTES_MAX} octets")]
    N1OutOfRange {
        /// The N1 asked for, in octets.
        n1: usize,
    },
    /// Both ends have one callsign, so every frame would look like our own echo.
    #[error(
        "callsign and peer are both {callsign}: give the two ends different callsigns or SSIDs"
    )]
    PeerIsSelf {
        /// The callsign.
        callsign: Callsign,
    },
    /// The path is longer than the address field.
    #[error(
        "{digipeaters} digipeaters are configured, but AX.25 carries at most {DIGIPEATERS_MAX}"
    )]
    TooManyDigipeaters {
        /// How many are configured.
        digipeaters: usize,
    },
    /// A framing without frame borders on a medium without them.
    #[error(
        "framing \"{framing}\" has no frame borders, and a serial stream has none either: \
         choose \"kiss\" or \"kiss-ax25\""
    )]
    NeedsDatagrams {
        /// The framing asked for.
        framing: Framing,
    },
    /// The medium's frames do not even hold the framing's own octets.
    #[error(
        "framing \"{framing}\" leaves no room for a packet in frames of {frame_bytes_max} octets"
    )]
    NoRoom {
        /// The framing asked for.
        framing: Framing,
        /// The medium's limit, in octets.
        frame_bytes_max: usize,
    },
    /// A packet that does not fit into one frame.
    #[error(
        "packet of {octets} octets does not fit into one frame: the most is {packet_bytes_max}"
    )]
    PacketTooLong {
        /// Octets of the packet.
        octets: usize,
        /// The limit, in octets.
        packet_bytes_max: usize,
    },
    /// A packet of no octets, which the other end could not tell from none.
    #[error("an empty packet cannot be sent")]
    PacketEmpty,
}

impl From<FramingError> for RadioError {
    fn from(error: FramingError) -> Self {
        let kind = match error {
            FramingError::PacketTooLong { .. } => ErrorKind::PacketTooLong,
            FramingError::PacketEmpty => ErrorKind::PacketEmpty,
            _ => ErrorKind::InvalidConfig,
        };
        Self::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Ax25Config {
        Ax25Config::new("SAT1-1".parse().unwrap(), "GND-2".parse().unwrap())
    }

    #[test]
    fn ax25_settings_are_there_exactly_when_the_framing_uses_them() {
        let missing = FramingConfig {
            framing: Framing::KissAx25,
            ax25: None,
        };
        let unused = FramingConfig {
            framing: Framing::Kiss,
            ax25: Some(config()),
        };
        assert!(missing.validate().is_err());
        assert!(unused.validate().is_err());
        assert_eq!(FramingConfig::ax25(config()).validate(), Ok(()));
    }

    #[test]
    fn n1_is_held_to_its_range() {
        for (n1, good) in [(63, false), (64, true), (2048, true), (2049, false)] {
            let config = Ax25Config { n1, ..config() };
            assert_eq!(FramingConfig::ax25(config).validate().is_ok(), good);
        }
    }

    #[test]
    fn two_ends_with_one_callsign_are_refused() {
        let mut config = config();
        config.peer = config.callsign;
        let error = FramingConfig::ax25(config).validate().unwrap_err();
        assert!(error.to_string().contains("SAT1-1"));
    }

    #[test]
    fn a_stream_needs_kiss() {
        assert!(FramingConfig::raw().validate_on(Medium::Stream).is_err());
        assert!(FramingConfig::raw().validate_on(Medium::Datagrams).is_ok());
        assert!(FramingConfig::kiss().validate_on(Medium::Stream).is_ok());
    }
}

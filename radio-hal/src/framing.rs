//! Which framing a radio uses, and with which addresses.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ax25::{ADDRESS_BYTES, DIGIPEATERS_MAX};
use crate::callsign::Callsign;
use crate::error::{ErrorKind, RadioError};
use crate::hdlc::{FCS_BYTES, FLAGS_BEFORE_MAX, HdlcConfig};
use crate::radio::Medium;
use crate::station::Station;

/// The smallest N1 that can be configured, in octets of information.
pub const N1_BYTES_MIN: usize = 64;
/// The largest N1 that can be configured, in octets of information.
pub const N1_BYTES_MAX: usize = 2048;
/// N1 when nothing else is configured (AX.25 v2.2 §6.7.2.3).
pub const N1_BYTES_DEFAULT: usize = 256;

/// The longest packet of a framing that finds its own borders and carries no
/// AX.25, in octets.
pub const BARE_PACKET_BYTES_MAX: usize = 65_535;

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
    /// HDLC for radios that hand over bits; AX.25 UI frames in it where there
    /// are AX.25 settings, else packets.
    Hdlc,
    /// Packets inside SLIP frames.
    Slip,
    /// Packets as they are, one for each datagram.
    Raw,
}

impl Framing {
    /// Every framing.
    pub const ALL: [Self; 6] = [
        Self::KissAx25,
        Self::Ax25,
        Self::Kiss,
        Self::Hdlc,
        Self::Slip,
        Self::Raw,
    ];

    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KissAx25 => "kiss-ax25",
            Self::Ax25 => "ax25",
            Self::Kiss => "kiss",
            Self::Hdlc => "hdlc",
            Self::Slip => "slip",
            Self::Raw => "raw",
        }
    }

    /// Whether the framing needs [`Ax25Config`].
    pub fn needs_ax25(self) -> bool {
        matches!(self, Self::KissAx25 | Self::Ax25)
    }

    /// Whether the framing can carry AX.25 frames.
    pub fn may_have_ax25(self) -> bool {
        self.needs_ax25() || self == Self::Hdlc
    }

    /// Whether the framing is KISS.
    pub fn is_kiss(self) -> bool {
        matches!(self, Self::KissAx25 | Self::Kiss)
    }

    /// Whether what is on the air is HDLC: a TNC makes it of KISS frames, and AX.25
    /// knows nothing else (AX.25 v2.2 §3).
    pub fn is_hdlc_on_air(self) -> bool {
        !matches!(self, Self::Slip | Self::Raw)
    }

    /// Whether the framing finds the borders of frames in a stream.
    pub fn has_borders(self) -> bool {
        self.is_kiss() || matches!(self, Self::Hdlc | Self::Slip)
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
    /// The AX.25 settings; there if, and with HDLC only if, the frames are AX.25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ax25: Option<Ax25Config>,
    /// The HDLC settings, for that framing only; the defaults hold without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdlc: Option<HdlcConfig>,
}

impl FramingConfig {
    fn new(framing: Framing, ax25: Option<Ax25Config>) -> Self {
        Self {
            framing,
            ax25,
            hdlc: None,
        }
    }

    /// One packet for each datagram.
    pub fn raw() -> Self {
        Self::new(Framing::Raw, None)
    }

    /// Packets inside KISS data frames.
    pub fn kiss() -> Self {
        Self::new(Framing::Kiss, None)
    }

    /// Packets inside SLIP frames.
    pub fn slip() -> Self {
        Self::new(Framing::Slip, None)
    }

    /// AX.25 UI frames, one for each datagram.
    pub fn ax25(ax25: Ax25Config) -> Self {
        Self::new(Framing::Ax25, Some(ax25))
    }

    /// AX.25 UI frames inside KISS data frames.
    pub fn kiss_ax25(ax25: Ax25Config) -> Self {
        Self::new(Framing::KissAx25, Some(ax25))
    }

    /// AX.25 UI frames, or packets without AX.25, inside HDLC.
    pub fn hdlc(hdlc: HdlcConfig, ax25: Option<Ax25Config>) -> Self {
        Self {
            hdlc: Some(hdlc),
            ..Self::new(Framing::Hdlc, ax25)
        }
    }

    /// The same borders with nothing said of what is between them: what finds the
    /// frames themselves, whoever they are for.
    pub fn without_ax25(&self) -> Self {
        let framing = match self.framing {
            Framing::KissAx25 => Framing::Kiss,
            Framing::Ax25 => Framing::Raw,
            framing => framing,
        };
        Self {
            framing,
            ax25: None,
            hdlc: self.hdlc,
        }
    }

    /// The most octets of a packet that the framing itself carries; `None` if it
    /// has no limit.
    pub fn packet_bytes_max(&self) -> Option<usize> {
        match &self.ax25 {
            Some(ax25) => Some(ax25.n1),
            None => self.framing.has_borders().then_some(BARE_PACKET_BYTES_MAX),
        }
    }

    /// Octets that a simulated channel puts around a packet, whatever the host's side
    /// looks like: the AX.25 header, if there is one, the FCS and one flag. Stuffed bits
    /// come on top.
    pub fn channel_overhead_bytes(&self) -> usize {
        let header = self.ax25.as_ref().map_or(0, |ax25| {
            // With control and PID.
            ADDRESS_BYTES * (2 + ax25.digipeaters.len()) + 2
        });
        header + FCS_BYTES + 1
    }

    /// Checks that the settings fit each other.
    ///
    /// # Errors
    /// [`FramingError`] names the first setting that does not.
    pub fn validate(&self) -> Result<(), FramingError> {
        let framing = self.framing;
        match &self.ax25 {
            Some(ax25) if framing.may_have_ax25() => ax25.validate()?,
            Some(_) => return Err(FramingError::Ax25Unused { framing }),
            None if framing.needs_ax25() => return Err(FramingError::Ax25Missing { framing }),
            None => {}
        }
        match &self.hdlc {
            Some(_) if framing != Framing::Hdlc => Err(FramingError::HdlcUnused { framing }),
            Some(hdlc) if !(1..=FLAGS_BEFORE_MAX).contains(&hdlc.flags_before) => {
                Err(FramingError::FlagsOutOfRange {
                    flags_before: hdlc.flags_before,
                })
            }
            _ => Ok(()),
        }
    }

    /// Checks that the framing can find its frames on `medium`.
    ///
    /// # Errors
    /// [`FramingError::NeedsDatagrams`] for a framing without frame borders on
    /// a stream.
    pub fn validate_on(&self, medium: Medium) -> Result<(), FramingError> {
        if medium == Medium::Stream && !self.framing.has_borders() {
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
         remove it, or choose \"ax25\", \"kiss-ax25\" or \"hdlc\""
    )]
    Ax25Unused {
        /// The framing asked for.
        framing: Framing,
    },
    /// There are HDLC settings that the framing would ignore.
    #[error("framing \"{framing}\" does not use the table `hdlc`: remove it, or choose \"hdlc\"")]
    HdlcUnused {
        /// The framing asked for.
        framing: Framing,
    },
    /// The number of flags before a frame is out of its range.
    #[error("flags-before = {flags_before} is out of range: choose 1 to {FLAGS_BEFORE_MAX}")]
    FlagsOutOfRange {
        /// The flags asked for.
        flags_before: usize,
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
        "framing \"{framing}\" has no frame borders, and a stream has none either: \
         choose \"kiss-ax25\", \"kiss\", \"hdlc\" or \"slip\""
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
        for framing in Framing::ALL {
            let with = FramingConfig::new(framing, Some(config()));
            let without = FramingConfig::new(framing, None);
            assert_eq!(with.validate().is_ok(), framing.may_have_ax25());
            assert_eq!(without.validate().is_ok(), !framing.needs_ax25());
        }
    }

    #[test]
    fn hdlc_settings_are_refused_where_they_would_be_ignored() {
        let mut config = FramingConfig::kiss();
        config.hdlc = Some(HdlcConfig::default());
        assert!(config.validate().is_err());
        for (flags_before, good) in [(0, false), (1, true), (4096, true), (4097, false)] {
            let hdlc = HdlcConfig {
                flags_before,
                ..HdlcConfig::default()
            };
            assert_eq!(FramingConfig::hdlc(hdlc, None).validate().is_ok(), good);
        }
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
    fn a_stream_needs_a_framing_with_borders() {
        assert!(FramingConfig::raw().validate_on(Medium::Stream).is_err());
        assert!(FramingConfig::raw().validate_on(Medium::Datagrams).is_ok());
        assert!(FramingConfig::kiss().validate_on(Medium::Stream).is_ok());
        assert!(FramingConfig::slip().validate_on(Medium::Stream).is_ok());
    }
}

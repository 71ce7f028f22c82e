//! Which APID means what: a configured map, because no two missions agree.

use crate::message::{Class, PayloadType};

/// The APID of idle packets (CCSDS 133.0-B-2 §4.1.3.3.4.4): fill, to be dropped.
pub const IDLE_APID: u16 = 0x7FF;

/// What an APID carries: a payload type and a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Who handles it.
    pub payload_type: PayloadType,
    /// Short or long.
    pub class: Class,
}

/// The two-way map between APIDs and channels.
///
/// | default APID | name in configuration | carries |
/// |---|---|---|
/// | 0 | `graphql` | GraphQL requests and answers |
/// | 1 | `udp` | UDP datagrams |
/// | 2 | `cfdp` | CFDP PDUs, bare |
/// | 3 | `udp-bulk` | long UDP messages |
/// | 4 | `graphql-bulk` | GraphQL answers longer than 8 packets |
/// | 5 | `link-control` | what the ends tell each other |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApidMap {
    entries: Vec<(u16, Channel)>,
}

const fn channel(payload_type: PayloadType, class: Class) -> Channel {
    Channel {
        payload_type,
        class,
    }
}

const DEFAULT: [(u16, &str, Channel); 6] = [
    (0, "graphql", channel(PayloadType::GraphQl, Class::Standard)),
    (1, "udp", channel(PayloadType::Udp, Class::Standard)),
    (2, "cfdp", channel(PayloadType::Cfdp, Class::Standard)),
    (3, "udp-bulk", channel(PayloadType::Udp, Class::Bulk)),
    (
        4,
        "graphql-bulk",
        channel(PayloadType::GraphQl, Class::Bulk),
    ),
    (
        5,
        "link-control",
        channel(PayloadType::LinkControl, Class::Standard),
    ),
];

/// Why an APID map is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApidMapError {
    /// No such preset.
    #[error("unknown APID preset `{0}`: use `default`, `kubos` or `kubos-gateway`")]
    UnknownPreset(String),
    /// No such entry.
    #[error(
        "unknown entry `{0}` of the APID map: use graphql, udp, cfdp, udp-bulk, graphql-bulk or link-control"
    )]
    UnknownName(String),
    /// Not an 11-bit number, or the idle APID.
    #[error("APID {apid} of `{name}` is not in 0..=2046")]
    OutOfRange {
        /// The entry.
        name: String,
        /// The value found.
        apid: i64,
    },
    /// Two entries with the same APID.
    #[error("APID {0} is used by two entries of the APID map")]
    Twice(u16),
}

impl Default for ApidMap {
    fn default() -> Self {
        ApidMap {
            entries: DEFAULT
                .iter()
                .map(|(apid, _, channel)| (*apid, *channel))
                .collect(),
        }
    }
}

impl ApidMap {
    /// A named map: `default`; `kubos`, where only 0 (GraphQL) and 1 (UDP)
    /// exist; `kubos-gateway`, where these two are swapped.
    ///
    /// # Errors
    /// [`ApidMapError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Self, ApidMapError> {
        let graphql = channel(PayloadType::GraphQl, Class::Standard);
        let udp = channel(PayloadType::Udp, Class::Standard);
        let entries = match name {
            "default" => return Ok(Self::default()),
            "kubos" => vec![(0, graphql), (1, udp)],
            "kubos-gateway" => vec![(0, udp), (1, graphql)],
            other => return Err(ApidMapError::UnknownPreset(other.to_string())),
        };
        Ok(ApidMap { entries })
    }

    /// Gives the entry `name` another APID.
    ///
    /// # Errors
    /// [`ApidMapError::UnknownName`] or [`ApidMapError::OutOfRange`]. Whether
    /// two entries collide is told by [`check`](Self::check), once all are set.
    pub fn set(&mut self, name: &str, apid: i64) -> Result<(), ApidMapError> {
        let Some((_, _, channel)) = DEFAULT.iter().find(|(_, known, _)| *known == name) else {
            return Err(ApidMapError::UnknownName(name.to_string()));
        };
        let valid = u16::try_from(apid).ok().filter(|apid| *apid < IDLE_APID);
        let Some(valid) = valid else {
            let name = name.to_string();
            return Err(ApidMapError::OutOfRange { name, apid });
        };
        self.entries.retain(|(_, existing)| existing != channel);
        self.entries.push((valid, *channel));
        Ok(())
    }

    /// Each APID stands for one channel.
    ///
    /// # Errors
    /// [`ApidMapError::Twice`].
    pub fn check(&self) -> Result<(), ApidMapError> {
        let mut seen = Vec::with_capacity(self.entries.len());
        for (apid, _) in &self.entries {
            if seen.contains(apid) {
                return Err(ApidMapError::Twice(*apid));
            }
            seen.push(*apid);
        }
        Ok(())
    }

    /// What `apid` carries.
    #[inline]
    pub fn channel(&self, apid: u16) -> Option<Channel> {
        let found = self.entries.iter().find(|(known, _)| *known == apid);
        found.map(|(_, channel)| *channel)
    }

    /// The APID of a payload type and class; bulk falls back to the standard
    /// APID where the map has none for it.
    #[inline]
    pub fn apid(&self, payload_type: PayloadType, class: Class) -> Option<u16> {
        let find = |wanted: Channel| {
            let found = self.entries.iter().find(|(_, channel)| *channel == wanted);
            found.map(|(apid, _)| *apid)
        };
        find(channel(payload_type, class)).or_else(|| find(channel(payload_type, Class::Standard)))
    }
}

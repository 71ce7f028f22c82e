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
    /// Of each channel, in the order of [`DEFAULT`].
    apids: [Option<u16>; DEFAULT.len()],
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
            apids: DEFAULT.map(|(apid, ..)| Some(apid)),
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
        let (graphql, udp) = match name {
            "default" => return Ok(Self::default()),
            "kubos" => (0, 1),
            "kubos-gateway" => (1, 0),
            other => return Err(ApidMapError::UnknownPreset(other.to_string())),
        };
        Ok(ApidMap {
            apids: [Some(graphql), Some(udp), None, None, None, None],
        })
    }

    /// Gives the entry `name` another APID.
    ///
    /// # Errors
    /// [`ApidMapError::UnknownName`] or [`ApidMapError::OutOfRange`]. Whether
    /// two entries collide is told by [`check`](Self::check), once all are set.
    pub fn set(&mut self, name: &str, apid: i64) -> Result<(), ApidMapError> {
        let mut entries = self.apids.iter_mut().zip(&DEFAULT);
        let Some((entry, _)) = entries.find(|(_, (_, known, _))| *known == name) else {
            return Err(ApidMapError::UnknownName(name.to_string()));
        };
        let valid = u16::try_from(apid).ok().filter(|apid| *apid < IDLE_APID);
        let Some(valid) = valid else {
            let name = name.to_string();
            return Err(ApidMapError::OutOfRange { name, apid });
        };
        *entry = Some(valid);
        Ok(())
    }

    /// Each APID stands for one channel.
    ///
    /// # Errors
    /// [`ApidMapError::Twice`].
    pub fn check(&self) -> Result<(), ApidMapError> {
        let mut seen = Vec::with_capacity(self.apids.len());
        for apid in self.apids.iter().flatten() {
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
        let mut entries = self.apids.iter().zip(&DEFAULT);
        let found = entries.find(|(known, _)| **known == Some(apid));
        found.map(|(_, (_, _, channel))| *channel)
    }

    /// The APID of a payload type and class; bulk falls back to the standard
    /// APID where the map has none for it.
    #[inline]
    pub fn apid(&self, payload_type: PayloadType, class: Class) -> Option<u16> {
        let [graphql, udp, cfdp, udp_bulk, graphql_bulk, link_control] = self.apids;
        match (payload_type, class) {
            (PayloadType::GraphQl, Class::Standard) => graphql,
            (PayloadType::GraphQl, Class::Bulk) => graphql_bulk.or(graphql),
            (PayloadType::Udp, Class::Standard) => udp,
            (PayloadType::Udp, Class::Bulk) => udp_bulk.or(udp),
            (PayloadType::Cfdp, _) => cfdp,
            (PayloadType::LinkControl, _) => link_control,
            (PayloadType::UdpExchange, _) => None,
        }
    }
}

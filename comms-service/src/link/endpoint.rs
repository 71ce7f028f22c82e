//! Downlink endpoints: which port of mission apps feeds which queue, and how.

use std::time::Duration;

use super::{LinkConfig, QueueClass};

/// A downlink endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownlinkPort {
    /// The UDP port.
    pub port: u16,
    /// Which `write` its messages go to.
    pub write: usize,
    /// How urgent they are. Bulk goes on APIDs of its own.
    pub class: QueueClass,
    /// How long a message is worth sending; none for ever.
    pub ttl: Option<Duration>,
}

impl LinkConfig {
    /// How many downlink endpoints there are.
    pub fn endpoints(&self) -> usize {
        self.downlink_ports.len() + self.downlink_map.len()
    }

    /// Downlink endpoint number `endpoint`: first the plain ones, then those of the map.
    pub fn endpoint(&self, endpoint: usize) -> Option<DownlinkPort> {
        if let Some(port) = self.downlink_ports.get(endpoint) {
            return Some(DownlinkPort {
                port: *port,
                write: endpoint,
                class: QueueClass::Telemetry,
                ttl: None,
            });
        }
        let mapped = endpoint.checked_sub(self.downlink_ports.len())?;
        self.downlink_map.get(mapped).copied()
    }
}

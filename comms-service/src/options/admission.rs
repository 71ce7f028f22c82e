//! `allowed-ports` and `rate-limits`: who may be called from the ground, and how
//! often.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Value;

use crate::link::{Admission, RateLimit};
use crate::message::PayloadType;

/// Most rate limits: each is looked at for every message.
const RATE_LIMITS_MAX: usize = 256;

/// Destination ports that may be called, by payload type; all where none are
/// given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AllowedPorts {
    /// Services asked by HTTP.
    pub graphql: Option<Vec<u16>>,
    /// Services that get datagrams.
    pub udp: Option<Vec<u16>>,
    /// Format `udp`: services that get datagrams and answer with one.
    pub exchange: Option<Vec<u16>>,
}

/// How many messages a port may get.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RateLimitOption {
    /// Which.
    pub port: LimitedPort,
    /// Messages a second in the long run.
    pub per_second: u32,
    /// Messages at once.
    pub burst: u32,
}

/// What a rate limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Value")]
pub enum LimitedPort {
    /// One destination port.
    Port(u16),
    /// `"all"`: all messages with a destination port together.
    All,
}

impl TryFrom<Value> for LimitedPort {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        if value.as_str() == Some("all") {
            return Ok(LimitedPort::All);
        }
        let number = value.as_integer();
        let port = number.and_then(|number| u16::try_from(number).ok());
        port.map(LimitedPort::Port)
            .ok_or_else(|| format!("port is {value}, neither a port nor \"all\""))
    }
}

/// What is wrong with `rate-limits`, with the key.
pub(super) fn check(rates: &[RateLimitOption]) -> Result<(), String> {
    if rates.len() > RATE_LIMITS_MAX {
        return Err(format!(
            "rate-limits has {} entries, more than {RATE_LIMITS_MAX}",
            rates.len()
        ));
    }
    let mut seen = BTreeSet::new();
    for rate in rates {
        if !seen.insert(rate.port) {
            return Err(format!("rate-limits has {} twice", name(rate.port)));
        }
        for (key, value) in [("per-second", rate.per_second), ("burst", rate.burst)] {
            if value == 0 {
                return Err(format!(
                    "rate-limits: {key} = 0 for {} would let nothing in; to forbid a port, leave \
                     it out of allowed-ports",
                    name(rate.port)
                ));
            }
        }
    }
    Ok(())
}

/// Both keys, as the engine wants them.
pub(super) fn admission(ports: &AllowedPorts, rates: &[RateLimitOption]) -> Admission {
    let given = [
        (PayloadType::GraphQl, &ports.graphql),
        (PayloadType::Udp, &ports.udp),
        (PayloadType::UdpExchange, &ports.exchange),
    ];
    let mut allowed_ports = BTreeMap::new();
    for (payload_type, ports) in given {
        if let Some(ports) = ports {
            allowed_ports.insert(payload_type, BTreeSet::from_iter(ports.iter().copied()));
        }
    }
    let rates = rates.iter().map(|rate| RateLimit {
        port: match rate.port {
            LimitedPort::Port(port) => Some(port),
            LimitedPort::All => None,
        },
        per_second: rate.per_second,
        burst: rate.burst,
    });
    Admission {
        allowed_ports,
        rates: rates.collect(),
    }
}

fn name(port: LimitedPort) -> String {
    match port {
        LimitedPort::Port(port) => format!("port {port}"),
        LimitedPort::All => "port \"all\"".to_string(),
    }
}

//! Who may be called from the ground, and how often: the allow-list of
//! destination ports and the rate limits, asked before a handler or socket is
//! used.
//!
//! A rate limit is a token bucket in exact integers: it holds at most `burst`
//! messages, starts full, and gains `per_second` messages a second.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::accounting::DropReason;
use crate::message::{Head, PayloadType};

/// What may come in; the default lets everything in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Destination ports that may be called, by payload type; all ports for a
    /// payload type that is not named.
    pub allowed_ports: BTreeMap<PayloadType, BTreeSet<u16>>,
    /// Rate limits; all that apply to a message must let it in.
    pub rates: Vec<RateLimit>,
}

/// At most `burst` messages at once, and `per_second` in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The destination port, or none for all messages with a port together.
    pub port: Option<u16>,
    /// Messages a second.
    pub per_second: u32,
    /// Messages at once.
    pub burst: u32,
}

/// The rules, and how much of each rate is left.
#[derive(Debug)]
pub(super) struct Gate {
    rules: Admission,
    /// One for each of the rates.
    buckets: Vec<Bucket>,
}

/// A message in the unit of a bucket: what gains `per_second` each nanosecond.
const MESSAGE: u128 = 1_000_000_000;

#[derive(Debug)]
struct Bucket {
    level: u128,
    /// When that was the level; none while it is full.
    at: Option<Instant>,
}

impl Gate {
    pub(super) fn new(rules: Admission) -> Self {
        let buckets = rules.rates.iter().map(Bucket::full).collect();
        Gate { rules, buckets }
    }

    /// Takes other rules. A rate limit that stays as it is keeps its level, so
    /// that a change of something else gives nobody a new burst.
    pub(super) fn reconfigure(&mut self, rules: Admission) {
        let mut before: Vec<_> = std::mem::take(&mut self.rules.rates)
            .into_iter()
            .zip(self.buckets.drain(..))
            .collect();
        let bucket = |rate: &RateLimit| match before.iter().position(|(old, _)| old == rate) {
            Some(at) => before.swap_remove(at).1,
            None => Bucket::full(rate),
        };
        self.buckets = rules.rates.iter().map(bucket).collect();
        self.rules = rules;
    }

    /// Whether a message with this head may go on. What is refused takes nothing
    /// from any rate.
    pub(super) fn admit(&mut self, now: Instant, head: &Head) -> Result<(), DropReason> {
        let port = match head.payload_type {
            PayloadType::GraphQl | PayloadType::Udp | PayloadType::UdpExchange => head.port,
            // Without a destination port there is nothing to ask for.
            _ => return Ok(()),
        };
        let allowed = self.rules.allowed_ports.get(&head.payload_type);
        if allowed.is_some_and(|ports| !ports.contains(&port)) {
            return Err(DropReason::NotAllowed);
        }
        let meant = |rate: &RateLimit| rate.port.is_none_or(|own| own == port);
        let rates = self.rules.rates.iter().zip(&mut self.buckets);
        let mut is_within = true;
        for (rate, bucket) in rates.filter(|(rate, _)| meant(rate)) {
            bucket.fill(now, rate);
            is_within &= bucket.level >= MESSAGE;
        }
        if !is_within {
            return Err(DropReason::RateLimited);
        }
        let rates = self.rules.rates.iter().zip(&mut self.buckets);
        for (_, bucket) in rates.filter(|(rate, _)| meant(rate)) {
            bucket.level -= MESSAGE;
        }
        Ok(())
    }
}

impl Bucket {
    fn full(rate: &RateLimit) -> Self {
        Bucket {
            level: u128::from(rate.burst) * MESSAGE,
            at: None,
        }
    }

    fn fill(&mut self, now: Instant, rate: &RateLimit) {
        let full = u128::from(rate.burst) * MESSAGE;
        let passed = self.at.map(|at| now.saturating_duration_since(at));
        let gained = passed.map(|passed| passed.as_nanos() * u128::from(rate.per_second));
        self.level = (self.level + gained.unwrap_or(0)).min(full);
        self.at = Some(now);
    }
}

//! The flows of one class, and whose turn it is.
//!
//! A flow is what one port sends on one channel. The flow with the fewest octets
//! served goes next. A flow that comes to have something again stands at the
//! class's present level: its silence gives no credit, and what it was served
//! beyond that level is not forgotten (start-time fair queueing).

use std::collections::{BTreeMap, VecDeque};

use super::outgoing::{Outgoing, Sender};

/// Flows that have nothing to send and are remembered nevertheless.
const IDLE_FLOWS_MAX: usize = 1024;
/// Flows that have nothing to send and are not worth looking through.
const IDLE_FLOWS_KEPT: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlowKey {
    pub(super) channel: u16,
    pub(super) port: u16,
}

/// A message that waits, and the number of its arrival.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) outgoing: Outgoing,
    pub(super) arrival: u64,
}

impl Waiting {
    pub(super) fn sender(&self) -> Sender {
        self.outgoing.origin.sender()
    }

    /// Whether it begins in contact only, where its class is held back. What the link
    /// itself sends is not: whoever asked is there.
    pub(super) fn may_be_held(&self) -> bool {
        self.sender() != Sender::Link
    }
}

#[derive(Debug, Default)]
struct Flow {
    waiting: VecDeque<Waiting>,
    /// Messages of it that are begun.
    begun: usize,
    served_bytes: u64,
}

impl Flow {
    fn is_active(&self) -> bool {
        self.begun > 0 || !self.waiting.is_empty()
    }

    fn forget_served(&mut self) {
        self.served_bytes = 0;
    }
}

/// The order of turns: octets served, then arrival.
pub(super) type Turn = (u64, u64);

#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: BTreeMap<FlowKey, Flow>,
    /// Those of them that have something.
    active: usize,
    /// The most that any flow had been served when its turn came.
    level: u64,
}

impl Flows {
    pub(super) fn push(&mut self, key: FlowKey, waiting: Waiting) {
        let level = self.level;
        let flow = self.flows.entry(key).or_default();
        if !flow.is_active() {
            flow.served_bytes = flow.served_bytes.max(level);
            self.active += 1;
        }
        flow.waiting.push_back(waiting);
    }

    /// The flow whose turn it is, of those whose first message `may_go` on its channel.
    pub(super) fn next(&self, may_go: impl Fn(u16, &Waiting) -> bool) -> Option<(Turn, FlowKey)> {
        let ready = self.flows.iter().filter_map(|(key, flow)| {
            let waiting = flow.waiting.front();
            let first = waiting.filter(|first| may_go(key.channel, first))?;
            Some(((flow.served_bytes, first.arrival), *key))
        });
        ready.min()
    }

    pub(super) fn served_bytes(&self, key: FlowKey) -> u64 {
        self.flows.get(&key).map_or(0, |flow| flow.served_bytes)
    }

    /// Takes out the first message of a flow, which begins with it.
    pub(super) fn begin(&mut self, key: FlowKey) -> Option<Waiting> {
        let flow = self.flows.get_mut(&key)?;
        let waiting = flow.waiting.pop_front()?;
        flow.begun += 1;
        Some(waiting)
    }

    /// So many octets were sent for the flow.
    pub(super) fn charge(&mut self, key: FlowKey, bytes: usize) {
        if let Some(flow) = self.flows.get_mut(&key) {
            self.level = self.level.max(flow.served_bytes);
            flow.served_bytes += bytes as u64;
        }
    }

    /// A begun message of a flow has left.
    pub(super) fn end(&mut self, key: FlowKey) {
        if let Some(flow) = self.flows.get_mut(&key).filter(|flow| flow.begun > 0) {
            flow.begun -= 1;
            self.active -= usize::from(!flow.is_active());
        }
        self.settle();
    }

    /// Takes out all that wait and are `meant`.
    pub(super) fn take_out(&mut self, mut meant: impl FnMut(&Waiting) -> bool) -> Vec<Waiting> {
        let mut taken = Vec::new();
        for flow in self.flows.values_mut() {
            if flow.waiting.iter().any(&mut meant) {
                let all = std::mem::take(&mut flow.waiting);
                let (out, stay) = all.into_iter().partition(&mut meant);
                flow.waiting = stay;
                taken.extend::<VecDeque<_>>(out);
            }
        }
        let active = self.flows.values().filter(|flow| flow.is_active());
        self.active = active.count();
        self.settle();
        taken
    }

    /// All that wait.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.flows.values().flat_map(|flow| &flow.waiting)
    }

    /// Forgets flows without anything to send that are no better off than a new one,
    /// where they are many.
    fn settle(&mut self) {
        let idle = self.flows.len() - self.active;
        if self.active == 0 {
            self.level = 0;
            match idle <= IDLE_FLOWS_KEPT {
                true => self.flows.values_mut().for_each(Flow::forget_served),
                false => self.flows.clear(),
            }
        } else if idle > IDLE_FLOWS_KEPT {
            let level = self.level;
            self.flows
                .retain(|_, flow| flow.is_active() || flow.served_bytes > level);
            if self.flows.len() - self.active > IDLE_FLOWS_MAX {
                self.flows.retain(|_, flow| flow.is_active());
            }
        }
    }
}

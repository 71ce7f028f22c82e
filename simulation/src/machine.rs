//! A computer with a link on it: its storage survives a reboot, and nothing else
//! does. A reboot comes between any two calls of the engine.

use std::time::{Duration, Instant};

use comms_service::accounting::{Flow, Statistics};
use comms_service::link::{Action, JournalEntry};
use comms_service::message::End as Which;

use crate::boot_record;
use crate::durable::{self, Done, Durable};
use crate::end::{End, Seen};
use crate::invariants;
use crate::scenario::{Blueprint, Crash};
use crate::storage::Storage;

/// From a write to its sync: a crash may come between.
const SYNC_DELAY: Duration = Duration::from_millis(20);

pub(crate) struct Machine {
    which: Which,
    plan: Blueprint,
    /// What the engines take for the beginning of time.
    began: Instant,
    durable: Durable,
    /// None while the computer is off.
    end: Option<End>,
    pub(crate) storage: Storage,
    calls: u64,
    /// The next last.
    crashes: Vec<Crash>,
    back_at: Option<Duration>,
    boots: u64,
    /// The count of boots that is known to be safe.
    boots_safe: u64,
    sync: Option<(Duration, &'static str, u64)>,
    /// Crashes that the world has not heard of.
    crashes_untold: u64,
    pub(crate) past: Past,
}

/// One account over all boots of a machine that are over.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) offered: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: u64,
    /// What was queued or in flight when the power went.
    pub(crate) lost_to_reboot: u64,
}

/// The accounts of all boots that are over, and what the world saw of them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Past {
    /// Packets in, messages in, messages out, packets out.
    pub(crate) totals: [Total; 4],
    pub(crate) packets_seen_in: u64,
    pub(crate) packets_seen_out: u64,
    pub(crate) boots: u64,
    /// What does not hold of a boot that is over.
    pub(crate) broken: Option<String>,
}

impl Total {
    pub(crate) fn add(&mut self, flow: &Flow) {
        self.offered += flow.offered;
        self.delivered += flow.delivered;
        self.dropped += flow.dropped.total();
        self.lost_to_reboot += flow.queued + flow.in_flight;
    }
}

impl Past {
    /// A boot is over.
    pub(crate) fn add(&mut self, all: &Statistics, seen: &Seen) {
        let flows = [
            &all.packets_in,
            &all.messages_in,
            &all.messages_out,
            &all.packets_out,
        ];
        for (total, flow) in self.totals.iter_mut().zip(flows) {
            total.add(flow);
        }
        self.packets_seen_in += seen.packets_in;
        self.packets_seen_out += seen.packets_out;
        self.boots += 1;
    }
}

impl Machine {
    /// A computer that is on.
    pub(crate) fn new(
        which: Which,
        plan: &Blueprint,
        crashes: Vec<Crash>,
        seed: u64,
        began: Instant,
    ) -> Self {
        let mut machine = Self {
            which,
            storage: Storage::new(plan.storage, seed),
            plan: plan.clone(),
            began,
            durable: Durable::default(),
            end: None,
            calls: 0,
            crashes,
            back_at: None,
            boots: 0,
            boots_safe: 0,
            sync: None,
            crashes_untold: 0,
            past: Past::default(),
        };
        machine.boot(Duration::ZERO, seed);
        machine
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.which {
            Which::Satellite => "satellite",
            Which::Ground => "ground",
        }
    }

    /// The engine, to be called once; none while the computer is off, which it may
    /// have become just now.
    pub(crate) fn call(&mut self, now: Duration) -> Option<&mut End> {
        if self.end.is_some() {
            self.calls += 1;
            let due = |crash: &Crash| crash.after_calls <= self.calls;
            if now < self.plan.calm_from && self.crashes.last().is_some_and(due) {
                let off = self.crashes.pop().map(|crash| crash.off);
                self.crash(now, off.unwrap_or_default());
            }
        }
        self.end.as_mut()
    }

    /// What the engine decided next; the power may go before anybody does it.
    pub(crate) fn call_if_deciding(&mut self, now: Duration) -> Option<Action> {
        let action = self.end.as_mut()?.next_action()?;
        // Taken from the engine, and lost: as if it had still been in there.
        self.call(now).map(|_| action)
    }

    /// The engine, to be looked at.
    pub(crate) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The power goes, and comes back after `off`.
    pub(crate) fn crash(&mut self, now: Duration, off: Duration) {
        let Some(mut end) = self.end.take() else {
            return;
        };
        // What was decided and not done is lost, too.
        while end.next_action().is_some() {}
        let all = end.statistics();
        let checks = invariants::accounts_add_up(self.name(), &all)
            .and_then(|()| invariants::accounts_say_what_was_seen(self.name(), &all, &end.seen));
        self.past.broken = self.past.broken.take().or(checks.err());
        self.past.add(&all, &end.seen);
        self.storage.crash();
        self.durable = Durable::default();
        self.sync = None;
        self.back_at = Some(now + off);
        self.crashes_untold += 1;
    }

    /// Whether it crashed since this was asked.
    pub(crate) fn has_crashed(&mut self) -> bool {
        std::mem::take(&mut self.crashes_untold) > 0
    }

    /// What is due by itself: booting, and making safe what was written.
    pub(crate) fn handle_time(&mut self, now: Duration, seed: u64) -> Result<(), String> {
        if self.back_at.is_some_and(|at| at <= now) {
            self.back_at = None;
            self.boot(now, seed);
            let (found, safe) = (self.boots - 1, self.boots_safe);
            if found < safe && !boot_record::lost(&self.storage) {
                let name = self.name();
                return Err(format!(
                    "the {name} finds boot {found} in its storage, but {safe} was safe"
                ));
            }
        }
        if let Some((_, copy, count)) = self.sync.take_if(|(at, ..)| *at <= now)
            && self.storage.sync(copy).is_ok()
        {
            self.boots_safe = count;
        }
        let done = self.durable.handle_time(now, &mut self.storage);
        let at = self.began + now;
        for done in done {
            // A crash just now leaves nobody to be told.
            let Some(end) = self.call(now) else { break };
            match done {
                Done::Recorded(record, result) => end.link.handle_recorded(at, record, result),
                Done::SecurityStored(token, result) => {
                    end.link.handle_security_stored(at, token, result);
                }
            }
        }
        Ok(())
    }

    /// When something is due.
    pub(crate) fn next_event(&self, began: Instant) -> Option<Duration> {
        let timeout = self.end.as_ref().and_then(|end| end.link.poll_timeout());
        let timeout = timeout.map(|due| due.saturating_duration_since(began));
        let sync = self.sync.map(|(at, ..)| at);
        let durable = self.durable.next_event().filter(|_| self.end.is_some());
        let all = [timeout, sync, durable, self.back_at];
        all.into_iter().flatten().min()
    }

    /// Enters something in the journal of commands.
    pub(crate) fn enter(&mut self, now: Duration, entry: JournalEntry) {
        self.durable.enter(now, &mut self.storage, entry);
    }

    /// Makes the state of the security layer safe.
    pub(crate) fn store(&mut self, now: Duration, token: u64, octets: Vec<u8>) {
        self.durable.store(now, &mut self.storage, token, octets);
    }

    /// Whether a crash took its journal whole, so that it had no chance.
    pub(crate) fn has_lost_journal(&self) -> bool {
        durable::lost_journal(&self.storage)
    }

    /// What names the keys of `station` now, 0 for everybody.
    pub(crate) fn salt_of(&self, station: u8) -> Option<Vec<u8>> {
        self.durable.state()?.salt_of(station)
    }

    fn boot(&mut self, now: Duration, seed: u64) {
        // A scenario fits together, or it is one of a test that wants to see this.
        let (durable, commands) = Durable::read(&mut self.storage);
        let state = durable.state().cloned();
        let end = End::new(self.which, &self.plan, seed ^ self.boots, state);
        let mut end = end.expect("a scenario fits");
        let at = self.began + now;
        for command in commands {
            end.link.restore_command(at, command);
        }
        end.link.handle_timeout(at);
        self.durable = durable;
        self.end = Some(end);
        self.boots = boot_record::read(&self.storage) + 1;
        let copy = boot_record::write(&mut self.storage, self.boots);
        self.sync = Some((now + SYNC_DELAY, copy, self.boots));
    }
}

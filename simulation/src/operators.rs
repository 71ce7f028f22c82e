//! Operators on the ground: what they asked for, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::scenario::Query;

/// From a command that came to nothing to the next try of its operator.
const PAUSE: Duration = Duration::from_secs(5);

/// What a command is.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    Query(Query),
    Message { wanted: bool },
}

#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) task: Task,
    pub(crate) payload: Vec<u8>,
    /// How often its operator asks once more.
    insists: u32,
    /// Whether the engine has it, and owes an outcome.
    pub(crate) is_open: bool,
    /// Whether its service's own answer came.
    pub(crate) is_answered: bool,
}

/// What came of a command that was given to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The service's answer.
    Answered,
    /// An error document: the reason that the satellite counted.
    Refused,
    /// One way, and with the radio.
    Sent,
    /// The engine's own failure.
    Failed,
    /// The ground's computer went down.
    LostToReboot,
}

/// How often each outcome occurred.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outcomes {
    /// Given to the ground's engine.
    pub asked: u64,
    /// The service's answer came.
    pub answered: u64,
    /// An error document came.
    pub refused: u64,
    /// One way, and with the radio.
    pub sent: u64,
    /// The ground's engine gave up, and said why.
    pub failed: u64,
    /// Forgotten by a reboot of the ground's computer.
    pub lost_to_reboot: u64,
}

/// All commands of a run, by number.
#[derive(Debug, Default)]
pub(crate) struct Operators {
    asked: BTreeMap<u64, Asked>,
    again: BTreeSet<(Duration, u64)>,
    pub(crate) outcomes: Outcomes,
}

impl Operators {
    /// An operator wants something, at `now`.
    pub(crate) fn want(&mut self, now: Duration, number: u64, task: Task, payload: Vec<u8>) {
        let insists = match &task {
            Task::Query(query) => query.insists,
            Task::Message { .. } => 0,
        };
        let asked = Asked {
            task,
            payload,
            insists,
            is_open: false,
            is_answered: false,
        };
        self.asked.insert(number, asked);
        self.again.insert((now, number));
    }

    /// The number of a command to be given to the engine by `now`.
    pub(crate) fn next_to_ask(&mut self, now: Duration) -> Option<u64> {
        let (at, number) = *self.again.first()?;
        if at > now {
            return None;
        }
        self.again.pop_first();
        Some(number)
    }

    /// The engine gets it.
    pub(crate) fn ask(&mut self, number: u64) -> Option<&Asked> {
        let asked = self.asked.get_mut(&number)?;
        asked.is_open = true;
        self.outcomes.asked += 1;
        Some(asked)
    }

    /// The ground's computer is off: nothing was asked.
    pub(crate) fn not_asked(&mut self, now: Duration, number: u64) {
        self.insist(now, number);
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Asked> {
        self.asked.get(&number)
    }

    /// The engine's word on a command, which it owes exactly once.
    pub(crate) fn settle(
        &mut self,
        now: Duration,
        number: u64,
        outcome: Outcome,
    ) -> Result<(), String> {
        let asked = self.asked.get_mut(&number);
        let asked = asked.filter(|asked| asked.is_open);
        let asked = asked.ok_or_else(|| format!("command {number} has two outcomes"))?;
        asked.is_open = false;
        asked.is_answered |= outcome == Outcome::Answered;
        let counter = match outcome {
            Outcome::Answered => &mut self.outcomes.answered,
            Outcome::Refused => &mut self.outcomes.refused,
            Outcome::Sent => &mut self.outcomes.sent,
            Outcome::Failed => &mut self.outcomes.failed,
            Outcome::LostToReboot => &mut self.outcomes.lost_to_reboot,
        };
        *counter += 1;
        if matches!(
            outcome,
            Outcome::Refused | Outcome::Failed | Outcome::LostToReboot
        ) {
            self.insist(now, number);
        }
        Ok(())
    }

    fn insist(&mut self, now: Duration, number: u64) {
        if let Some(asked) = self.asked.get_mut(&number)
            && asked.insists > 0
        {
            asked.insists -= 1;
            self.again.insert((now + PAUSE, number));
        }
    }

    /// The ground's computer went down, and all that was open with it.
    pub(crate) fn crash(&mut self, now: Duration) -> Result<(), String> {
        let open = self.asked.iter().filter(|(_, asked)| asked.is_open);
        let open: Vec<_> = open.map(|(number, _)| *number).collect();
        for number in open {
            self.settle(now, number, Outcome::LostToReboot)?;
        }
        Ok(())
    }

    pub(crate) fn next_event(&self) -> Option<Duration> {
        self.again.first().map(|(at, _)| *at)
    }

    /// A command that the engine still owes an outcome.
    pub(crate) fn open(&self) -> Option<u64> {
        let mut asked = self.asked.iter();
        asked.find_map(|(number, asked)| asked.is_open.then_some(*number))
    }

    /// The commands that must not be run twice.
    pub(crate) fn mutations(&self) -> BTreeSet<u64> {
        let is_mutation =
            |asked: &Asked| matches!(&asked.task, Task::Query(query) if query.mutation);
        let mutations = self.asked.iter().filter(|(_, asked)| is_mutation(asked));
        mutations.map(|(number, _)| *number).collect()
    }
}

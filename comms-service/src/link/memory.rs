//! What the satellite remembers of commands, so that none runs twice.
//!
//! A command is known by who sent it, payload type, port and id. What is kept of
//! it: a hash of its payload, how far it came, and its answer as long as there is
//! room. Bounded in commands, octets of answers and time; queries give way before
//! datagrams, these before mutations, and older ones before newer.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use crate::accounting::DropReason;
use crate::budget::{ByteBudget, StoredId};
use crate::graphql_operation::is_only_queries;
use crate::link_control::AnswerTo;
use crate::message::{Head, PayloadType, SecurityHeader};

/// Limits of the command memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandMemoryConfig {
    /// Commands that are remembered.
    pub commands_max: usize,
    /// Octets of their answers, all together.
    pub answer_bytes_max: usize,
    /// How long a command is remembered.
    pub time: Duration,
}

impl Default for CommandMemoryConfig {
    /// 4096 commands, 1 MiB of answers, 24 hours.
    fn default() -> Self {
        CommandMemoryConfig {
            commands_max: 4096,
            answer_bytes_max: 1 << 20,
            time: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// How a command is known. Class is no part of it: a long and a short answer
/// are to the same command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandKey {
    /// The ground station, on a link with security.
    pub station: Option<u8>,
    /// [`PayloadType::GraphQl`] or [`PayloadType::Udp`].
    pub payload_type: PayloadType,
    /// The service's port.
    pub port: u16,
    /// Never 0.
    pub command_id: u64,
}

/// What outlives a restart of a command that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedCommand {
    /// Which command.
    pub key: CommandKey,
    /// SHA-256 of its payload, the first 16 octets.
    pub hash: [u8; 16],
    /// It was answered, so its outcome is known.
    pub finished: bool,
}

/// The first octets of a payload's SHA-256.
pub(crate) type PayloadHash = [u8; 16];

impl CommandKey {
    /// None for what is nobody's command (id 0).
    pub(crate) fn of(head: &Head) -> Option<CommandKey> {
        (head.command_id != 0).then_some(CommandKey {
            station: head.security.map(SecurityHeader::station),
            payload_type: head.payload_type,
            port: head.port,
            command_id: head.command_id,
        })
    }

    /// Whose answer is meant by link control that came with `head`.
    pub(crate) fn of_answer(head: &Head, answer_to: &AnswerTo) -> Option<CommandKey> {
        CommandKey::of(&Head {
            payload_type: answer_to.payload_type,
            command_id: answer_to.command_id,
            port: answer_to.port,
            ..*head
        })
    }
}

pub(crate) fn hash_of(payload: &[u8]) -> PayloadHash {
    let digest: [u8; 32] = Sha256::digest(payload).into();
    let mut hash = PayloadHash::default();
    hash.iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);
    hash
}

#[derive(Debug)]
struct Remembered {
    hash: PayloadHash,
    /// May change something: is not run again, whatever became of it.
    mutation: bool,
    arrived: Instant,
    state: State,
    /// Its place in the order of forgetting; none while it runs.
    age: Option<NonZeroU64>,
    /// It is in the journal.
    recorded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It waits for its service or is there.
    Running,
    /// It was answered, or a datagram was handed over.
    Done(Option<StoredId>),
    /// It was handed over, and nobody knows what came of it.
    Unknown(Option<StoredId>),
}

/// What gives way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// It may run again.
    Query,
    /// Nobody waits for an answer, so it is hardly ever sent again; and there may be
    /// many.
    Datagram,
    Mutation,
}

impl Worth {
    const ALL: [Worth; 3] = [Worth::Query, Worth::Datagram, Worth::Mutation];

    fn of(key: &CommandKey, known: &Remembered) -> Worth {
        match (key.payload_type, known.mutation) {
            (_, false) => Worth::Query,
            (PayloadType::Udp, true) => Worth::Datagram,
            (_, true) => Worth::Mutation,
        }
    }
}

/// What is to be done with a command that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recall {
    /// It is new, or may be run again; a mutation, after it was recorded as this.
    Run(Option<RecordedCommand>),
    /// The same as one that runs, or a datagram that went: nothing to do.
    Repeated(DropReason),
    /// It was answered: once more.
    Answer(StoredId),
    /// It is not run, and the ground is told.
    Refuse(DropReason),
}

/// What became of an answer that is asked for in parts.
pub(super) enum Kept {
    Answer(StoredId),
    Running,
    Evicted,
    Unknown,
}

#[derive(Debug)]
pub(super) struct CommandMemory {
    config: CommandMemoryConfig,
    /// One behind the other, in no order: a table with room to spare would be twice
    /// as large.
    commands: IndexMap<CommandKey, Remembered>,
    /// The finished ones, in the order in which they give way: first by worth.
    order: [Order; Worth::ALL.len()],
    /// How many were finished.
    finished: u64,
}

/// Finished commands by their ages, the oldest first. In one piece: many small ones
/// would lie between the answers, whose room could not be used again for what is larger.
#[derive(Debug, Default)]
struct Order {
    finished: VecDeque<(NonZeroU64, CommandKey)>,
}

impl Order {
    fn remove(&mut self, age: NonZeroU64) {
        let place = self.finished.binary_search_by_key(&age, |(age, _)| *age);
        if let Ok(place) = place {
            self.finished.remove(place);
        }
    }
}

impl CommandMemory {
    pub(super) fn new(config: CommandMemoryConfig) -> Self {
        CommandMemory {
            config,
            commands: IndexMap::new(),
            order: Default::default(),
            finished: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.commands.len()
    }

    /// A command came, and is remembered if it is to run.
    pub(super) fn recall(
        &mut self,
        now: Instant,
        budget: &ByteBudget,
        key: CommandKey,
        payload: &[u8],
    ) -> Recall {
        self.expire(now, budget);
        let hash = hash_of(payload);
        let one_way = key.payload_type == PayloadType::Udp;
        if let Some(known) = self.commands.get(&key) {
            let stored = |id: &StoredId| budget.has_stored(*id);
            match known.state {
                _ if known.hash != hash => return Recall::Refuse(DropReason::CommandIdReused),
                _ if one_way => return Recall::Repeated(DropReason::DuplicateCommand),
                State::Running => return Recall::Repeated(DropReason::CommandJoined),
                State::Done(answer) | State::Unknown(answer) => match answer.filter(stored) {
                    Some(answer) => return Recall::Answer(answer),
                    None if !known.mutation => self.forget(&key, budget),
                    None if matches!(known.state, State::Unknown(_)) => {
                        return Recall::Refuse(DropReason::OutcomeUnknown);
                    }
                    None => return Recall::Refuse(DropReason::AnswerNotKept),
                },
            }
        }
        if self.commands.len() >= self.config.commands_max && !self.forget_oldest(budget) {
            return Recall::Refuse(DropReason::CommandMemoryFull);
        }
        let remembered = Remembered {
            hash,
            mutation: one_way || !is_only_queries(payload),
            arrived: now,
            state: State::Running,
            age: None,
            recorded: false,
        };
        let command = remembered.mutation.then_some(RecordedCommand {
            key,
            hash,
            finished: false,
        });
        self.commands.insert(key, remembered);
        Recall::Run(command)
    }

    /// A command of the journal, from before a restart.
    pub(super) fn restore(&mut self, now: Instant, budget: &ByteBudget, command: RecordedCommand) {
        if self.commands.len() >= self.config.commands_max {
            self.forget_oldest(budget);
        }
        let remembered = Remembered {
            hash: command.hash,
            mutation: true,
            arrived: now,
            state: State::Running,
            age: None,
            recorded: true,
        };
        self.commands.insert(command.key, remembered);
        let state = match command.finished {
            true => State::Done(None),
            false => State::Unknown(None),
        };
        self.finish(&command.key, state);
    }

    /// A command is in the journal.
    pub(super) fn recorded(&mut self, key: &CommandKey) {
        if let Some(known) = self.commands.get_mut(key) {
            known.recorded = true;
        }
    }

    /// A command did not reach its service: it may come again. Gives whether it is
    /// in the journal.
    pub(super) fn refused(&mut self, key: &CommandKey) -> bool {
        let runs = |known: &&Remembered| known.state == State::Running;
        let Some(known) = self.commands.get(key).filter(runs) else {
            return false;
        };
        let recorded = known.recorded;
        self.commands.swap_remove(key);
        recorded
    }

    /// A command was answered with `answer`; or went to its service, which gives
    /// no answer. Gives whether it is in the journal.
    pub(super) fn answered(
        &mut self,
        budget: &ByteBudget,
        key: &CommandKey,
        answer: &[u8],
    ) -> bool {
        let stored = match key.payload_type {
            PayloadType::Udp => None,
            _ => budget.store(answer, self.config.answer_bytes_max),
        };
        self.finish(key, State::Done(stored))
    }

    /// A command was handed over, and what came back is no answer of its service;
    /// `error` is what the ground is told. In the journal a mutation stays started.
    pub(super) fn failed(&mut self, budget: &ByteBudget, key: &CommandKey, error: &[u8]) {
        if self.commands.get(key).is_some_and(|known| known.mutation) {
            let stored = budget.store(error, self.config.answer_bytes_max);
            self.finish(key, State::Unknown(stored));
        } else {
            self.refused(key);
        }
    }

    /// A datagram that was counted as handed over was not taken: it may come again.
    /// Gives whether it is in the journal.
    pub(super) fn not_sent(&mut self, budget: &ByteBudget, key: &CommandKey) -> bool {
        let recorded = self.commands.get(key).is_some_and(|known| known.recorded);
        self.forget(key, budget);
        recorded
    }

    /// The engine lost track of what ran.
    pub(super) fn interrupted(&mut self) {
        let running = |known: &Remembered| known.state == State::Running;
        let keys = self.commands.iter().filter(|(_, known)| running(known));
        for key in keys.map(|(key, _)| *key).collect::<Vec<_>>() {
            if self.commands.get(&key).is_some_and(|known| known.mutation) {
                self.finish(&key, State::Unknown(None));
            } else {
                self.commands.swap_remove(&key);
            }
        }
    }

    /// What is known of the answer to a command.
    pub(super) fn answer(&self, budget: &ByteBudget, key: &CommandKey) -> Kept {
        match self.commands.get(key).map(|known| known.state) {
            None => Kept::Unknown,
            Some(State::Running) => Kept::Running,
            Some(State::Done(answer) | State::Unknown(answer)) => {
                match answer.filter(|id| budget.has_stored(*id)) {
                    Some(answer) => Kept::Answer(answer),
                    None => Kept::Evicted,
                }
            }
        }
    }

    pub(super) fn clear(&mut self, budget: &ByteBudget) {
        self.commands.clear();
        self.order
            .iter_mut()
            .for_each(|order| order.finished.clear());
        budget.clear_stored();
    }

    /// Gives whether the command is in the journal.
    fn finish(&mut self, key: &CommandKey, state: State) -> bool {
        let Some(known) = self.commands.get_mut(key) else {
            return false;
        };
        known.state = state;
        if known.age.is_none() {
            self.finished += 1;
            known.age = NonZeroU64::new(self.finished);
            let order = self.order.get_mut(Worth::of(key, known) as usize);
            if let (Some(order), Some(age)) = (order, known.age) {
                order.finished.push_back((age, *key));
            }
        }
        known.recorded
    }

    fn forget(&mut self, key: &CommandKey, budget: &ByteBudget) {
        let Some(known) = self.commands.swap_remove(key) else {
            return;
        };
        let order = self.order.get_mut(Worth::of(key, &known) as usize);
        if let (Some(order), Some(age)) = (order, known.age) {
            order.remove(age);
        }
        if let State::Done(Some(answer)) | State::Unknown(Some(answer)) = known.state {
            budget.forget_stored(answer);
        }
    }

    /// The one of this worth that gives way next.
    fn oldest(&self, worth: Worth) -> Option<CommandKey> {
        let order = self.order.get(worth as usize)?;
        order.finished.front().map(|(_, key)| *key)
    }

    /// False when all that are known still run.
    fn forget_oldest(&mut self, budget: &ByteBudget) -> bool {
        let oldest = Worth::ALL.into_iter().find_map(|worth| self.oldest(worth));
        oldest.is_some_and(|key| {
            self.forget(&key, budget);
            true
        })
    }

    fn expire(&mut self, now: Instant, budget: &ByteBudget) {
        let time = self.config.time;
        for worth in Worth::ALL {
            while let Some(oldest) = self.oldest(worth)
                && let Some(known) = self.commands.get(&oldest)
                && now.saturating_duration_since(known.arrived) >= time
            {
                self.forget(&oldest, budget);
            }
        }
    }
}

//! The agent: what is on the disk and the queue, as one.

mod again;
mod counts;
mod ended;
mod error;
mod key;
mod look;
mod out;
mod room;
mod state;
mod take;
mod up;
mod view;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use again::Again;
pub use counts::Counts;
pub use ended::{End, Ended};
pub use error::AgentError;
pub use key::KeyUse;
pub use out::OutItem;
pub(crate) use state::Chosen;
use state::State;
pub use take::{Begun, Incoming, Words};
pub use view::{Filter, View};

use crate::clock::Clock;
use crate::item::{Topic, TransferMeta, TtlParams, Uuid};
use crate::journal::Journal;
use crate::limits::TOPICS_MAX;
use crate::queue::{Ms, Stage};
use crate::store::{Floor, Space, Store, StoreError, Uploads};
use delivery_receipt::{PublicKey, Receipt};

/// How the agent is to work.
#[derive(Debug)]
pub struct AgentSettings {
    /// What is to be left free of the disk.
    pub floor: Floor,
    /// Who says how much is free.
    pub space: Space,
    /// How old a file is that the cleaner removes.
    pub cleanup_age: Duration,
    /// An item is delivered once a receipt with this key is there; without one, once the link
    /// service says so.
    pub receipt_key: Option<PublicKey>,
    /// These topics and no others; without them, what the collector says, else all.
    pub topics: Vec<Topic>,
    /// Whether the journal is waited for.
    pub sync: bool,
}

impl Default for AgentSettings {
    fn default() -> Self {
        AgentSettings {
            floor: Floor::Percent(20),
            space: Space::OfFileSystem,
            cleanup_age: Duration::from_secs(86_400),
            receipt_key: None,
            topics: Vec::new(),
            sync: true,
        }
    }
}

/// The agent.
pub struct Agent {
    store: Store,
    settings: AgentSettings,
    clock: Box<dyn Clock>,
    state: Mutex<State>,
    journal: Mutex<Journal>,
    uploads: Uploads,
    /// Something is there to be sent, or was withdrawn.
    news: Condvar,
}

impl Agent {
    /// Looks at what is there, and brings to its end what an earlier process began.
    ///
    /// # Errors
    /// The work directory or the journal is not to be had.
    pub fn open(
        store: Store,
        settings: AgentSettings,
        clock: Box<dyn Clock>,
    ) -> Result<Self, AgentError> {
        let path = store.places.own.join("agent.redb");
        let opened = Journal::open(&path, settings.sync);
        let (journal, remembered) =
            opened.map_err(|error| AgentError::Journal(kept_database::explained(&path, &error)))?;
        // Whoever has the journal is the only one who touches the work directory.
        let found = store.recover()?;
        let mut state = State {
            chosen: remembered.chosen.into_iter().collect(),
            topics: match settings.topics.is_empty() {
                true => remembered.topics.into_iter().collect(),
                false => settings.topics.iter().cloned().collect(),
            },
            ..State::default()
        };
        remembered
            .ended
            .into_iter()
            .for_each(|ended| state.remember(ended));
        let retrieved = remembered.retrieved.into_iter();
        retrieved.for_each(|id| state.retrieved.add(id));
        let now = clock.now();
        for meta in &found.items {
            let id = meta.file_info.id;
            let how = state.ended.get(id).map(|ended| ended.state);
            match how {
                // It was put there again.
                Some(End::Collected | End::Failed) => {
                    if let Some(ended) = state.ended.forget(id) {
                        state.forget(&ended);
                    }
                }
                Some(_) => {
                    store
                        .remove(id)
                        .map_err(StoreError::at(&store.places.transfers))?;
                    continue;
                }
                None => {}
            }
            state.counts.found = state.counts.found.saturating_add(1);
            let chosen = state.chosen.get(&id).map(|chosen| chosen.at);
            let ago = |at: i64| age(&*clock, at);
            state.insert(now, meta, ago(meta.time), chosen.map_or(0, ago));
        }
        let (items, finished, undone) = (found.items.len(), found.finished, found.undone);
        log::info!(
            "{items} items are queued; of intakes {finished} were finished, {undone} undone"
        );
        let agent = Agent {
            store,
            settings,
            clock,
            state: Mutex::new(state),
            journal: Mutex::new(journal),
            uploads: Uploads::remembering(remembered.checked),
            news: Condvar::new(),
        };
        agent.recover_retrievals()?;
        Ok(agent)
    }

    /// What is due: items that were collected, items whose time is over. To be called each
    /// second or so.
    pub fn tick(&self) {
        self.store.publish_late();
        self.scan();
        self.write_checked();
        let now = self.clock.now();
        let mut state = self.state();
        let expired = state.expired(now);
        let seconds = self.clock.seconds();
        let mut ended = Vec::new();
        for id in expired {
            ended.extend(state.end(id, End::Expired, "its last time is over", seconds, None));
        }
        let sent: Vec<Uuid> = state.sent.iter().copied().collect();
        for id in sent {
            if state.queue.stage(id).flatten().is_none() {
                let reason = "the link service says so: no receipt came in its time";
                ended.extend(state.end(id, End::Delivered, reason, seconds, None));
            }
        }
        drop(state);
        for item in ended.iter().filter(|item| item.state == End::Expired) {
            log::info!("{}: expired", item.uuid);
        }
        self.written(&ended);
        self.remove_files(&ended);
    }

    /// Removes what nobody wants any more, never what is queued.
    pub fn clean(&self) -> usize {
        let is_queued = |id| self.state().items.contains_key(&id);
        let removed = self.store.clean(self.settings.cleanup_age, &is_queued);
        let mut state = self.state();
        state.counts.cleaned = state.counts.cleaned.saturating_add(removed as u64);
        removed
    }

    /// What is known of an item that is queued.
    ///
    /// # Errors
    /// [`AgentError::NoItem`].
    pub fn meta(&self, id: Uuid) -> Result<TransferMeta, AgentError> {
        self.look_at(id);
        self.store.meta(id).map_err(|_| AgentError::NoItem(id))
    }

    /// Which items are queued, in the order in which they were handed over.
    #[must_use]
    pub fn queued_ids(&self) -> Vec<Uuid> {
        self.scan();
        let state = self.state();
        let ids = state.order.iter().map(|(_, id)| *id);
        ids.filter(|id| state.items.contains_key(id)).collect()
    }

    /// It is not to be sent any more.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn cancel(&self, id: Uuid) -> Result<View, AgentError> {
        self.open_item(id)?;
        let ended = self.end_item(id, End::Cancelled, "cancelled by a client", None)?;
        self.remove_files(&[ended]);
        self.status(id)
    }

    /// It is in that stage from now on, for as long as it was sent with for that stage; or for
    /// the usual time, where it was to skip it. Then it is in the stages behind it for as long as
    /// it was sent with.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn set_stage(&self, id: Uuid, stage: Stage) -> Result<View, AgentError> {
        self.open_item(id)?;
        let ttl = self.state().items.get(&id).map(|item| item.ttl);
        let ttl = ttl.ok_or(AgentError::NoItem(id))?;
        let of_stage = |ttl: TtlParams| match stage {
            Stage::Urgent => ttl.urgent,
            Stage::Bulk => ttl.bulk,
            Stage::Surplus => ttl.surplus,
        };
        let stays = match of_stage(ttl) {
            0 => of_stage(TtlParams::default()),
            stays => stays,
        };
        let chosen = Chosen {
            stage,
            at: self.clock.seconds(),
            stays,
        };
        let written = self.journal().choose(id, &chosen);
        written.map_err(|error| AgentError::Journal(error.to_string()))?;
        let now = self.clock.now();
        self.state().queue.set_stage(now, id, stage, stays);
        self.notify();
        self.status(id)
    }

    /// Whether it can tell the ground's receipts.
    #[must_use]
    pub fn takes_receipts(&self) -> bool {
        self.settings.receipt_key.is_some()
    }

    /// The ground says that it has it.
    ///
    /// # Errors
    /// [`AgentError::NoReceipt`]: it is not the ground that says so, or not of this item.
    pub fn accept_receipt(&self, receipt: Receipt) -> Result<(), AgentError> {
        self.counted(self.accept_receipt_uncounted(receipt))
    }

    fn accept_receipt_uncounted(&self, receipt: Receipt) -> Result<(), AgentError> {
        let key = self.settings.receipt_key.as_ref();
        let key = key.ok_or(AgentError::NoReceipt("the agent has no key of receipts"))?;
        if !key.is_of(&receipt) {
            return Err(AgentError::NoReceipt("its signature is not of the key"));
        }
        let id: Uuid = receipt
            .uuid
            .parse()
            .map_err(|_| AgentError::NoReceipt("it is of no item"))?;
        let mut state = self.state();
        if let Some(item) = state.items.get(&id) {
            // Of what the original queued, nobody made this sum.
            let is_other = !item.sha256.is_empty() && item.sha256 != receipt.sha256;
            if is_other || item.bytes != receipt.size {
                return Err(AgentError::NoReceipt("it is of other octets"));
            }
            drop(state);
            let ended = self.end_item(id, End::Delivered, "", Some(receipt))?;
            self.remove_files(&[ended]);
            return Ok(());
        }
        let mut ended = state.ended.get(id).cloned().ok_or(AgentError::NoItem(id))?;
        if ended.receipt.is_none() {
            ended.receipt = Some(receipt);
            state.remember(ended.clone());
            drop(state);
            self.written(&[ended]);
        }
        Ok(())
    }

    /// Which topics are allowed; all, where there are none.
    #[must_use]
    pub fn topics(&self) -> Vec<Topic> {
        self.state().topics.iter().cloned().collect()
    }

    /// These topics are allowed from now on, also after a restart.
    ///
    /// # Errors
    /// [`AgentError::Topics`]: others are fixed, or they are too many.
    pub fn allow(&self, topics: Vec<Topic>) -> Result<(), AgentError> {
        if topics.len() > TOPICS_MAX {
            return Err(AgentError::Topics(format!(
                "at most {TOPICS_MAX} may be allowed"
            )));
        }
        if !self.settings.topics.is_empty() {
            log::warn!("the topics that the collector allows are not taken: --topics fixes them");
            return Ok(());
        }
        if topics == self.topics() {
            return Ok(());
        }
        let written = self.journal().allow(&topics);
        written.map_err(|error| AgentError::Journal(error.to_string()))?;
        self.state().topics = topics.into_iter().collect();
        Ok(())
    }

    /// Counters, and how many there are now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let state = self.state();
        let out = state
            .items
            .keys()
            .filter(|id| state.queue.is_out(**id))
            .count();
        Counts {
            out: out as u64,
            waiting: state.items.len().saturating_sub(out) as u64,
            ..state.counts.clone()
        }
    }

    /// How many items are in a stage, and how many octets they have.
    #[must_use]
    pub fn depth(&self, stage: Stage) -> (usize, u64) {
        self.state().queue.depth(stage)
    }

    /// What is on the disk.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How much room there is.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.settings.space.room(&self.store.places.transfers).free
    }

    /// It is there, and has not ended.
    fn open_item(&self, id: Uuid) -> Result<(), AgentError> {
        self.look_at(id);
        let state = self.state();
        match state.ended.get(id) {
            _ if state.items.contains_key(&id) => Ok(()),
            Some(ended) => Err(AgentError::HasEnded(id, ended.state)),
            None => Err(AgentError::NoItem(id)),
        }
    }

    fn end_item(
        &self,
        id: Uuid,
        end: End,
        reason: &str,
        receipt: Option<Receipt>,
    ) -> Result<Ended, AgentError> {
        let now = self.clock.seconds();
        let ended = self.state().end(id, end, reason, now, receipt);
        let ended = ended.ok_or(AgentError::NoItem(id))?;
        self.written(std::slice::from_ref(&ended));
        self.notify();
        Ok(ended)
    }

    /// Writes down what has ended, before its files are removed.
    fn written(&self, ended: &[Ended]) {
        if let Err(error) = self.journal().end(ended) {
            log::error!("what has ended cannot be written down: {error}");
        }
    }

    fn remove_files(&self, ended: &[Ended]) {
        for item in ended {
            if let Err(error) = self.store.remove(item.uuid) {
                log::warn!("{}: its files cannot be removed: {error}", item.uuid);
            }
        }
    }

    /// Counts what is refused. Once for each request.
    pub(crate) fn counted<T>(&self, done: Result<T, AgentError>) -> Result<T, AgentError> {
        done.inspect_err(|error| self.state().counts.refused(error.reason()))
    }

    pub(crate) fn notify(&self) {
        self.news.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").finish_non_exhaustive()
    }
}

/// How long ago that was, in ms, by a clock that is to be believed; else it is now.
fn age(clock: &dyn Clock, since: i64) -> Ms {
    let Some(wall) = clock.wall() else { return 0 };
    let since = Duration::from_secs(u64::try_from(since).unwrap_or(0));
    // What was written down by a clock that was not set, says nothing.
    if since < EARLIEST {
        return 0;
    }
    let age = wall.saturating_sub(since);
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}

/// 2020-01-01, since 1970.
const EARLIEST: Duration = Duration::from_secs(1_577_836_800);

//! What the pump asks for: what is next, and what became of it.

use std::time::Duration;

use super::{Agent, End};
use crate::item::{Topic, TransferMeta, Uuid};
use crate::limits::LINK_ANSWER_TIME;
use crate::queue::{Ms, Stage};
use crate::work_directory as names;

/// An item that is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct OutItem {
    /// What is known of it.
    pub meta: TransferMeta,
    /// Its data.
    pub data: std::path::PathBuf,
    /// Where it is in the queue.
    pub stage: Stage,
}

impl Agent {
    /// The next that is to be sent: it is out from now on.
    pub fn next_out(&self) -> Option<OutItem> {
        self.next_out_where(|_| true, |_| true)
    }

    /// The same of those topics and those items that may go.
    pub(crate) fn next_out_where(
        &self,
        may_topic: impl Fn(&Topic) -> bool,
        may_item: impl Fn(Uuid) -> bool,
    ) -> Option<OutItem> {
        loop {
            let mut state = self.state();
            let id = state.queue.take_next_where(&may_topic, &may_item)?;
            drop(state);
            if let Some(item) = self.out_item(id) {
                return Some(item);
            }
        }
    }

    /// One that somebody before us handed to the link service.
    pub fn take_out(&self, id: Uuid) -> bool {
        let now = self.clock.now();
        self.state().take_out(now, id)
    }

    /// What expired while the agent was down may have gone down: the link service is asked
    /// first, where it answers within [`LINK_ANSWER_TIME`].
    pub(crate) fn await_link(&self) {
        let time = u64::try_from(LINK_ANSWER_TIME.as_millis()).unwrap_or(u64::MAX);
        let until = self.clock.now().saturating_add(time);
        self.state().awaits_link_until = Some(until);
    }

    /// What it has, is out now; what it has not, expires.
    pub(crate) fn link_has_answered(&self) {
        self.state().awaits_link_until = None;
    }

    fn out_item(&self, id: Uuid) -> Option<OutItem> {
        match self.store.meta(id) {
            Ok(meta) => Some(OutItem {
                meta,
                data: names::data(&self.store.places.transfers, id),
                stage: self.state().queue.stage(id).flatten()?,
            }),
            Err(error) => {
                if self.store.is_whole(id) {
                    self.fail(
                        id,
                        &format!("what is known of it is not to be read: {error}"),
                    );
                } else {
                    self.look_at(id);
                }
                None
            }
        }
    }

    /// The stage of one that is out: none within where it has expired, none where it ended.
    pub fn out_stage(&self, id: Uuid) -> Option<Option<Stage>> {
        self.look_at(id);
        let state = self.state();
        state.queue.stage(id).filter(|_| state.queue.is_out(id))
    }

    /// It could not be sent now.
    pub fn put_back(&self, id: Uuid) {
        let now = self.clock.now();
        let waits = self.state().queue.put_back(now, id);
        if !waits {
            self.expire(id);
        }
    }

    /// The ground has it, says the link service: with a key of receipts its receipt is waited
    /// for.
    pub fn sent(&self, id: Uuid) {
        if self.settings.receipt_key.is_some() {
            let mut state = self.state();
            if state.items.contains_key(&id) {
                state.sent.insert(id);
            }
            return;
        }
        if let Ok(ended) = self.end_item(id, End::Delivered, "", None) {
            self.remove_files(&[ended]);
        }
    }

    /// Whether it is only its receipt that is waited for.
    pub fn is_sent(&self, id: Uuid) -> bool {
        self.state().sent.contains(&id)
    }

    /// Its last time is over.
    pub fn expire(&self, id: Uuid) {
        if let Ok(ended) = self.end_item(id, End::Expired, "its last time is over", None) {
            self.remove_files(&[ended]);
        }
    }

    /// It had ended otherwise when the link service had delivered it already: its reason says so.
    pub(crate) fn went_down_all_the_same(&self, id: Uuid) {
        const WORDS: &str = "the link service had delivered it already";
        let mut state = self.state();
        let Some(mut ended) = state.ended.get(id).cloned() else {
            return;
        };
        if ended.state == End::Delivered || ended.reason.ends_with(WORDS) {
            return;
        }
        ended.reason = format!("{}; {WORDS}", ended.reason);
        state.remember(ended.clone());
        drop(state);
        self.written(&[ended]);
    }

    /// It cannot be sent: its files are put out of the way.
    pub fn fail(&self, id: Uuid, why: &str) {
        self.state().leaving.insert(id);
        if self.end_item(id, End::Failed, why, None).is_ok() {
            self.store.bury(id, &self.store.places.transfers, why);
        }
        self.state().leaving.remove(&id);
    }

    /// What ended while the link service had it, since this was asked last.
    pub fn take_withdrawn(&self) -> Vec<Uuid> {
        std::mem::take(&mut self.state().withdrawn)
    }

    /// Waits until there is something to do, or for `time`.
    pub fn wait_for_news(&self, time: Duration) {
        // A notice too many only makes a round too many.
        drop(self.news.wait_timeout(self.state(), time));
    }

    /// Whether it is there, and has not ended.
    pub(crate) fn is_open(&self, id: Uuid) -> bool {
        self.state().items.contains_key(&id)
    }

    /// By the clock that does not jump.
    pub(crate) fn now(&self) -> Ms {
        self.clock.now()
    }

    /// How many are out.
    pub fn out_count(&self) -> usize {
        let state = self.state();
        state
            .items
            .keys()
            .filter(|id| state.queue.is_out(**id))
            .count()
    }
}

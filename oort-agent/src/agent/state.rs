//! What the agent knows, under one lock.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::ended::{AllEnded, End, Ended};
use super::key::KeyUse;
use super::up::Retrieved;
use crate::item::{Topic, TransferMeta, TtlParams, Uuid};
use crate::queue::{Ms, Queue, Stage, Ticket};
use crate::store::SHA256;
use delivery_receipt::Receipt;

/// A stage that somebody chose for an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chosen {
    pub(crate) stage: Stage,
    /// s since 1970.
    pub(crate) at: i64,
    /// For so many s.
    pub(crate) stays: u64,
}

/// An item that has not ended.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) topic: Topic,
    pub(super) bytes: u64,
    /// s since 1970.
    pub(super) time: i64,
    pub(super) sha256: String,
    pub(super) ttl: TtlParams,
    pub(super) key: Option<KeyUse>,
}

/// A key, and the item that was made with it; none while it is being made.
#[derive(Debug)]
pub(super) struct Keyed {
    pub(super) asked: String,
    pub(super) id: Option<Uuid>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queue: Queue,
    pub(super) items: HashMap<Uuid, Item>,
    pub(super) ended: AllEnded,
    /// All of both, by when they were handed over.
    pub(super) order: BTreeSet<(i64, Uuid)>,
    pub(super) keys: HashMap<String, Keyed>,
    pub(super) counts: Counts,
    /// Those that are allowed; all, where there are none.
    pub(super) topics: BTreeSet<Topic>,
    /// Items that failed, and whose files are on their way to `dead/`.
    pub(super) leaving: BTreeSet<Uuid>,
    /// Octets of files that are being copied.
    pub(super) reserved: u64,
    /// Intakes that are under way.
    pub(super) under_way: usize,
    /// What ended while the link service had it.
    pub(super) withdrawn: Vec<Uuid>,
    /// Items that had expired before they were queued.
    pub(super) overdue: BTreeSet<Uuid>,
    /// Until then those wait for what the link service says of them.
    pub(super) awaits_link_until: Option<Ms>,
    /// Items whose receipts are waited for.
    pub(super) sent: BTreeSet<Uuid>,
    /// Uploads that were retrieved.
    pub(super) retrieved: Retrieved,
    /// Stages that were chosen before a restart.
    pub(super) chosen: BTreeMap<Uuid, Chosen>,
}

impl State {
    /// One more.
    pub(super) fn insert(&mut self, now: Ms, meta: &TransferMeta, age: Ms, chosen_ago: Ms) {
        let id = meta.file_info.id;
        let ttl = meta.send_options.ttl;
        let sha256 = meta.extra.get(SHA256).and_then(|sum| sum.as_str());
        let item = Item {
            topic: meta.topic.clone(),
            bytes: meta.file_info.size,
            time: meta.time,
            sha256: sha256.unwrap_or_default().to_owned(),
            ttl,
            key: KeyUse::read(&meta.extra),
        };
        if let Some(key) = &item.key {
            let keyed = Keyed {
                asked: key.asked.clone(),
                id: Some(id),
            };
            self.keys.insert(key.key.clone(), keyed);
        }
        let chosen = self.chosen.get(&id);
        let ticket = Ticket {
            topic: item.topic.clone(),
            bytes: item.bytes,
            ttl,
            chosen: chosen.map(|chosen| (chosen.stage, chosen.stays)),
            age: chosen.map_or(age, |_| chosen_ago),
        };
        self.order.insert((item.time, id));
        self.items.insert(id, item);
        if !self.queue.insert(now, id, ticket) {
            self.overdue.insert(id);
        }
    }

    /// The link service has it. False where nobody here knows it.
    pub(super) fn take_out(&mut self, now: Ms, id: Uuid) -> bool {
        if self.queue.take(id) {
            return true;
        }
        let Some(item) = self.items.get(&id) else {
            return false;
        };
        if !self.overdue.remove(&id) {
            return false;
        }
        let ticket = Ticket {
            topic: item.topic.clone(),
            bytes: item.bytes,
            ttl: TtlParams {
                urgent: 0,
                bulk: 0,
                surplus: 0,
            },
            chosen: None,
            age: 0,
        };
        self.queue.insert_out(now, id, ticket);
        true
    }

    /// Items that have expired, but for those that wait for the link service.
    pub(super) fn expired(&mut self, now: Ms) -> Vec<Uuid> {
        let mut expired = self.queue.tick(now);
        if self.awaits_link_until.is_none_or(|until| until <= now) {
            expired.extend(std::mem::take(&mut self.overdue));
        }
        expired
    }

    /// It has ended: what is to be written down of it. None where it had ended before.
    pub(super) fn end(
        &mut self,
        id: Uuid,
        end: End,
        reason: &str,
        now: i64,
        receipt: Option<Receipt>,
    ) -> Option<Ended> {
        let item = self.items.remove(&id)?;
        let is_sent = self.sent.remove(&id);
        if self.queue.is_out(id) && !is_sent && end != End::Delivered && end != End::Failed {
            self.withdrawn.push(id);
        }
        self.queue.remove(id);
        self.chosen.remove(&id);
        self.counts.ended(end);
        let ended = Ended {
            uuid: id,
            topic: item.topic,
            state: end,
            reason: reason.to_owned(),
            time: item.time,
            ended: now,
            size: item.bytes,
            sha256: item.sha256,
            receipt,
            key: item.key,
        };
        self.remember(ended.clone());
        Some(ended)
    }

    /// Whether it ended in a way that somebody may take back, by putting its files into
    /// `transfers/` again.
    pub(super) fn may_be_back(&self, id: Uuid) -> bool {
        let ended = self.ended.get(id).map(|ended| ended.state);
        matches!(ended, Some(End::Collected | End::Failed)) && !self.leaving.contains(&id)
    }

    /// Of the octets of an item, also of one that has ended; none where nobody knows.
    pub(super) fn sha256(&self, id: Uuid) -> Option<String> {
        let open = self.items.get(&id).map(|item| &item.sha256);
        let sum = open.or_else(|| self.ended.get(id).map(|ended| &ended.sha256));
        sum.filter(|sum| !sum.is_empty()).cloned()
    }

    pub(super) fn remember(&mut self, ended: Ended) {
        self.order.insert((ended.time, ended.uuid));
        if let Some(key) = &ended.key {
            let keyed = Keyed {
                asked: key.asked.clone(),
                id: Some(ended.uuid),
            };
            self.keys.insert(key.key.clone(), keyed);
        }
        if let Some(oldest) = self.ended.add(ended) {
            self.forget(&oldest);
        }
    }

    pub(super) fn forget(&mut self, ended: &Ended) {
        self.order.remove(&(ended.time, ended.uuid));
        if let Some(key) = &ended.key {
            self.keys.remove(&key.key);
        }
    }
}

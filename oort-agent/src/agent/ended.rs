//! Items that have ended: what is remembered of them.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::key::KeyUse;
use crate::item::{Topic, Uuid};
use crate::limits::ENDED_MAX;
use delivery_receipt::Receipt;

/// How an item ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// The ground has it.
    Delivered,
    /// A collector took it.
    Collected,
    /// Its last time was over.
    Expired,
    /// It made room for others.
    Evicted,
    /// A client did not want it sent any more.
    Cancelled,
    /// It cannot be sent.
    Failed,
}

impl End {
    /// All of them.
    pub const ALL: [End; 6] = [
        End::Delivered,
        End::Collected,
        End::Expired,
        End::Evicted,
        End::Cancelled,
        End::Failed,
    ];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            End::Delivered => "delivered",
            End::Collected => "collected",
            End::Expired => "expired",
            End::Evicted => "evicted",
            End::Cancelled => "cancelled",
            End::Failed => "failed",
        }
    }
}

/// What is remembered of an item that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Which.
    pub uuid: Uuid,
    /// Its topic.
    pub topic: Topic,
    /// How it ended.
    pub state: End,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it was handed over: s since 1970.
    pub time: i64,
    /// When it ended: s since 1970.
    pub ended: i64,
    /// Octets.
    pub size: u64,
    /// SHA-256 of its octets; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// The ground's word that it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// The idempotency key that it was handed over with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyUse>,
}

/// All that are remembered.
#[derive(Debug, Default)]
pub(super) struct AllEnded {
    by_id: HashMap<Uuid, Ended>,
    order: VecDeque<Uuid>,
}

impl AllEnded {
    pub(super) fn get(&self, id: Uuid) -> Option<&Ended> {
        self.by_id.get(&id)
    }

    /// One more; the one that is forgotten for it.
    pub(super) fn add(&mut self, ended: Ended) -> Option<Ended> {
        let id = ended.uuid;
        if self.by_id.insert(id, ended).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() <= ENDED_MAX {
            return None;
        }
        let oldest = self.order.pop_front()?;
        self.by_id.remove(&oldest)
    }

    /// It is queued again.
    pub(super) fn forget(&mut self, id: Uuid) -> Option<Ended> {
        self.order.retain(|other| *other != id);
        self.by_id.remove(&id)
    }
}

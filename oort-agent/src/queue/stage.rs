//! The stages that an item goes through.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::item::TtlParams;

/// A stage: the first one goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Before all others.
    Urgent,
    /// After what is urgent.
    Bulk,
    /// Where there is contact left for it.
    Surplus,
}

impl Stage {
    /// All of them, in the order in which they go.
    pub const ALL: [Stage; 3] = [Stage::Urgent, Stage::Bulk, Stage::Surplus];

    /// How long one stays in each stage that begins in this one, for `stays` s, and was sent with
    /// `sent`: in those behind it as long as that says.
    pub(crate) fn ttl(self, sent: TtlParams, stays: u64) -> TtlParams {
        match self {
            Stage::Urgent => TtlParams {
                urgent: stays,
                ..sent
            },
            Stage::Bulk => TtlParams {
                urgent: 0,
                bulk: stays,
                ..sent
            },
            Stage::Surplus => TtlParams {
                urgent: 0,
                bulk: 0,
                surplus: stays,
            },
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Urgent => "urgent",
            Stage::Bulk => "bulk",
            Stage::Surplus => "surplus",
        })
    }
}

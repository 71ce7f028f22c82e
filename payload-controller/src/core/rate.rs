//! How often somebody may call: a bucket of tokens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// So many a second, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Calls a second, on the average; 0 is none at all.
    pub per_s: u32,
    /// Calls at once.
    pub burst: u32,
}

/// Tokens in thousandths, so that nothing is lost between calls that are close.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    thousandths: u64,
    filled: Duration,
}

impl Bucket {
    pub(crate) fn full(rate: Rate, now: Duration) -> Self {
        Bucket {
            rate,
            thousandths: u64::from(rate.burst) * 1000,
            filled: now,
        }
    }

    /// Takes one token, if there is one.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.filled).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        if passed > 0 {
            let more = passed.saturating_mul(u64::from(self.rate.per_s));
            let most = u64::from(self.rate.burst) * 1000;
            self.thousandths = self.thousandths.saturating_add(more).min(most);
            self.filled += Duration::from_millis(passed);
        }
        match self.thousandths.checked_sub(1000) {
            Some(left) => {
                self.thousandths = left;
                true
            }
            None => false,
        }
    }
}

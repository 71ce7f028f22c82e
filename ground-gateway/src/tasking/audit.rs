//! The audit log: who asked what, and what came of it.
//!
//! What changes something is logged as it is done, each time. What is only looked at or is
//! refused, anybody can ask as fast as the line is: of the same by the same, the first is logged
//! at once, and how many more there were once a minute, then every two minutes, and so on up to
//! once an hour. So a flood costs a few entries.

use std::collections::BTreeMap;

use serde::Serialize;

use super::moment;
use crate::error::{beginning, one_line};

/// Octets of what an entry tells at most.
pub(crate) const DETAIL_BYTES_MAX: usize = 1_024;
/// Of who, from where, what and of which.
const WORD_BYTES_MAX: usize = 128;
/// Between two entries of the same, at first and at last.
const PAUSE_MIN_MS: i64 = 60_000;
const PAUSE_MAX_MS: i64 = 3_600_000;
/// Kinds of requests that are counted at once. Of more, all are one kind.
const KINDS_MAX: usize = 1_024;
/// Who shows no token that holds.
pub(crate) const NOBODY: &str = "-";

/// What is logged of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// In milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The name of the token.
    pub(crate) actor: String,
    pub(crate) role: String,
    /// From which address.
    pub(crate) remote: String,
    /// What was asked, as `POST /tasking/window`.
    pub(crate) action: String,
    /// Of which window, upload, satellite or token.
    pub(crate) subject: String,
    /// The HTTP status that was answered.
    pub(crate) status: u16,
    pub(crate) detail: String,
    /// How often.
    pub(crate) times: u64,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Logged {
    pub(crate) id: i64,
    #[serde(flatten)]
    pub(crate) entry: Entry,
}

impl Entry {
    /// The same within all limits.
    pub(crate) fn limited(mut self) -> Entry {
        for word in [
            &mut self.actor,
            &mut self.remote,
            &mut self.action,
            &mut self.subject,
        ] {
            cut(word, WORD_BYTES_MAX);
        }
        cut(&mut self.detail, DETAIL_BYTES_MAX);
        self
    }
}

impl Logged {
    /// For people.
    pub(crate) fn line(&self) -> String {
        let Logged { id, entry } = self;
        let at = moment::text(entry.at_ms.div_euclid(1_000));
        let times = match entry.times {
            1 => String::new(),
            times => format!(" ({times} times)"),
        };
        let Entry {
            actor,
            role,
            remote,
            action,
            subject,
            status,
            detail,
            ..
        } = entry;
        let mut line = format!("{id} {at} {status} {actor} {role} {remote} {action}");
        for more in [subject, detail] {
            if !more.is_empty() {
                line.push(' ');
                line.push_str(more);
            }
        }
        one_line(&(line + &times))
    }
}

fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        *text = format!("{}…", beginning(text, bytes_max));
    }
}

/// Who, what, with which status.
type Kind = (String, String, u16);

/// What anybody can ask as often as they like, on its way to the log.
#[derive(Debug, Default)]
pub(crate) struct Floodgate {
    kinds: BTreeMap<Kind, Counted>,
}

#[derive(Debug)]
struct Counted {
    /// The first that was not logged.
    first: Option<Entry>,
    times: u64,
    began_ms: i64,
    pause_ms: i64,
}

impl Floodgate {
    /// A request was made; what is to be logged now.
    pub(crate) fn pass(&mut self, entry: Entry) -> Vec<Entry> {
        let mut now = self.due(entry.at_ms);
        let mut kind = (entry.actor.clone(), entry.action.clone(), entry.status);
        if self.kinds.len() >= KINDS_MAX && !self.kinds.contains_key(&kind) {
            kind = (NOBODY.to_owned(), "all others".to_owned(), 0);
        }
        match self.kinds.get_mut(&kind) {
            Some(counted) => {
                counted.times += 1;
                counted.first.get_or_insert(entry);
            }
            None => {
                let counted = Counted {
                    first: None,
                    times: 0,
                    began_ms: entry.at_ms,
                    pause_ms: PAUSE_MIN_MS,
                };
                self.kinds.insert(kind, counted);
                now.push(entry);
            }
        }
        now
    }

    /// What was counted for long enough, to be logged at `now_ms`.
    pub(crate) fn due(&mut self, now_ms: i64) -> Vec<Entry> {
        self.take(now_ms, false)
    }

    /// All that was counted.
    pub(crate) fn close(&mut self, now_ms: i64) -> Vec<Entry> {
        self.take(now_ms, true)
    }

    fn take(&mut self, now_ms: i64, all: bool) -> Vec<Entry> {
        let mut due = Vec::new();
        self.kinds.retain(|_, counted| {
            let age_ms = now_ms.saturating_sub(counted.began_ms);
            // A clock that was put back is no reason to wait.
            if !all && (0..counted.pause_ms).contains(&age_ms) {
                return true;
            }
            let Some(mut entry) = counted.first.take() else {
                return false;
            };
            entry.times = counted.times;
            due.push(entry);
            counted.times = 0;
            counted.began_ms = now_ms;
            counted.pause_ms = (counted.pause_ms * 2).min(PAUSE_MAX_MS);
            true
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at_ms: i64, actor: &str) -> Entry {
        Entry {
            at_ms,
            actor: actor.to_owned(),
            role: String::new(),
            remote: "127.0.0.1".to_owned(),
            action: "GET /tasking/windows".to_owned(),
            subject: String::new(),
            status: 401,
            detail: String::new(),
            times: 1,
        }
    }

    #[test]
    fn a_flood_costs_a_few_entries_and_none_of_it_is_uncounted() {
        let mut gate = Floodgate::default();
        let mut logged = Vec::new();
        let day_ms = 86_400_000;
        for at_ms in (0..day_ms).step_by(100) {
            logged.extend(gate.pass(entry(at_ms, NOBODY)));
        }
        logged.extend(gate.close(day_ms));
        assert!((25..40).contains(&logged.len()), "{}", logged.len());
        let times: u64 = logged.iter().map(|entry| entry.times).sum();
        assert_eq!(times, day_ms as u64 / 100);
    }

    #[test]
    fn each_who_asks_is_logged_at_once() {
        let mut gate = Floodgate::default();
        for actor in ["a", "b"] {
            assert_eq!(gate.pass(entry(0, actor)).len(), 1);
            assert_eq!(gate.pass(entry(1, actor)).len(), 0);
        }
        let due = gate.due(PAUSE_MIN_MS);
        assert_eq!(due.iter().map(|entry| entry.times).sum::<u64>(), 2);
        assert!(gate.due(PAUSE_MIN_MS + PAUSE_MAX_MS).is_empty());
        assert_eq!(gate.pass(entry(2 * PAUSE_MAX_MS, "a")).len(), 1);
    }

    #[test]
    fn kinds_are_no_more_than_there_may_be() {
        let mut gate = Floodgate::default();
        for number in 0..3 * KINDS_MAX {
            gate.pass(entry(0, &number.to_string()));
        }
        assert!(gate.kinds.len() <= KINDS_MAX + 1);
    }

    #[test]
    fn a_line_is_one_line_and_an_entry_within_limits() {
        let entry = Entry {
            detail: "ä\n".repeat(2_000),
            ..entry(1_800_000_000_000, "john")
        };
        let entry = entry.limited();
        assert!(entry.detail.len() <= DETAIL_BYTES_MAX + '…'.len_utf8());
        let line = Logged { id: 7, entry }.line();
        assert!(
            line.starts_with("7 2027-01-15T08:00:00Z 401 john"),
            "{line}"
        );
        assert!(!line.contains('\n'));
    }
}

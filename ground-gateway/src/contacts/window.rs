//! When anybody listens, whoever it is.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Contact;

/// Whole seconds from `start_s` to before `end_s`, by UTC since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first.
    pub start_s: u64,
    /// The first after it.
    pub end_s: u64,
}

impl Window {
    /// As `setContacts` takes it.
    pub(crate) fn to_graphql(self) -> String {
        format!(
            "{{start:\"{}\",end:\"{}\"}}",
            time(self.start_s),
            time(self.end_s)
        )
    }

    /// Whether each end is as far apart as `within` at most.
    pub(crate) fn is_near(&self, other: &Window, within_s: u64) -> bool {
        self.start_s.abs_diff(other.start_s) <= within_s
            && self.end_s.abs_diff(other.end_s) <= within_s
    }
}

/// As RFC 3339 has it.
pub(crate) fn time(second: u64) -> String {
    let time = i64::try_from(second).ok();
    let time = time.and_then(|second| Timestamp::from_second(second).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

/// What `contacts`, in the order in which they begin, are together: windows that do not touch,
/// in whole seconds, none shorter than its contacts.
pub(crate) fn windows(contacts: &[Contact]) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for contact in contacts {
        let window = Window {
            start_s: contact.start.as_secs(),
            end_s: up(contact.end),
        };
        match windows.last_mut() {
            Some(last) if window.start_s <= last.end_s => {
                last.end_s = last.end_s.max(window.end_s);
            }
            _ => windows.push(window),
        }
    }
    windows
}

fn up(at: Duration) -> u64 {
    at.as_secs() + u64::from(at.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(start_ms: u64, end_ms: u64) -> Contact {
        Contact {
            station: None,
            start: Duration::from_millis(start_ms),
            end: Duration::from_millis(end_ms),
            seen: None,
        }
    }

    #[test]
    fn contacts_that_touch_are_one_window_of_whole_seconds() {
        let contacts = [
            contact(1_500, 9_001),
            contact(2_000, 5_000),
            contact(10_000, 12_000),
            contact(20_000, 30_000),
        ];
        let window = |start_s, end_s| Window { start_s, end_s };
        assert_eq!(windows(&contacts), [window(1, 12), window(20, 30)]);
    }

    #[test]
    fn a_window_is_written_as_the_service_takes_it() {
        let window = Window {
            start_s: 1_767_225_600,
            end_s: 1_767_226_110,
        };
        assert_eq!(
            window.to_graphql(),
            r#"{start:"2026-01-01T00:00:00Z",end:"2026-01-01T00:08:30Z"}"#
        );
    }
}

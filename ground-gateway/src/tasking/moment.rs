//! Times: what it is now, and times for people.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// A time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Now {
    pub(crate) ms: i64,
}

impl Now {
    /// The time of this machine.
    pub(crate) fn of_system() -> Now {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let ms = since.unwrap_or_default().as_millis();
        Now {
            ms: i64::try_from(ms).unwrap_or(i64::MAX),
        }
    }

    pub(crate) fn s(self) -> i64 {
        self.ms.div_euclid(1_000)
    }
}

/// Seconds since 1970, as RFC 3339 writes them.
pub(crate) fn text(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(timestamp) => timestamp.to_string(),
        Err(_) => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_a_date_or_as_it_is() {
        assert_eq!(text(1_800_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(text(i64::MAX), format!("{} s", i64::MAX));
    }
}

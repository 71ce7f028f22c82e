//! How long to wait for an answer, and how often to ask.

use std::time::Duration;

use comms_service::PacketFormat;
use comms_service::link::ANSWER_TIME_MAX;

/// Wait after each try when nothing else is said.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// Longest wait after a try.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Most retries of a command.
pub const RETRIES_MAX: u32 = 100;
/// Retries of a query where the satellite remembers what it ran.
const RETRIES_REMEMBERED: u32 = 3;
/// How long the radio may take for one try of a command, everything before it in
/// the queue included.
pub const TRANSMIT_WAIT_MAX: Duration = Duration::from_secs(600);

/// How often a query is sent again when nothing else is said: not at all where a
/// mutation could run twice by it.
pub(crate) fn retries_default(format: PacketFormat) -> u32 {
    match format {
        PacketFormat::SpacePacket => RETRIES_REMEMBERED,
        _ => 0,
    }
}

/// How long to wait for an answer, and how often to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long to wait after each try, from when the radio took it.
    pub timeout: Duration,
    /// How many times to send the command again. A retry is the whole command
    /// once more; in a format without command memory, a mutation whose answer was
    /// lost runs twice by it.
    pub retries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            timeout: TIMEOUT_DEFAULT,
            retries: 0,
        }
    }
}

impl Patience {
    /// The same within [`TIMEOUT_MAX`] and [`RETRIES_MAX`].
    pub(crate) fn limited(self) -> Self {
        Patience {
            timeout: self.timeout.min(TIMEOUT_MAX),
            retries: self.retries.min(RETRIES_MAX),
        }
    }

    /// The longest that all tries together can take.
    pub(crate) fn longest(self) -> Duration {
        let limited = self.limited();
        (limited.timeout + TRANSMIT_WAIT_MAX) * (limited.retries + 1) + ANSWER_TIME_MAX
    }
}

/// A duration of the command line: `1500`, `1500ms`, `5s` or `2m`.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match text.get(digits.len()..) {
        Some("" | "ms") => 1,
        Some("s") => 1_000,
        Some("m") => 60_000,
        _ => {
            return Err("write milliseconds (1500 or 1500ms), seconds (5s) or minutes (2m)".into());
        }
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "write a whole number, such as 1500, 1500ms, 5s or 2m".to_owned())?;
    let timeout = Duration::from_millis(number.saturating_mul(unit_ms));
    if timeout.is_zero() || timeout > TIMEOUT_MAX {
        let max_s = TIMEOUT_MAX.as_secs();
        return Err(format!("choose 1 ms to {max_s} s"));
    }
    Ok(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_with_and_without_a_unit() {
        for (text, ms) in [
            ("1500", 1500),
            ("1500ms", 1500),
            ("5s", 5000),
            ("2m", 120_000),
        ] {
            assert_eq!(parse_timeout(text), Ok(Duration::from_millis(ms)));
        }
    }

    #[test]
    fn other_timeouts_are_refused() {
        for text in ["", "0", "s", "5h", "-1", "1.5s", "5 s", "99999999999999s"] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }
}

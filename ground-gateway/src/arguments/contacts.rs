//! Arguments of the commands for contacts and for what was heard.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::port;
use crate::contacts::{BETWEEN_MAX, now};

pub(super) const CONTACTS_AFTER_HELP: &str = "\
Example:
  ground contacts --link uhf --hours 48
  ground contacts --plan

Exit codes:
  0  the contacts are printed, be there any or none
  1  failed, as one line on standard error says
  2  the arguments are not understood";

pub(super) const ARCHIVE_AFTER_HELP: &str = "\
Example:
  ground archive --link uhf --since 2h --apid 4
  ground archive --since 2026-11-27T10:00:00Z --until 2026-11-27T10:10:00Z --pcap pass.pcap

Exit codes:
  0  the frames are printed or written, be there any or none
  1  failed, as one line on standard error says
  2  the arguments are not understood";

const HOURS_USUAL: u64 = 24;
const HOURS_MAX: u64 = BETWEEN_MAX.as_secs() / 3600;

#[derive(Debug, Args)]
pub(crate) struct ContactsArguments {
    /// Look so far ahead; with --plan, so far back, too
    #[arg(long, value_name = "N", default_value_t = HOURS_USUAL,
          value_parser = clap::value_parser!(u64).range(1..=HOURS_MAX))]
    pub(crate) hours: u64,

    /// Say how many contacts what waits needs, and what was heard in the last ones
    #[arg(long)]
    pub(crate) plan: bool,

    /// Ask the link service at this port on the satellite what waits there
    #[arg(long, value_name = "PORT", value_parser = port(), requires = "plan")]
    pub(crate) ask: Option<u16>,

    /// Print one JSON object for each contact; with --plan, one for all
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ArchiveArguments {
    /// Heard then or later: 2026-11-27T10:00:00Z, or 90s, 15m, 2h or 3d ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) since: Option<Duration>,

    /// Heard before then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) until: Option<Duration>,

    /// On this APID
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=2047))]
    pub(crate) apid: Option<u16>,

    /// Of the answer to the command of this id
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) command: Option<u64>,

    /// So many of them, which are the last [default: 100; with --pcap all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,

    /// Print one JSON object for each frame
    #[arg(long)]
    pub(crate) json: bool,

    /// Write the packets to this capture instead, for `ground replay` and Wireshark; there must
    /// be no such file
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) pcap: Option<PathBuf>,

    /// Print what became of everything that was heard instead
    #[arg(long, conflicts_with_all = ["since", "until", "apid", "command", "limit", "pcap"])]
    pub(crate) account: bool,
}

/// A time, by UTC since 1970.
fn moment(text: &str) -> Result<Duration, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        let time = Duration::try_from(time.as_duration());
        return time.map_err(|_| "choose a time after 1970".to_owned());
    }
    let advice = || "write a time with an offset, as 2026-11-27T10:00:00Z, or 90s, 15m, 2h or 3d";
    let (digits, unit_s) = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((digits, "s")) => (digits, 1),
        Some((digits, "m")) => (digits, 60),
        Some((digits, "h")) => (digits, 3600),
        Some((digits, "d")) => (digits, 86_400),
        _ => return Err(advice().to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| advice().to_owned())?;
    let ago = Duration::from_secs(number.saturating_mul(unit_s));
    Ok(now().saturating_sub(ago))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_so_long_ago() {
        let at = moment("1970-01-01T01:00:10+01:00").unwrap();
        assert_eq!(at, Duration::from_secs(10));
        for (text, seconds) in [("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259_200)] {
            let at = moment(text).unwrap();
            let ago = now() - at;
            assert!((seconds..seconds + 60).contains(&ago.as_secs()), "{text}");
        }
        for text in ["", "now", "2", "h", "-2h", "2w", "é", "2026-11-27T10:00:00"] {
            assert!(moment(text).unwrap_err().contains("offset"), "{text}");
        }
    }
}

//! The packet archive of a link: every frame that its holder heard, in one SQLite file.
//!
//! ```text
//! radio ─▶ what is heard ─▶ queue (bounded) ─▶ archive thread ─▶ LINK.packets.sqlite
//!            never waits      full: dropped,     a transaction        ground archive reads it
//!                             and counted        within half a second
//! ```
//!
//! | part | what stands there |
//! |---|---|
//! | `settings` | `[archive]` |
//! | `queue` | frames that wait for the disk |
//! | `reading` | what a frame is of: APID, command, why it was refused |
//! | `store` | the file, as it is written |
//! | `account` | heard = stored + dropped, by reason |
//! | `search` | the file, as it is read, while another process writes it |
//! | `thread` | from the queue to the file |

mod account;
mod queue;
mod reading;
mod search;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod thread;

use std::time::Duration;

pub use account::{Account, NotStored};
pub use search::{ArchiveReader, Found, HeardIn, Search};
pub use settings::ArchiveSettings;
pub use store::{Archive, FRAMES_PER_REMOVAL};
pub(crate) use thread::ArchiveThread;

/// A frame that the radio gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedFrame {
    /// When, by UTC since 1970.
    pub at: Duration,
    /// The packet in it; of a frame that was refused, the frame.
    pub octets: Vec<u8>,
    /// Why the link layer refused it; none where it did not.
    pub refused: Option<&'static str>,
}

/// What went wrong with an archive.
#[derive(Debug, thiserror::Error)]
#[error("the packet archive {problem}")]
pub struct ArchiveError {
    problem: String,
}

impl ArchiveError {
    fn new(problem: impl std::fmt::Display) -> Self {
        ArchiveError {
            problem: problem.to_string(),
        }
    }
}

/// Microseconds since 1970, as the file has them; a clock of the far future is the end of it.
fn microseconds(at: Duration) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}

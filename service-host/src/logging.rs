//! The log: one line per message on standard error.

use std::io::Write as _;

use env_logger::{Builder, Target};

use crate::arguments::LogLevel;

/// Starts logging to standard error at `level`; the environment variable
/// `RUST_LOG` overrides it (`RUST_LOG=info,comms_service=debug`).
///
/// A line is: UTC time with milliseconds, level, target, message.
///
/// Returns whether this call set the logger up. `false` means that one was
/// there before, which keeps working as it was: a host embedded in another
/// program must not fight over the log.
pub fn start(level: LogLevel) -> bool {
    Builder::new()
        .target(Target::Stderr)
        .filter_level(level.filter())
        .parse_default_env()
        .format(|line, record| {
            let level = record.level();
            let style = line.default_level_style(level);
            writeln!(
                line,
                "{} {style}{level:<5}{style:#} {}: {}",
                line.timestamp_millis(),
                record.target(),
                record.args()
            )
        })
        .try_init()
        .is_ok()
}

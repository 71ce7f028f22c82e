//! What the satellite remembers of commands (format `space-packet`).
//!
//! ```toml
//! [my-radio.comms.command-memory]
//! commands-max = 4096             # commands remembered
//! answer-bytes-max = 1048576      # octets of their answers, within memory-bytes-max
//! time-ms = 86400000              # how long; at most 30 days
//! ```

use std::time::Duration;

use serde::Deserialize;

use crate::error::{CommsError, CommsResult};
use crate::link::CommandMemoryConfig;

/// Commands remembered at most: each takes some 200 octets.
const COMMANDS_MAX: usize = 65_536;
/// Longest time, in ms: 30 days.
const TIME_MS_MAX: u64 = 30 * 86_400_000;

/// `command-memory`. What is not given takes its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct CommandMemoryOptions {
    /// Commands remembered. Default 4096.
    pub commands_max: Option<usize>,
    /// Octets of their answers. Default 1 MiB.
    pub answer_bytes_max: Option<usize>,
    /// How long a command is remembered, in ms. Default 24 hours.
    pub time_ms: Option<u64>,
}

impl CommandMemoryOptions {
    pub(super) fn check(&self) -> CommsResult<()> {
        let outside = |key: &str, value: String, range: String| {
            let text = format!("command-memory.{key} = {value} is not in {range}");
            Err(CommsError::Config(text))
        };
        if let Some(commands) = self
            .commands_max
            .filter(|n| !(1..=COMMANDS_MAX).contains(n))
        {
            let range = format!("1..={COMMANDS_MAX}");
            return outside("commands-max", commands.to_string(), range);
        }
        if let Some(ms) = self.time_ms.filter(|ms| !(1..=TIME_MS_MAX).contains(ms)) {
            return outside("time-ms", ms.to_string(), format!("1..={TIME_MS_MAX}"));
        }
        Ok(())
    }

    /// The limits.
    pub fn config(&self) -> CommandMemoryConfig {
        let default = CommandMemoryConfig::default();
        CommandMemoryConfig {
            commands_max: self.commands_max.unwrap_or(default.commands_max),
            answer_bytes_max: self.answer_bytes_max.unwrap_or(default.answer_bytes_max),
            time: self.time_ms.map_or(default.time, Duration::from_millis),
        }
    }
}

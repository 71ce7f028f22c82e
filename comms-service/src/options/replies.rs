//! `reply-windows`: UDP services whose answers go down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use super::TIME_MS_MAX;
use crate::link::ReplyWindow;

/// Default of `messages-max`.
const MESSAGES_MAX: u32 = 64;

/// A UDP service that answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReplyWindowOption {
    /// The service's port.
    pub port: u16,
    /// How long it may answer a message, in ms.
    pub window_ms: u64,
    /// How often; 64 where it is not given.
    pub messages_max: Option<u32>,
}

/// What is wrong with the key.
pub(super) fn check(given: &[ReplyWindowOption]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for ReplyWindowOption {
        port,
        window_ms,
        messages_max,
    } in given
    {
        let ms_max = TIME_MS_MAX as u64;
        if !(1..=ms_max).contains(window_ms) {
            return Err(format!(
                "reply-windows: window-ms = {window_ms} for port {port} is not in 1..={ms_max}"
            ));
        }
        if *messages_max == Some(0) {
            return Err(format!("reply-windows: messages-max = 0 for port {port}"));
        }
        if !seen.insert(port) {
            return Err(format!("reply-windows has port {port} twice"));
        }
    }
    Ok(())
}

/// The key, as the engine wants it.
pub(super) fn windows(given: &[ReplyWindowOption]) -> BTreeMap<u16, ReplyWindow> {
    let window = |option: &ReplyWindowOption| {
        let window = ReplyWindow {
            window: Duration::from_millis(option.window_ms),
            messages_max: option.messages_max.unwrap_or(MESSAGES_MAX),
        };
        (option.port, window)
    };
    given.iter().map(window).collect()
}

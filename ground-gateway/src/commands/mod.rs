//! What each command does, and what it prints.

mod archive;
mod audit;
mod capture;
mod contacts;
mod delivery_key;
mod doctor;
mod files;
mod get;
mod input;
mod listen;
mod put;
mod query;
mod replay;
mod resync;
mod send;
mod serve;
mod token;
mod transfer;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub(crate) use archive::archive;
pub(crate) use audit::audit;
pub(crate) use contacts::contacts;
pub(crate) use delivery_key::delivery_key;
pub(crate) use doctor::doctor;
pub(crate) use files::files;
pub(crate) use get::get;
pub(crate) use listen::listen;
pub(crate) use put::put;
pub(crate) use query::query;
pub(crate) use replay::replay;
pub(crate) use resync::resync;
pub(crate) use send::send;
pub(crate) use serve::serve;
pub(crate) use token::token;

/// A time since 1970 as RFC 3339 has it, in UTC.
fn utc(at: Duration) -> String {
    let time = SignedDuration::try_from(at).ok();
    let time = time.and_then(|since| Timestamp::from_duration(since).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

/// A payload as text of one line, without what would confuse a terminal; in
/// hexadecimal where it is no text.
fn plain_text(payload: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(payload) else {
        return hex::encode(payload);
    };
    let mut line = String::new();
    for character in text.strip_suffix('\n').unwrap_or(text).chars() {
        match character.is_control() && character != '\t' {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    line
}

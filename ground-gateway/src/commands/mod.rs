//! What each command does, and what it prints.

mod capture;
mod doctor;
mod input;
mod listen;
mod query;
mod replay;
mod resync;
mod send;

pub(crate) use doctor::doctor;
pub(crate) use listen::listen;
pub(crate) use query::query;
pub(crate) use replay::replay;
pub(crate) use resync::resync;
pub(crate) use send::send;

/// Two digits for each octet.
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

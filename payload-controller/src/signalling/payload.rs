//! How a payload is called.

use std::path::PathBuf;

use crate::core::SignalledRules;

/// A payload that is called through `payload_exec`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalledPayload {
    /// What holds for it.
    pub rules: SignalledRules,
    /// Where it is.
    pub transport: Transport,
    /// The path of its `payload_exec`.
    pub executable: String,
    /// The directory of `window_configs` and `inbox`.
    pub signaling_dir: String,
    /// What is put in its inbox.
    pub uploads: Option<UploadSource>,
}

/// Where a payload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// On this machine.
    Local,
    /// On another.
    Ssh(Ssh),
}

/// Another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    /// `user@host`.
    pub destination: String,
    /// Its port.
    pub port: u16,
    /// The key by which the controller is known there.
    pub identity_file: PathBuf,
    /// The key by which that machine is known here.
    pub known_hosts_file: PathBuf,
}

/// An agent that has files for a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSource {
    /// Its address: `http://127.0.0.1:2005`.
    pub agent: String,
    /// The topic of the payload's files.
    pub topic: String,
}

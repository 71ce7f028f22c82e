//! Rigs for tests that reach across the crates: things to talk to, things to
//! wait for, and independent referees to ask.
//!
//! A rig that cannot do its work panics with what to do about it, since a test
//! that skips itself proves nothing.

pub mod audio;
pub mod binaries;
pub mod direwolf;
pub mod hex;
pub mod http_service;
pub mod null_modem;
pub mod payload;
pub mod pcap;
pub mod ports;
pub mod referee;
pub mod seaweedfs;
pub mod tshark;
pub mod udp;
#[cfg(unix)]
pub mod unix_http;
pub mod wait;

#[cfg(doctest)]
mod documentation;

use std::path::PathBuf;

/// The workspace's root folder.
pub fn workspace() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

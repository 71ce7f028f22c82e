//! Files that come over a link: which are let in, and how they get to inboxes.

#![cfg(target_os = "linux")]

mod import;
mod rig;
mod store;

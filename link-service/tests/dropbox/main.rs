//! Requests that are dropped as files.

mod desk;
#[cfg(target_os = "linux")]
mod hostile;
mod power_cuts;
mod requests;

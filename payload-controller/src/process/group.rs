//! A process and its children, which are one group.

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::began::began;
use crate::core::Process;

/// Sends a signal to a process and its children, unless another one has its number by now. One
/// that ended and was not waited for has children perhaps.
pub fn signal_group(process: Process, signal: Signal) {
    let is_another = began(process.pid).is_some_and(|began| began != process.began);
    if let Some(pid) = Pid::from_raw(process.pid)
        && !is_another
        && let Err(error) = kill_process_group(pid, signal)
    {
        log::debug!("process group {}: {error}", process.pid);
    }
}

/// Whether any of a process and its children is there.
#[must_use]
pub fn is_group_there(process: Process) -> bool {
    let is_another = began(process.pid).is_some_and(|began| began != process.began);
    let pid = Pid::from_raw(process.pid);
    !is_another && pid.is_some_and(|pid| test_kill_process_group(pid).is_ok())
}

//! Windows from their order to their end, through the program and what it calls.

mod crash;
mod local;
mod rig;
mod ssh;
mod sshd;
mod uploads;

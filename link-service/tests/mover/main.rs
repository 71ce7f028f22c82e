//! How files get from an outbox to inboxes, whatever happens meanwhile.

#[cfg(target_os = "linux")]
mod crash;
mod deliveries;
#[cfg(target_os = "linux")]
mod directories;
mod endings;
mod interleavings;
#[cfg(target_os = "linux")]
mod mounts;
mod power_cuts;
mod record;
mod resumed;
mod rig;
mod room;
#[cfg(target_os = "linux")]
mod site;
mod sources;
#[cfg(target_os = "linux")]
mod weaknesses;

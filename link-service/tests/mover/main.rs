//! How files get from an outbox to inboxes, whatever happens meanwhile.

mod power_cuts;
mod rig;

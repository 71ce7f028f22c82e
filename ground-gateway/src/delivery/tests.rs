//! Deliveries, one after the other.

mod crashes;
mod deliveries;
mod rig;

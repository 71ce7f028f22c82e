//! Deliveries, one after the other.

mod buckets;
mod crashes;
mod deliveries;
mod rig;
mod store;

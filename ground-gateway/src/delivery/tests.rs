//! Deliveries, one after the other.

mod buckets;
mod crashes;
mod deliveries;
mod full_disk;
mod rig;
mod store;

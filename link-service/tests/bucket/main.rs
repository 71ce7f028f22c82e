//! Boxes in a bucket, on a store and a disk that are models.

mod inbox;
mod outbox;
mod power_cuts;
mod rig;

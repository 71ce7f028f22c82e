//! A payload of this library, and the controller as it is.

mod devices;
mod faults;
mod life;
mod original;
mod python;
mod rig;
mod security;
mod simulation;

//! A payload of this library, and the controller as it is.

mod faults;
mod life;
mod python;
mod rig;
mod security;
mod simulation;

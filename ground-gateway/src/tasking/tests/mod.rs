//! Tasking without a network, on a virtual clock.

mod crashes;
mod plans;
mod rig;
mod rules;
mod spacecraft;
mod uploads;
mod windows;

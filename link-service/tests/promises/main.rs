//! What the desk promises over restarts, cuts of the power and disks that fail; and what went
//! wrong in the service that this one succeeds, at the desk.

mod clearing;
mod orders;
mod rig;
mod weaknesses;

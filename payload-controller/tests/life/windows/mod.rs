//! Windows from their order to their end, through the program and what it calls.

mod local;
mod rig;

//! Whole lives of payloads: the program's parts together, and a payload of an independent
//! stack.

mod crash;
mod process;
mod rig;
mod trouble;
mod whole;
mod windows;

//! The tasking API, as a customer uses it: `ground serve`, and a payload controller at the
//! other end of the link.

mod access;
mod audit;
mod encrypted;
mod forward;
mod orders;
mod site;
#[path = "../../../src/tasking/tests/spacecraft.rs"]
mod spacecraft;

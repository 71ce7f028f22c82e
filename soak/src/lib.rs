//! Long runs that look for what grows, gets stuck or does not add up.
//!
//! - [`hostile`]: worthless frames of every kind, millions of them, through framing
//!   and engine of both ends in this process, with good traffic in between.
//! - [`flight`]: the real `ethernet-service` and a ground end over real sockets with
//!   a channel that loses, for as long as one likes.
//!
//! Both end in [`table`] lines that pass or fail, each with why. `cargo xtask soak`
//! runs them.

pub mod flight;
pub mod hostile;
pub mod process;
pub mod table;

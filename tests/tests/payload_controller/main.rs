//! The payload controller through its binary: what the operator asks and orders at its
//! endpoint and from the ground, and a file of a payload on its way down. The payload is of an
//! independent stack.

mod ground;
mod operator;
mod orders;
mod site;
mod windows;

use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

//! Processes of apps: begun, looked after, killed. They outlive the controller, and the next
//! one finds them.

mod began;
mod processes;

pub use began::began;
pub use processes::{AppProcess, Processes};

//! Processes of apps: begun, looked after, killed. They outlive the controller, and the next
//! one finds them.

mod began;
mod group;
mod processes;

pub use began::began;
pub use group::{is_group_there, signal_group};
pub use processes::{AppProcess, Processes};

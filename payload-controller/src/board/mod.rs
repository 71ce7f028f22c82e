//! What the controller's decisions become: calls, files, processes, switches, and what is
//! remembered for whoever asks.
//!
//! | room | what it knows |
//! |---|---|
//! | [`Board`] | which decision goes where |
//! | [`Log`] | the last that happened, and the last messages of payloads |
//! | [`Switches`] | what switches devices and heaters |

mod log;
mod outlets;
mod switches;

pub use self::log::{Heard, Log, MESSAGES_MAX, NOTICES_MAX};
pub use outlets::Board;
pub use switches::{SimulatedSwitches, Switches};

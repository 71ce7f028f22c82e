//! A payload hands files to the agent on board, and they are in its bucket or directory on the
//! ground, once, with receipts on board: through the binaries, lost frames and a real server.

mod clients;
mod site;
mod way_down;
mod way_up;

use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(90);

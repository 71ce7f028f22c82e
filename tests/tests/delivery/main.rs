//! A payload hands files to the agent on board, and they are in its bucket or directory on the
//! ground, once, with receipts on board: through the binaries, lost frames and a real server.

mod air;
mod buckets;
mod clients;
mod passes;
mod site;
mod tasking;
mod tutorial;
mod way_down;
mod way_up;

use std::time::Duration;

/// Long: the tests of this file have the machine to share.
const PATIENCE: Duration = Duration::from_secs(300);

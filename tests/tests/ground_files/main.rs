//! Files as an operator handles them: the command `ground`, and the binary `file-service`
//! at the other end of the radio.

mod crashes;
mod interrupted;
mod names;
mod shown;
mod site;
mod transfers;
mod unattended;

use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

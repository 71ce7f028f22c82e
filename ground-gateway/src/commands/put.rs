//! `ground put`: a file to the satellite.

use super::transfer;
use crate::arguments::PutArguments;
use crate::client::LinkClient;
use crate::error::GroundError;
use crate::files::app::AppTarget;
use crate::files::transfer::remote_name;
use crate::hub::protocol::{PutFile, Request};

pub(crate) fn put(client: &LinkClient, arguments: &PutArguments) -> Result<(), GroundError> {
    let how = &arguments.transfer;
    check(arguments).map_err(|message| GroundError::Failed { message })?;
    let request = Request::Put(PutFile {
        key: transfer::key()?,
        local: transfer::absolute(&arguments.local)?,
        remote: arguments.remote.clone(),
        overwrite: arguments.overwrite,
        acknowledged: !how.unacknowledged,
        priority: how.priority,
    });
    transfer::run(client, &request, how)
}

/// What can be known before the file is read.
fn check(arguments: &PutArguments) -> Result<(), String> {
    match AppTarget::of(&arguments.remote) {
        Some(target) => {
            let address = target?.address(&arguments.local, [0; 32], arguments.overwrite);
            address.map(drop)
        }
        None if arguments.overwrite => Err(
            "--overwrite is for files of apps: any other replaces one of its name anyway"
                .to_owned(),
        ),
        None => remote_name(&arguments.remote).map(drop),
    }
}

//! `ground put`: a file to the satellite.

use super::transfer;
use crate::arguments::PutArguments;
use crate::client::LinkClient;
use crate::error::GroundError;
use crate::files::transfer::remote_name;
use crate::hub::protocol::{PutFile, Request};

pub(crate) fn put(client: &LinkClient, arguments: &PutArguments) -> Result<(), GroundError> {
    let how = &arguments.transfer;
    remote_name(&arguments.remote).map_err(|message| GroundError::Failed { message })?;
    let request = Request::Put(PutFile {
        key: transfer::key()?,
        local: transfer::absolute(&arguments.local)?,
        remote: arguments.remote.clone(),
        acknowledged: !how.unacknowledged,
        priority: how.priority,
    });
    transfer::run(client, &request, how)
}

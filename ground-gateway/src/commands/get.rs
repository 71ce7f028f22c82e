//! `ground get`: a file of the satellite.

use std::path::{Path, PathBuf};

use super::transfer;
use crate::arguments::GetArguments;
use crate::client::LinkClient;
use crate::error::GroundError;
use crate::files::transfer::remote_name;
use crate::hub::protocol::{GetFile, Request};

pub(crate) fn get(client: &LinkClient, arguments: &GetArguments) -> Result<(), GroundError> {
    let how = &arguments.transfer;
    remote_name(&arguments.remote).map_err(|message| GroundError::Failed { message })?;
    let request = Request::Get(GetFile {
        key: transfer::key()?,
        remote: arguments.remote.clone(),
        local: transfer::absolute(&local(arguments))?,
        force: arguments.force,
        acknowledged: !how.unacknowledged,
        priority: how.priority,
    });
    transfer::run(client, &request, how)
}

/// Where the file is to be.
fn local(arguments: &GetArguments) -> PathBuf {
    let name = arguments.remote.rsplit('/').next().unwrap_or_default();
    match &arguments.local {
        Some(local) if local.is_dir() => local.join(name),
        Some(local) => local.clone(),
        None => Path::new(name).to_owned(),
    }
}

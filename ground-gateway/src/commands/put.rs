//! `ground put`: a file to the satellite.

use crate::arguments::PutArguments;
use crate::client::LinkClient;
use crate::delivery::{self, Upload};
use crate::error::GroundError;
use crate::files::app::AppTarget;
use crate::files::transfer::remote_name;
use crate::hub::protocol::{PutFile, Request};

use super::transfer;

/// What begins REMOTE where it is a topic of the agent on board.
const TOPIC_PREFIX: &str = "topic:";

pub(crate) fn put(client: &LinkClient, arguments: &PutArguments) -> Result<(), GroundError> {
    check(arguments).map_err(|message| GroundError::Failed { message })?;
    let how = &arguments.transfer;
    let mut request = PutFile {
        key: transfer::key()?,
        local: transfer::absolute(&arguments.local)?,
        remote: arguments.remote.clone(),
        overwrite: arguments.overwrite,
        acknowledged: !how.unacknowledged,
        priority: how.priority,
    };
    let Some(topic) = arguments.remote.strip_prefix(TOPIC_PREFIX) else {
        return transfer::run(client, &Request::Put(request), how);
    };
    let upload = Upload {
        topic,
        tags: arguments.tags.iter().cloned().collect(),
        dest_path: arguments.dest_path.as_deref(),
        mode: arguments.mode.as_deref(),
        ..Upload::default()
    };
    let made = delivery::bundle(&request.local, &upload);
    // Kept until the copy that goes up is made.
    let made = made.map_err(|source| GroundError::Unreadable {
        path: request.local.clone(),
        source,
    })?;
    request.local.clone_from(&made.path);
    request.remote = format!("app:{}/uploads", delivery::APP);
    log::info!("{} goes up as {}", arguments.local.display(), made.uuid);
    transfer::run(client, &Request::Put(request), how)
}

/// What can be known before the file is read.
fn check(arguments: &PutArguments) -> Result<(), String> {
    let remote = &arguments.remote;
    if let Some(topic) = remote.strip_prefix(TOPIC_PREFIX) {
        return match delivery::is_topic(topic) {
            _ if arguments.overwrite => {
                Err("--overwrite is for files of apps: a topic has many files".to_owned())
            }
            true => Ok(()),
            false => Err(format!(
                "REMOTE {remote:?}: `{topic}` is no topic: 1 to 128 of A-Z, a-z, 0-9, `-` and `_`"
            )),
        };
    }
    if arguments.dest_path.is_some() || !arguments.tags.is_empty() {
        return Err("--dest-path, --mode and --tag are for topic:NAME".to_owned());
    }
    match AppTarget::of(remote) {
        Some(target) => {
            let address = target?.address(&arguments.local, [0; 32], arguments.overwrite);
            address.map(drop)
        }
        None if arguments.overwrite => Err(
            "--overwrite is for files of apps: any other replaces one of its name anyway"
                .to_owned(),
        ),
        None => remote_name(remote).map(drop),
    }
}

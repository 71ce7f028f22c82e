//! `ground send`: one message to a service that does not answer.

use std::fs::File;
use std::io::Read as _;

use comms_service::packet::DATAGRAM_BYTES_MAX;

use crate::arguments::SendArguments;
use crate::client::LinkClient;
use crate::error::GroundError;
use crate::output::{counted, note};
use crate::patience::Patience;
use crate::progress::Progress;

pub(crate) fn send(
    client: &LinkClient,
    arguments: &SendArguments,
    patience: Patience,
) -> Result<(), GroundError> {
    let payload = payload(arguments)?;
    let (port, link) = (arguments.port, &client.config().name);
    {
        let _progress = Progress::start(format!("waiting for the radio of link `{link}`"));
        client.send(port, &payload, patience)?;
    }
    let octets = counted(payload.len(), "octet");
    note(&format!("sent {octets} to port {port} on link `{link}`"));
    Ok(())
}

fn payload(arguments: &SendArguments) -> Result<Vec<u8>, GroundError> {
    let Some(path) = &arguments.file else {
        return Ok(arguments.text.clone().unwrap_or_default().into_bytes());
    };
    // One octet more than can be sent: enough to see that it is too large.
    let bytes_max = DATAGRAM_BYTES_MAX as u64 + 1;
    let mut payload = Vec::new();
    let unreadable = |source| GroundError::Unreadable {
        path: path.clone(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    file.take(bytes_max)
        .read_to_end(&mut payload)
        .map_err(unreadable)?;
    if payload.len() > DATAGRAM_BYTES_MAX {
        return Err(GroundError::TooLarge {
            what: "file",
            bytes: usize::try_from(size)
                .unwrap_or(usize::MAX)
                .max(payload.len()),
            bytes_max: DATAGRAM_BYTES_MAX,
            advice: ": it becomes one datagram",
        });
    }
    Ok(payload)
}

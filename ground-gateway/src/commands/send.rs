//! `ground send`: one message to a service, and what it replies where it has a
//! reply window.

use std::io::ErrorKind;

use comms_service::packet::DATAGRAM_BYTES_MAX;

use super::{input, plain_text};
use crate::arguments::SendArguments;
use crate::client::{LinkClient, ONE_DATAGRAM};
use crate::error::GroundError;
use crate::hub::REPLIES_MAX;
use crate::output::{counted, note, print_line, print_octets};
use crate::progress::Progress;

pub(crate) fn send(client: &LinkClient, arguments: &SendArguments) -> Result<(), GroundError> {
    let payload = payload(client, arguments)?;
    if let Some(count) = arguments.replies {
        return converse(client, arguments, &payload, count);
    }
    let (port, link) = (arguments.port, &client.config().name);
    {
        let _progress = Progress::start(format!("waiting for the radio of link `{link}`"));
        client.send(port, &payload, arguments.patience())?;
    }
    let octets = counted(payload.len(), "octet");
    note(&format!("sent {octets} to port {port} on link `{link}`"));
    Ok(())
}

/// Sends, and prints `count` replies, or those that come in time if it is 0.
fn converse(
    client: &LinkClient,
    arguments: &SendArguments,
    payload: &[u8],
    count: u32,
) -> Result<(), GroundError> {
    let (port, patience) = (arguments.port, arguments.patience());
    let link = &client.config().name;
    let replies_max = match count {
        0 => REPLIES_MAX,
        count => count,
    };
    let mut progress = Some(Progress::start(format!(
        "waiting for replies of port {port} on link `{link}`"
    )));
    let replies = client.converse(port, payload, patience, replies_max, |reply| {
        drop(progress.take());
        let printed = match arguments.raw {
            true => print_octets(reply),
            false => print_line(plain_text(reply).as_bytes()),
        };
        printed.map_err(GroundError::Output)
    });
    drop(progress);
    match replies {
        Ok(replies) if replies >= count.max(1) => Ok(()),
        Ok(replies) => Err(GroundError::RepliedTooFew {
            port,
            link: link.clone(),
            replies,
            count: count.max(1),
            timeout: patience.timeout,
        }),
        // Whoever reads has had enough, as `head` does.
        Err(GroundError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error),
    }
}

fn payload(client: &LinkClient, arguments: &SendArguments) -> Result<Vec<u8>, GroundError> {
    match &arguments.file {
        Some(path) => input::read(path, DATAGRAM_BYTES_MAX, ONE_DATAGRAM, client.stop()),
        None => Ok(arguments.text.clone().unwrap_or_default().into_bytes()),
    }
}

//! `ground send`: one message to a service that does not answer.

use comms_service::packet::DATAGRAM_BYTES_MAX;

use super::input;
use crate::arguments::SendArguments;
use crate::client::{LinkClient, ONE_DATAGRAM};
use crate::error::GroundError;
use crate::output::{counted, note};
use crate::progress::Progress;

pub(crate) fn send(client: &LinkClient, arguments: &SendArguments) -> Result<(), GroundError> {
    let payload = payload(client, arguments)?;
    let (port, link) = (arguments.port, &client.config().name);
    {
        let _progress = Progress::start(format!("waiting for the radio of link `{link}`"));
        client.send(port, &payload, arguments.patience())?;
    }
    let octets = counted(payload.len(), "octet");
    note(&format!("sent {octets} to port {port} on link `{link}`"));
    Ok(())
}

fn payload(client: &LinkClient, arguments: &SendArguments) -> Result<Vec<u8>, GroundError> {
    match &arguments.file {
        Some(path) => input::read(path, DATAGRAM_BYTES_MAX, ONE_DATAGRAM, client.stop()),
        None => Ok(arguments.text.clone().unwrap_or_default().into_bytes()),
    }
}

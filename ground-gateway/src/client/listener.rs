//! Listening, across any number of processes that hold the link in turn.

use std::time::Duration;

use super::LinkClient;
use super::connection::{Connection, Next};
use crate::error::GroundError;
use crate::hub::Heard;
use crate::hub::protocol::{Reply, Request};
use crate::stop::Stop;

/// What a listener gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenEvent {
    /// A message came down.
    Heard(Heard),
    /// So many messages came faster than they were taken, and are lost.
    Lost(u64),
}

/// Hears what comes down unasked.
#[derive(Debug)]
pub struct Listener<'a> {
    client: &'a LinkClient,
    connection: Connection,
    stop: Stop,
}

impl<'a> Listener<'a> {
    /// `limit` runs from when it listens.
    pub(super) fn start(
        client: &'a LinkClient,
        limit: Option<Duration>,
    ) -> Result<Self, GroundError> {
        let connection = accepted(client, &client.stop)?;
        let stop = client.stop.within(limit);
        Ok(Listener {
            client,
            connection,
            stop,
        })
    }

    /// Waits for the next message; none when it is time to stop. When the
    /// process that holds the link leaves, the listener goes on with the next
    /// one, or becomes it.
    ///
    /// # Errors
    /// Those of opening the link anew.
    pub fn next_event(&mut self) -> Result<Option<ListenEvent>, GroundError> {
        loop {
            match self.connection.next(None, &self.stop) {
                Next::Reply(Reply::Heard(heard)) => return Ok(Some(ListenEvent::Heard(heard))),
                Next::Reply(Reply::Lost { messages }) => {
                    return Ok(Some(ListenEvent::Lost(messages)));
                }
                Next::Reply(other) => return Err(self.client.unexpected(&other)),
                Next::Garbled(problem) => return Err(self.client.garbled(problem)),
                Next::Stopped => return Ok(None),
                Next::Ended | Next::TimedOut => match accepted(self.client, &self.stop) {
                    Ok(next) => self.connection = next,
                    Err(GroundError::Interrupted { .. }) => return Ok(None),
                    Err(error) => return Err(error),
                },
            }
        }
    }
}

fn accepted(client: &LinkClient, stop: &Stop) -> Result<Connection, GroundError> {
    let connection = client.accepted(&Request::Listen {}, stop)?;
    log::info!("link `{}`: listening", client.config().name);
    Ok(connection)
}

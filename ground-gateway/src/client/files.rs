//! Files, across any number of processes that hold the link in turn.

use std::time::Duration;

use super::LinkClient;
use super::connection::{Connection, Next};
use crate::error::GroundError;
use crate::files::transfer::{State, Transfer};
use crate::hub::protocol::{Change, Reply, Request};
use crate::stop::Stop;

/// Pause before the next process that holds the link is asked.
const NEXT_PAUSE: Duration = Duration::from_millis(20);

impl LinkClient {
    /// Makes a request for a file, and gives `each` word of how it stands, until it has
    /// ended or `each` wants no more (false). When the process that holds the link leaves,
    /// the next one is asked: the request has a key, so it is the same request.
    pub(crate) fn transfer(
        &self,
        request: &Request,
        limit: Option<Duration>,
        mut each: impl FnMut(&Transfer) -> bool,
    ) -> Result<Transfer, GroundError> {
        let stop = self.stop.within(limit);
        let mut last: Option<Transfer> = None;
        loop {
            let connection = match self.accepted(request, &stop) {
                Err(GroundError::Interrupted { .. }) => return Err(interrupted(last)),
                connection => connection?,
            };
            loop {
                match connection.next(None, &stop) {
                    Next::Reply(Reply::Transfer(transfer)) => {
                        let goes_on = each(&transfer);
                        if transfer.is_over() || !goes_on {
                            connection.close();
                            return Ok(*transfer);
                        }
                        last = Some(*transfer);
                    }
                    Next::Reply(other) => return Err(self.refused(other)),
                    Next::Garbled(problem) => return Err(self.garbled(problem)),
                    Next::Stopped => {
                        connection.close();
                        return Err(interrupted(last));
                    }
                    Next::Ended | Next::TimedOut => break,
                }
            }
            if !stop.sleep(NEXT_PAUSE) {
                return Err(interrupted(last));
            }
        }
    }

    /// How all files stand, given to `each`: once, or with `watch` again and again until it
    /// wants no more (false), or it is time to stop.
    pub(crate) fn files(
        &self,
        all: bool,
        watch: bool,
        mut each: impl FnMut(Vec<Transfer>) -> Result<bool, GroundError>,
    ) -> Result<(), GroundError> {
        loop {
            let connection = match self.accepted(&Request::Files { all, watch }, &self.stop) {
                Err(GroundError::Interrupted { .. }) if watch => return Ok(()),
                connection => connection?,
            };
            let mut transfers = Vec::new();
            loop {
                match connection.next(None, &self.stop) {
                    Next::Reply(Reply::Transfer(transfer)) => transfers.push(*transfer),
                    Next::Reply(Reply::Listed {}) => {
                        if !each(std::mem::take(&mut transfers))? || !watch {
                            connection.close();
                            return Ok(());
                        }
                    }
                    Next::Reply(other) => return Err(self.refused(other)),
                    Next::Garbled(problem) => return Err(self.garbled(problem)),
                    Next::Stopped if watch => return Ok(()),
                    Next::Stopped => return Err(GroundError::Interrupted { after: None }),
                    Next::Ended | Next::TimedOut => break,
                }
            }
            if !self.stop.sleep(NEXT_PAUSE) {
                return Ok(());
            }
        }
    }

    /// The names of the satellite's files in a directory, or in the root; directories end
    /// with a slash.
    pub(crate) fn names(&self, directory: Option<&str>) -> Result<Vec<String>, GroundError> {
        let directory = directory.map(str::to_owned);
        loop {
            let request = Request::Names {
                directory: directory.clone(),
            };
            let connection = self.accepted(&request, &self.stop)?;
            let mut names = Vec::new();
            loop {
                match connection.next(None, &self.stop) {
                    Next::Reply(Reply::Name { name }) => names.push(name),
                    Next::Reply(Reply::Listed {}) => {
                        connection.close();
                        return Ok(names);
                    }
                    Next::Reply(other) => return Err(self.refused(other)),
                    Next::Garbled(problem) => return Err(self.garbled(problem)),
                    Next::Stopped => {
                        connection.close();
                        return Err(GroundError::Interrupted { after: None });
                    }
                    Next::Ended | Next::TimedOut => break,
                }
            }
            if !self.stop.sleep(NEXT_PAUSE) {
                return Err(GroundError::Interrupted { after: None });
            }
        }
    }

    /// Cancels, suspends or resumes a transaction.
    pub(crate) fn change_transfer(&self, id: &str, change: Change) -> Result<(), GroundError> {
        let id = id.to_owned();
        let connection = self.accepted(&Request::Change { id, change }, &self.stop)?;
        match connection.next_within(super::HUB_ANSWER_TIMEOUT, &self.stop) {
            Next::Reply(Reply::Changed {}) => {
                connection.close();
                Ok(())
            }
            Next::Reply(other) => Err(self.refused(other)),
            Next::Garbled(problem) => Err(self.garbled(problem)),
            Next::Stopped => Err(GroundError::Interrupted { after: None }),
            Next::Ended => Err(GroundError::HubEnded {
                link: self.config.name.clone(),
            }),
            Next::TimedOut => Err(self.silent()),
        }
    }

    /// Holds the link, or waits beside who does, within `limit`; gives `each` file that ends
    /// meanwhile, until it wants no more (false). `ready` is called when the link is there.
    pub(crate) fn serve(
        &self,
        limit: Option<Duration>,
        mut ready: impl FnMut(),
        mut each: impl FnMut(&Transfer) -> Result<bool, GroundError>,
    ) -> Result<(), GroundError> {
        let mut stop: Option<Stop> = None;
        let mut after = None;
        loop {
            let asks = stop.as_ref().unwrap_or(&self.stop);
            let connection: Connection = match self.accepted(&Request::Ends { after }, asks) {
                Err(GroundError::Interrupted { .. }) if stop.is_some() => return Ok(()),
                connection => connection?,
            };
            let stop = stop.get_or_insert_with(|| {
                ready();
                self.stop.within(limit)
            });
            loop {
                match connection.next(None, stop) {
                    Next::Reply(Reply::Ends { last }) => after = Some(last),
                    Next::Reply(Reply::Transfer(transfer)) => {
                        after = transfer.end.or(after);
                        if !each(&transfer)? {
                            return Ok(());
                        }
                    }
                    Next::Reply(other) => return Err(self.refused(other)),
                    Next::Garbled(problem) => return Err(self.garbled(problem)),
                    Next::Stopped => return Ok(()),
                    Next::Ended | Next::TimedOut => break,
                }
            }
            if !stop.sleep(NEXT_PAUSE) {
                return Ok(());
            }
        }
    }

    fn refused(&self, reply: Reply) -> GroundError {
        match reply {
            Reply::Failed { message } => GroundError::Failed { message },
            other => self.unexpected(&other),
        }
    }
}

/// What it means that nobody waits any more.
fn interrupted(last: Option<Transfer>) -> GroundError {
    match last {
        Some(transfer) if transfer.state != State::Copying => {
            GroundError::TransferGoesOn { id: transfer.id }
        }
        _ => GroundError::Interrupted { after: None },
    }
}

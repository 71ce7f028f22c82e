//! One request to whichever process holds the link.

use std::io::{self, BufReader, ErrorKind};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, at, bounded, never, select};

use crate::error::GroundError;
use crate::hub::protocol::{self, Reply, Request};
use crate::stop::Stop;

/// Replies read ahead.
const REPLIES_MAX: usize = 16;
/// How long a hub may take to notice that a client leaves.
const NOTICE_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection whose request is made.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    replies: Receiver<Result<Reply, String>>,
}

/// What came next.
#[derive(Debug)]
pub(super) enum Next {
    Reply(Reply),
    /// The hub closed.
    Ended,
    /// What came is no reply.
    Garbled(String),
    /// Nothing came in time.
    TimedOut,
    /// The user wants no more, or the time is over.
    Stopped,
}

impl Connection {
    /// Makes `request` of the hub at the other end of `stream`, which takes it
    /// within `timeout` or not at all.
    pub(super) fn start(
        stream: UnixStream,
        request: Request,
        line_bytes_max: usize,
        timeout: Duration,
    ) -> Result<Self, GroundError> {
        let system = |what, error: io::Error| GroundError::System {
            what,
            problem: error.to_string(),
        };
        let kept = stream
            .try_clone()
            .and_then(|kept| kept.set_write_timeout(Some(timeout)).map(|()| kept))
            .map_err(|error| system("a connection", error))?;
        let (sender, replies) = bounded(REPLIES_MAX);
        // Ends when the hub closes, or this connection is dropped.
        let converse = move || {
            // A hub that closed already may still have said why: its reply tells.
            let _ = protocol::write_line(&mut &stream, &request);
            drop(request);
            let mut reader = BufReader::new(stream);
            loop {
                let reply = match protocol::read_line(&mut reader, line_bytes_max) {
                    Ok(Some(reply)) => Ok(reply),
                    Err(error) if error.kind() == ErrorKind::InvalidData => Err(error.to_string()),
                    Ok(None) | Err(_) => return,
                };
                if sender.send(reply).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("connection".to_owned())
            .spawn(converse)
            .map_err(|error| system("a thread", error))?;
        Ok(Connection {
            stream: kept,
            replies,
        })
    }

    /// Waits for the next reply, until `deadline` if there is one.
    pub(super) fn next(&self, deadline: Option<Instant>, stop: &Stop) -> Next {
        let overdue = stop.or_over(deadline).map_or_else(never, at);
        select! {
            recv(self.replies) -> reply => match reply {
                Ok(Ok(reply)) => Next::Reply(reply),
                Ok(Err(problem)) => Next::Garbled(problem),
                Err(_) => Next::Ended,
            },
            recv(stop.told()) -> _ => Next::Stopped,
            recv(overdue) -> _ => match stop.is_over() {
                true => Next::Stopped,
                false => Next::TimedOut,
            },
        }
    }

    /// Takes the request back, if it is not done, and waits until the hub has noticed.
    pub(super) fn close(self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let noticed = after(NOTICE_TIMEOUT);
        loop {
            select! {
                // An answer that was on its way already may come first.
                recv(self.replies) -> reply => if reply.is_err() { return },
                recv(noticed) -> _ => return,
            }
        }
    }

    /// As [`next`](Self::next), within `timeout`.
    pub(super) fn next_within(&self, timeout: Duration, stop: &Stop) -> Next {
        self.next(Some(Instant::now() + timeout), stop)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Wakes the thread.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

//! One link, as a command sees it.

mod connection;
mod files;
mod listener;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use comms_service::graphql_error;
use comms_service::packet::DATAGRAM_BYTES_MAX;

pub use listener::{ListenEvent, Listener};

use crate::config::GroundLinkConfig;
use crate::error::GroundError;
use crate::hub::Hub;
use crate::hub::protocol::{self, CommandRequest, Reply, Request};
use crate::patience::Patience;
use crate::runtime::{LinkPaths, Reached, RuntimeDir};
use crate::stop::Stop;
use connection::{Connection, Next};

/// Why a message may be no larger.
pub(crate) const ONE_DATAGRAM: &str = ": it becomes one datagram";
/// What to do for a larger query.
pub(crate) const SEE_LIMIT: &str = "; see message-bytes-max";
/// How long a process that holds the link may take to say something.
const HUB_ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a link may be held without anybody listening at its socket: time for
/// a hub to open its radio, or to close.
const HUB_WAIT_MAX: Duration = Duration::from_secs(5);
/// Pause before the next look at lock and socket.
const HUB_PAUSE: Duration = Duration::from_millis(20);

/// A link that several processes share. The first one that needs it holds it,
/// and serves the others; this is the same for all of them.
///
/// Dropping it leaves the link. Where this process holds it, that waits until
/// what others sent through it is answered, bounded by their time-outs.
pub struct LinkClient {
    config: GroundLinkConfig,
    paths: LinkPaths,
    stop: Stop,
    /// There while this process holds the link.
    hub: Mutex<Option<Hub>>,
}

impl LinkClient {
    /// A client of the link `config`; nothing is opened yet. When `stop` says
    /// so, all calls end with [`GroundError::Interrupted`].
    pub fn new(config: GroundLinkConfig, runtime: &RuntimeDir, stop: Stop) -> Self {
        LinkClient {
            paths: runtime.paths(&config),
            config,
            stop,
            hub: Mutex::new(None),
        }
    }

    /// Another client of the same link, with its own reason to stop.
    pub(crate) fn another(&self, stop: Stop) -> Self {
        LinkClient {
            config: self.config.clone(),
            paths: self.paths.clone(),
            stop,
            hub: Mutex::new(None),
        }
    }

    /// The link's configuration.
    pub fn config(&self) -> &GroundLinkConfig {
        &self.config
    }

    /// Sends `payload` to the service at `port` and waits for its answer, whose
    /// octets it gives as they are.
    ///
    /// # Errors
    /// [`GroundError::Failed`] when no answer came, [`GroundError::LinkAnswer`]
    /// when the satellite's end of the link answered that there is none, and
    /// those of opening the link.
    pub fn query(
        &self,
        port: u16,
        payload: &[u8],
        patience: Patience,
    ) -> Result<Vec<u8>, GroundError> {
        let bytes_max = self.config.message_bytes_max();
        check_size("query", payload, bytes_max, SEE_LIMIT)?;
        let request = Request::Query(CommandRequest::new(port, payload, patience));
        match self.command(&request, patience)? {
            Reply::Answer { payload } => match graphql_error::link_error(&payload) {
                Some(message) => Err(GroundError::LinkAnswer { message }),
                None => Ok(payload),
            },
            other => Err(self.unexpected(&other)),
        }
    }

    /// Sends `payload` as one UDP message to the service at `port`; returns when
    /// the radio took it. Nobody says whether it arrived. `patience` is for a
    /// radio that refuses it.
    ///
    /// # Errors
    /// [`GroundError::Failed`] when the radio did not take it, and those of
    /// opening the link.
    pub fn send(&self, port: u16, payload: &[u8], patience: Patience) -> Result<(), GroundError> {
        let bytes_max = self.config.message_bytes_max().min(DATAGRAM_BYTES_MAX);
        check_size("message", payload, bytes_max, ONE_DATAGRAM)?;
        let request = Request::Send(CommandRequest::new(port, payload, patience));
        match self.command(&request, patience)? {
            Reply::Sent {} => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Sends `payload` as one UDP message to the service at `port`, which has a
    /// reply window there, and gives `each` reply as it comes: at most
    /// `replies_max`, and those within the time-out of `patience`, from when the
    /// radio took the message. Gives how many they were.
    ///
    /// # Errors
    /// [`GroundError::Failed`] when the radio did not take it, those of opening
    /// the link, and that of `each`.
    pub fn converse(
        &self,
        port: u16,
        payload: &[u8],
        patience: Patience,
        replies_max: u32,
        mut each: impl FnMut(&[u8]) -> Result<(), GroundError>,
    ) -> Result<u32, GroundError> {
        let bytes_max = self.config.message_bytes_max().min(DATAGRAM_BYTES_MAX);
        check_size("message", payload, bytes_max, ONE_DATAGRAM)?;
        let request = Request::Converse {
            command: CommandRequest::new(port, payload, patience),
            replies_max,
        };
        let connection = self.accepted(&request, &self.stop)?;
        let began = Instant::now();
        let deadline = began + patience.longest() + HUB_ANSWER_TIMEOUT;
        let mut replies = 0;
        loop {
            match connection.next(Some(deadline), &self.stop) {
                Next::Reply(Reply::Replied { payload }) => {
                    replies += 1;
                    each(&payload)?;
                }
                Next::Reply(Reply::Sent {}) => {
                    connection.close();
                    return Ok(replies);
                }
                Next::Reply(Reply::Failed { message }) => {
                    connection.close();
                    return Err(GroundError::Failed { message });
                }
                Next::Reply(other) => return Err(self.unexpected(&other)),
                Next::Ended => {
                    return Err(GroundError::HubEnded {
                        link: self.config.name.clone(),
                    });
                }
                Next::Garbled(problem) => return Err(self.garbled(problem)),
                Next::TimedOut => return Err(self.silent()),
                Next::Stopped => {
                    let after = Some(began.elapsed());
                    connection.close();
                    return Err(GroundError::Interrupted { after });
                }
            }
        }
    }

    /// Gets new keys from the satellite, which offers them when one of both lost its
    /// state; waits for that at most `timeout`.
    ///
    /// # Errors
    /// [`GroundError::Failed`] when none were offered by then or the link has no
    /// security, and those of opening the link.
    pub fn resync(&self, timeout: Duration) -> Result<(), GroundError> {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let patience = Patience {
            timeout,
            retries: 0,
        };
        match self.command(&Request::Resync { timeout_ms }, patience)? {
            Reply::Resynced {} => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    /// How long ago the satellite was heard by who holds the link now; none where it was not, or
    /// nobody holds it. Opens no radio.
    ///
    /// # Errors
    /// When whoever holds the link does not speak.
    pub fn heard_ago(&self) -> Result<Option<Duration>, GroundError> {
        let Reached::Holder(stream) = self.paths.connect()? else {
            return Ok(None);
        };
        let line_bytes_max = protocol::line_bytes_max(self.config.message_bytes_max());
        let (request, timeout) = (Request::Contact {}, HUB_ANSWER_TIMEOUT);
        let connection = Connection::start(stream, request, line_bytes_max, timeout)?;
        loop {
            match connection.next_within(timeout, &self.stop) {
                Next::Reply(Reply::Accepted {}) => {}
                Next::Reply(Reply::Contact { heard_ms_ago }) => {
                    return Ok(heard_ms_ago.map(Duration::from_millis));
                }
                // It is about to leave.
                Next::Reply(Reply::Leaving { .. }) | Next::Ended => return Ok(None),
                Next::Reply(Reply::Failed { message }) => {
                    return Err(GroundError::Failed { message });
                }
                Next::Reply(other) => return Err(self.unexpected(&other)),
                Next::Garbled(problem) => return Err(self.garbled(problem)),
                Next::TimedOut => return Err(self.silent()),
                Next::Stopped => return Err(GroundError::Interrupted { after: None }),
            }
        }
    }

    /// Starts to listen to what comes down unasked.
    ///
    /// # Errors
    /// Those of opening the link.
    pub fn listen(&self) -> Result<Listener<'_>, GroundError> {
        self.listen_for(None)
    }

    /// [`listen`](Self::listen) to what comes down within `limit`.
    pub(crate) fn listen_for(&self, limit: Option<Duration>) -> Result<Listener<'_>, GroundError> {
        Listener::start(self, limit)
    }

    /// Commands that go through this process; 0 where it does not hold the link.
    /// When no call is under way here, they are all of other processes.
    pub fn commands_of_others(&self) -> usize {
        self.hub().as_ref().map_or(0, Hub::commands_open)
    }

    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    fn hub(&self) -> MutexGuard<'_, Option<Hub>> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A command, from its acceptance to its outcome.
    fn command(&self, request: &Request, patience: Patience) -> Result<Reply, GroundError> {
        let connection = self.accepted(request, &self.stop)?;
        let began = Instant::now();
        let longest = patience.longest() + HUB_ANSWER_TIMEOUT;
        match connection.next_within(longest, &self.stop) {
            Next::Reply(reply) => {
                // Else a hub of this process may still count it among those of others.
                connection.close();
                match reply {
                    Reply::Failed { message } => Err(GroundError::Failed { message }),
                    reply => Ok(reply),
                }
            }
            Next::Ended => Err(GroundError::HubEnded {
                link: self.config.name.clone(),
            }),
            Next::Garbled(problem) => Err(self.garbled(problem)),
            Next::TimedOut => Err(self.silent()),
            Next::Stopped => {
                let after = Some(began.elapsed());
                connection.close();
                Err(GroundError::Interrupted { after })
            }
        }
    }

    /// A connection whose request the holder of the link accepted. Until then
    /// the request was not acted on, so the next holder may be asked.
    fn accepted(&self, request: &Request, stop: &Stop) -> Result<Connection, GroundError> {
        let line_bytes_max = protocol::line_bytes_max(self.config.message_bytes_max());
        let mut give_up = Instant::now() + HUB_WAIT_MAX;
        loop {
            let connection = match self.paths.connect()? {
                Reached::Holder(stream) => {
                    let request = request.clone();
                    let timeout = HUB_ANSWER_TIMEOUT;
                    let started = Connection::start(stream, request, line_bytes_max, timeout);
                    Some(started?)
                }
                Reached::Nobody if self.hold_if_free()? => continue,
                Reached::Nobody | Reached::Busy => None,
            };
            let next = connection
                .as_ref()
                .map(|connection| connection.next_within(HUB_ANSWER_TIMEOUT, stop));
            match (connection, next) {
                (Some(connection), Some(Next::Reply(Reply::Accepted {}))) => return Ok(connection),
                (_, Some(Next::Reply(Reply::Leaving { within_ms }))) => {
                    let within = Duration::from_millis(within_ms).min(patience_longest());
                    give_up = Instant::now() + within + HUB_WAIT_MAX;
                }
                (_, Some(Next::Reply(Reply::Failed { message }))) => {
                    return Err(GroundError::Failed { message });
                }
                (_, Some(Next::Reply(other))) => return Err(self.unexpected(&other)),
                (_, Some(Next::Garbled(problem))) => return Err(self.garbled(problem)),
                (_, Some(Next::Stopped)) => return Err(GroundError::Interrupted { after: None }),
                (_, Some(Next::TimedOut)) => return Err(self.silent()),
                (_, Some(Next::Ended) | None) => {}
            }
            if Instant::now() >= give_up {
                return Err(self.silent());
            }
            if !stop.sleep(HUB_PAUSE) {
                return Err(GroundError::Interrupted { after: None });
            }
        }
    }

    /// Becomes the holder of the link if nobody is; whether it became it.
    fn hold_if_free(&self) -> Result<bool, GroundError> {
        let mut hub = self.hub();
        if hub.is_none()
            && let Some(lock) = self.paths.try_lock()?
        {
            *hub = Some(Hub::open(&self.config, &self.paths, lock)?);
            return Ok(true);
        }
        Ok(false)
    }

    fn silent(&self) -> GroundError {
        GroundError::HubSilent {
            link: self.config.name.clone(),
            pid: self.paths.holder(),
        }
    }

    fn unexpected(&self, reply: &Reply) -> GroundError {
        let text = serde_json::to_string(reply).unwrap_or_default();
        self.garbled(text.chars().take(80).collect())
    }

    fn garbled(&self, problem: String) -> GroundError {
        GroundError::Protocol {
            link: self.config.name.clone(),
            problem,
        }
    }
}

impl fmt::Debug for LinkClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkClient")
            .field("link", &self.config.name)
            .field("holds", &self.hub().is_some())
            .finish_non_exhaustive()
    }
}

/// The longest that a hub can stay for its clients.
fn patience_longest() -> Duration {
    let most = Patience {
        timeout: Duration::MAX,
        retries: u32::MAX,
    };
    most.longest()
}

fn check_size(
    what: &'static str,
    payload: &[u8],
    bytes_max: usize,
    advice: &'static str,
) -> Result<(), GroundError> {
    if payload.len() <= bytes_max {
        return Ok(());
    }
    Err(GroundError::TooLarge {
        what,
        bytes: payload.len(),
        bytes_max,
        advice,
    })
}

//! Posts queries to services by HTTP.
//!
//! A query is posted once. A connection that the service closed before is
//! noticed, and another one opened. A service that closes it at the very moment
//! at which it is used again cannot be told from one that ran the query and died:
//! the ground gets one `service-error`, and the query is not repeated. Services
//! commonly close idle connections after 5 s, so ones idle for nearly as long
//! are not used again.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use crate::accounting::DropReason;
use crate::budget::{ByteBudget, HeldBytes};
use crate::graphql_error::is_graphql_response;
use crate::link::ServiceFailure;

/// Idle connections kept to each service.
const IDLE_PER_SERVICE_MAX: usize = 4;
/// Idle connections kept in all.
const IDLE_MAX: usize = 256;
/// Idle connections are closed after this.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections idle for longer are not used again.
const REUSE_MAX: Duration = Duration::from_secs(4);
/// Octets of the buffers of each connection.
const BUFFER_BYTES: usize = 8192;
/// Octets of a body that an error message repeats.
const EXCERPT_BYTES: usize = 120;

pub(super) struct Client {
    satellite_ip: Ipv4Addr,
    timeout: Duration,
    budget: ByteBudget,
    answer_bytes_max: AtomicUsize,
    pool: Mutex<Pool>,
}

struct Pool {
    agent: Agent,
    last_used: Option<Instant>,
}

impl Client {
    pub(super) fn new(
        satellite_ip: Ipv4Addr,
        timeout: Duration,
        budget: ByteBudget,
        answer_bytes_max: usize,
    ) -> Self {
        let pool = Pool {
            agent: agent(timeout),
            last_used: None,
        };
        Client {
            satellite_ip,
            timeout,
            budget,
            answer_bytes_max: AtomicUsize::new(answer_bytes_max),
            pool: Mutex::new(pool),
        }
    }

    /// Takes another limit for answers.
    pub(super) fn set_answer_bytes_max(&self, bytes: usize) {
        self.answer_bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// Posts `body` to the service at `port`; gives what is to go down.
    pub(super) fn post(&self, port: u16, body: &[u8]) -> Result<HeldBytes, ServiceFailure> {
        let service = SocketAddr::from((self.satellite_ip, port));
        let agent = self.agent();
        let response = agent
            .post(format!("http://{service}/"))
            .header("Content-Type", "application/json")
            .send(body)
            .map_err(|error| self.failure(service, error))?;
        let answer = self.read(service, response);
        self.agent();
        answer
    }

    /// Closes the connections if none was used for [`IDLE_TIMEOUT`].
    pub(super) fn close_idle(&self) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool
            .last_used
            .is_some_and(|used| used.elapsed() >= IDLE_TIMEOUT)
        {
            // A dropped agent closes its idle connections.
            pool.agent = agent(self.timeout);
            pool.last_used = None;
        }
    }

    fn agent(&self) -> Agent {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.last_used = Some(Instant::now());
        pool.agent.clone()
    }

    fn read(
        &self,
        service: SocketAddr,
        response: Response<ureq::Body>,
    ) -> Result<HeldBytes, ServiceFailure> {
        let status = response.status();
        let mut reader = response.into_body().into_reader();
        let mut answer = HeldBytes::empty(&self.budget);
        let mut chunk = [0; BUFFER_BYTES];
        loop {
            let read = reader
                .read(&mut chunk)
                .map_err(|error| self.cut_short(service, error))?;
            let Some(octets) = chunk.get(..read).filter(|octets| !octets.is_empty()) else {
                break;
            };
            let bytes_max = self.answer_bytes_max.load(Ordering::Relaxed);
            if answer.len() + octets.len() > bytes_max {
                let message = format!(
                    "service {service}: its answer is larger than a message may be ({bytes_max} \
                     octets)"
                );
                return Err(ServiceFailure {
                    reason: DropReason::TooLarge,
                    message,
                });
            }
            answer.extend(octets).map_err(|spent| ServiceFailure {
                reason: DropReason::MemorySpent,
                message: format!("service {service}: {spent}"),
            })?;
        }
        if status == 200 || is_graphql_response(&answer) {
            return Ok(answer);
        }
        let excerpt = answer.get(..EXCERPT_BYTES).unwrap_or(&answer);
        let excerpt = String::from_utf8_lossy(excerpt);
        let message = format!("service {service} answered with HTTP status {status}: {excerpt}");
        Err(ServiceFailure {
            reason: DropReason::ServiceError,
            message,
        })
    }

    fn failure(&self, service: SocketAddr, error: Error) -> ServiceFailure {
        match error {
            Error::Timeout(_) => self.timed_out(service),
            Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => self.timed_out(service),
            Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ServiceFailure {
                    reason: DropReason::ServiceUnreachable,
                    message: format!("service {service} is not there: {error}"),
                }
            }
            error => ServiceFailure {
                reason: DropReason::ServiceError,
                message: format!("service {service} gave no whole answer: {error}"),
            },
        }
    }

    fn cut_short(&self, service: SocketAddr, error: io::Error) -> ServiceFailure {
        match error.downcast::<Error>() {
            Ok(error) => self.failure(service, error),
            Err(error) => self.failure(service, Error::Io(error)),
        }
    }

    fn timed_out(&self, service: SocketAddr) -> ServiceFailure {
        let timeout_ms = self.timeout.as_millis();
        ServiceFailure {
            reason: DropReason::ServiceTimeout,
            message: format!("service {service} did not answer within {timeout_ms} ms"),
        }
    }
}

fn agent(timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        // The environment of a spacecraft names no proxy to its own services.
        .proxy(None)
        .user_agent("heliograph")
        .input_buffer_size(BUFFER_BYTES)
        .output_buffer_size(BUFFER_BYTES)
        .max_idle_connections(IDLE_MAX)
        .max_idle_connections_per_host(IDLE_PER_SERVICE_MAX)
        .max_idle_age(REUSE_MAX)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), ByNumbers)
}

/// Services are named by address and port, so there is nothing to look up.
/// ureq's own resolver would start a thread for each query.
#[derive(Debug)]
struct ByNumbers;

impl Resolver for ByNumbers {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let authority = uri.authority().map(|authority| authority.as_str());
        let address = authority.and_then(|address| address.parse().ok());
        let mut resolved = self.empty();
        resolved.push(address.ok_or(Error::HostNotFound)?);
        Ok(resolved)
    }
}

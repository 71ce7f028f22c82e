//! Every limit of the gRPC server.
//!
//! The constants are what the service runs with. [`Limits`] makes those of them a choice that
//! a test would otherwise have to wait for.

use std::time::Duration;

/// Places and times, for [`GrpcServer::start_with`](super::GrpcServer::start_with). The
/// default is the constants of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// See [`IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// See [`CALL_TIMEOUT`].
    pub call_timeout: Duration,
    /// See [`STOP_TIMEOUT`].
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: CONNECTIONS_MAX,
            idle_timeout: IDLE_TIMEOUT,
            call_timeout: CALL_TIMEOUT,
            stop_timeout: STOP_TIMEOUT,
        }
    }
}

/// Octets of a message that is asked, at most: one with the longest names and all the
/// metadata there can be fits several times.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Octets of all headers of a call.
pub const HEADERS_BYTES_MAX: u32 = 16 * 1024;

/// Octets of a call that may have come and are not read yet.
pub const CALL_WINDOW_BYTES: u32 = 64 * 1024;

/// The same, of all calls of a connection.
pub const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

/// Octets of answers of a call that wait for a client that does not read them; there is no
/// further one until then.
pub const SEND_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Connections served at once; further ones wait in the operating system's accept queue.
pub const CONNECTIONS_MAX: usize = 32;

/// Calls of a connection at once; a client makes further ones wait.
pub const CALLS_MAX: u32 = 64;

/// Requests of one page of a list.
pub const PAGE_MAX: usize = 100;

/// Deliveries that are looked up at once.
pub const DELIVERIES_MAX: usize = 100;

/// Time that a connection without a call may last.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Time that a call has to arrive and to be answered, or, of several answers, to begin.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// A client that has not been heard for so long is asked whether it is there.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Time that it has to say so.
pub const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Time that calls under way have once the server stops, or a connection is to end.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(2);

//! Every limit of the HTTP server.
//!
//! The constants are what services run with. [`Limits`] makes those of them a
//! choice that a test would otherwise have to wait for.

use std::time::Duration;

/// Places and times, for
/// [`HttpServer::start_with`](super::HttpServer::start_with). The default is
/// the constants of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// See [`READ_TIMEOUT`].
    pub read_timeout: Duration,
    /// See [`WRITE_STALL_TIMEOUT`].
    pub write_stall_timeout: Duration,
    /// See [`EXECUTION_TIMEOUT`].
    pub execution_timeout: Duration,
    /// See [`STOP_REQUESTS_TIMEOUT`].
    pub stop_requests_timeout: Duration,
    /// See [`STOP_EXECUTIONS_TIMEOUT`].
    pub stop_executions_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            read_timeout: READ_TIMEOUT,
            write_stall_timeout: WRITE_STALL_TIMEOUT,
            execution_timeout: EXECUTION_TIMEOUT,
            stop_requests_timeout: STOP_REQUESTS_TIMEOUT,
            stop_executions_timeout: STOP_EXECUTIONS_TIMEOUT,
        }
    }
}

/// Longest request body, in bytes: the longest message the link carries.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How much of a body that is too long is read and thrown away, in bytes, so
/// that its sender gets to read the refusal instead of a reset connection.
pub const DISCARDED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most queries in one batch. They run one after the other on one thread.
pub const BATCH_QUERIES_MAX: usize = 100;

/// Connections served at once; further ones wait in the operating system's
/// accept queue.
pub const CONNECTIONS_MAX: usize = 64;

/// Queries executed at once; further ones wait.
pub const EXECUTIONS_MAX: usize = 4;

/// Time a client has for the head of a request, and again for its body. The
/// first also ends a connection kept alive without a request.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Time a client may leave an answer unread before its connection is dropped.
pub const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Time a query or the metrics page may take, the wait for a thread included.
/// The resolver cannot be interrupted: it keeps its thread until it returns.
pub const EXECUTION_TIMEOUT: Duration = Duration::from_secs(30);

/// On stop, time that requests under way have to be answered.
pub const STOP_REQUESTS_TIMEOUT: Duration = Duration::from_secs(2);

/// On stop, time that resolvers have to return after that. A stop takes no
/// longer than the two together.
pub const STOP_EXECUTIONS_TIMEOUT: Duration = Duration::from_secs(1);

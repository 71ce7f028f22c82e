//! Every limit of gRPC, in both directions.
//!
//! The constants are what the service runs with. [`Limits`] makes those of them a choice that
//! a test would otherwise have to wait for.

use std::time::Duration;

/// Places, numbers and times. The default is the constants of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// See [`CONNECTIONS_OF_AN_APP_MAX`].
    pub connections_of_an_app_max: usize,
    /// See [`REQUESTS_OF_AN_APP_MAX`].
    pub requests_of_an_app_max: usize,
    /// See [`CALLS_MAX`].
    pub calls_max: usize,
    /// See [`CALLS_WAITING_MAX`].
    pub calls_waiting_max: usize,
    /// See [`REFUSAL_EVENTS_MAX`].
    pub refusal_events_max: u32,
    /// See [`STRANGER_TIMEOUT`].
    pub stranger_timeout: Duration,
    /// See [`ANSWER_TIMEOUT`].
    pub answer_timeout: Duration,
    /// See [`ANSWER_LEAD`].
    pub answer_lead: Duration,
    /// See [`STOP_TIMEOUT`].
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: CONNECTIONS_MAX,
            connections_of_an_app_max: CONNECTIONS_OF_AN_APP_MAX,
            requests_of_an_app_max: REQUESTS_OF_AN_APP_MAX,
            calls_max: CALLS_MAX,
            calls_waiting_max: CALLS_WAITING_MAX,
            refusal_events_max: REFUSAL_EVENTS_MAX,
            stranger_timeout: STRANGER_TIMEOUT,
            answer_timeout: ANSWER_TIMEOUT,
            answer_lead: ANSWER_LEAD,
            stop_timeout: STOP_TIMEOUT,
        }
    }
}

/// Octets of a message that is asked or answered, at most: the largest that fits the interface,
/// a copy of 32 files whose names are filled up, has not 5 000.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Octets of all headers of a call.
pub const HEADERS_BYTES_MAX: u32 = 8 * 1024;

/// Values of `cookie` that a call may show.
pub const COOKIES_SHOWN_MAX: usize = 4;

/// Octets of a call that may have come and are not read yet.
pub const CALL_WINDOW_BYTES: u32 = 64 * 1024;

/// The same, of all calls of a connection.
pub const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

/// Octets that wait for a peer that does not read them.
pub const SEND_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Connections served at once. Where there is no place, the oldest of those on which no app
/// has made a call gives way; where there is none, the new one is closed.
pub const CONNECTIONS_MAX: usize = 512;

/// Connections on which one app has made calls. With one more, its oldest is closed.
pub const CONNECTIONS_OF_AN_APP_MAX: usize = 4;

/// Calls of a connection at once; a client makes further ones wait.
pub const REQUESTS_OF_A_CONNECTION_MAX: u32 = 64;

/// Calls of an app at once; further ones are refused.
pub const REQUESTS_OF_AN_APP_MAX: usize = 32;

/// Calls to one app at once. Payloads of the Python SDK have ten threads for them.
pub const CALLS_MAX: usize = 8;

/// Calls to one app that wait for others to end; further ones never leave.
pub const CALLS_WAITING_MAX: usize = 256;

/// Refusals that are told in a second; all are counted.
pub const REFUSAL_EVENTS_MAX: u32 = 10;

/// Time that the encryption of a connection may take to be agreed upon.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Time that a connection may last on which no app has made a call.
pub const STRANGER_TIMEOUT: Duration = Duration::from_secs(30);

/// Time that a call has to arrive.
pub const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Time that an answer has.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// From the moment that an answer left until that is told: a callback that follows at once
/// would go by another connection, and its thread in the payload might be before that of the
/// answer.
pub const ANSWER_LEAD: Duration = Duration::from_millis(20);

/// Time that an app's machine has to confirm octets that it was sent.
pub const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);

/// An app that has not been heard for so long is asked whether it is there. The controller
/// asks on connections which were made to it, never on those which it made: servers of the
/// C++ SDK close a connection on which they are asked.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Time that it has to say so.
pub const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Time that calls under way have once the server stops, or a connection is to end.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(2);

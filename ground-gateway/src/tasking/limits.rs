//! Limits of the API that are no choice of the operator.

use std::time::Duration;

/// Connections at once; further ones wait in the system's queue.
pub(crate) const CONNECTIONS_MAX: usize = 64;
/// Requests that work with the disk at once.
pub(crate) const REQUESTS_MAX: usize = 8;
/// Uploads that come at once.
pub(crate) const UPLOADS_MAX: usize = 4;
/// Queries that are forwarded at once; a further one is told to come later.
pub(crate) const FORWARDS_MAX: usize = 8;
/// How long a request may wait for its place and for the disk.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Octets of the body of a window, and how long it may take: the parameters, escaped.
pub(crate) const WINDOW_BYTES_MAX: usize = 128 * 1024;
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an upload may pause.
pub(crate) const UPLOAD_STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Octets of a form beside its file.
pub(crate) const FORM_BYTES_MAX: u64 = 64 * 1024;
/// Windows and uploads of one answer at most.
pub(crate) const LISTED_MAX: usize = 1_000;
/// How long an answer of a satellite may take after each try, in seconds: usually, and at most.
pub(crate) const ANSWER_TIMEOUT_S: u64 = 10;
pub(crate) const ANSWER_TIMEOUT_MAX_S: u64 = 120;

//! What `start` gives: a hand on a running service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::accounting::Statistics;
use crate::shell::{STOP_MARGIN, Shell, ShutdownReport, Threads};

/// A running service. Dropping it leaves the service running.
pub struct CommsHandle {
    shell: Arc<Shell>,
    threads: Threads,
    shutdown_timeout: Duration,
    downlink_addrs: Vec<SocketAddr>,
    handler_addrs: Vec<SocketAddr>,
}

impl CommsHandle {
    pub(super) fn new(
        shell: Arc<Shell>,
        threads: Threads,
        shutdown_timeout: Duration,
        downlink_addrs: Vec<SocketAddr>,
        handler_addrs: Vec<SocketAddr>,
    ) -> Self {
        CommsHandle {
            shell,
            threads,
            shutdown_timeout,
            downlink_addrs,
            handler_addrs,
        }
    }

    /// Stops the service: its threads are joined and its sockets closed within
    /// one read timeout plus the handlers' timeout. What was still held is
    /// counted as dropped.
    ///
    /// A user's `read` or `write` that does not return by then is detached and
    /// named in the report.
    pub fn shutdown(self) -> ShutdownReport {
        let deadline = Instant::now() + self.shutdown_timeout + STOP_MARGIN;
        self.shell.request_stop();
        let detached = self.threads.join(Some(deadline));
        self.shell.close();
        ShutdownReport {
            detached,
            statistics: self.shell.statistics(),
        }
    }

    /// Waits until every thread has ended, which they do only when the process
    /// stops them. For a `main` that has nothing else to do.
    pub fn join(self) {
        self.threads.join(None);
    }

    /// Everything counted, in one consistent snapshot.
    pub fn statistics(&self) -> Statistics {
        self.shell.statistics()
    }

    /// Where the downlink endpoints listen, in the order of the `write`
    /// functions.
    pub fn downlink_addrs(&self) -> &[SocketAddr] {
        &self.downlink_addrs
    }

    /// The handlers' UDP sockets: first the one from which datagrams leave, then
    /// those of format `udp` that wait for answers.
    pub fn handler_addrs(&self) -> &[SocketAddr] {
        &self.handler_addrs
    }
}

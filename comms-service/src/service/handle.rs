//! What `start` gives: a hand on a running service.

use std::net::SocketAddr;

use crate::accounting::Statistics;
use crate::shell::{Running, ShutdownReport};

/// A running service. Dropping it leaves the service running.
pub struct CommsHandle {
    running: Running,
    downlink_addrs: Vec<SocketAddr>,
    handler_addrs: Vec<SocketAddr>,
    submit_addr: Option<SocketAddr>,
}

impl CommsHandle {
    pub(super) fn new(
        running: Running,
        downlink_addrs: Vec<SocketAddr>,
        handler_addrs: Vec<SocketAddr>,
        submit_addr: Option<SocketAddr>,
    ) -> Self {
        CommsHandle {
            running,
            downlink_addrs,
            handler_addrs,
            submit_addr,
        }
    }

    /// Stops the service: its threads are joined and its sockets closed within
    /// one read timeout plus the handlers' timeout.
    ///
    /// Nothing more is taken in, from the radio, from apps or from UDP services.
    /// Queries that are with their services are waited for, and what is in the
    /// transmit queues is sent, as far as that time allows and `write` does not
    /// fail. What is still held then is counted as dropped.
    ///
    /// A user's `read` or `write` that does not return by then is detached and
    /// named in the report.
    pub fn shutdown(self) -> ShutdownReport {
        self.running.stop()
    }

    /// Waits until every thread has ended, which they do only when the process
    /// stops them. For a `main` that has nothing else to do.
    pub fn join(self) {
        self.running.wait();
    }

    /// Everything counted, in one consistent snapshot.
    pub fn statistics(&self) -> Statistics {
        self.running.shell().statistics()
    }

    /// Where the downlink endpoints listen: those of `downlink_ports`, in the order
    /// of the `write` functions, then those of the options' `downlink`.
    pub fn downlink_addrs(&self) -> &[SocketAddr] {
        &self.downlink_addrs
    }

    /// The handlers' UDP sockets: first the one from which datagrams leave, then
    /// those of format `udp` that wait for answers.
    pub fn handler_addrs(&self) -> &[SocketAddr] {
        &self.handler_addrs
    }

    /// Where apps submit by TCP, if they may.
    pub fn submit_addr(&self) -> Option<SocketAddr> {
        self.submit_addr
    }
}

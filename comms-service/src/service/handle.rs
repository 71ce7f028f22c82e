//! What `start` gives: a hand on a running service.

use std::net::SocketAddr;

use super::CommsReconfigure;
use crate::accounting::Statistics;
use crate::link::{ContactPlan, ContactPlanError, ContactState};
use crate::pdus::PduSender;
use crate::shell::{Running, ShutdownReport};

/// A running service. Dropping it leaves the service running.
pub struct CommsHandle {
    running: Running,
    reconfigure: CommsReconfigure,
    handler_addrs: Vec<SocketAddr>,
    submit_addr: Option<SocketAddr>,
    pdu_sender: Option<PduSender>,
}

impl CommsHandle {
    pub(super) fn new(
        running: Running,
        reconfigure: CommsReconfigure,
        handler_addrs: Vec<SocketAddr>,
        submit_addr: Option<SocketAddr>,
        pdu_sender: Option<PduSender>,
    ) -> Self {
        CommsHandle {
            running,
            reconfigure,
            handler_addrs,
            submit_addr,
            pdu_sender,
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
    pub fn downlink_addrs(&self) -> Vec<SocketAddr> {
        self.reconfigure.downlink_addrs()
    }

    /// Changes the configuration of this service while it runs.
    pub fn reconfigure(&self) -> CommsReconfigure {
        self.reconfigure.clone()
    }

    /// Says when the ground is planned to listen; none when nobody knows.
    ///
    /// # Errors
    /// [`ContactPlanError`]; the plan before stays.
    pub fn set_contact_plan(&self, plan: Option<ContactPlan>) -> Result<(), ContactPlanError> {
        self.reconfigure.set_contact_plan(plan)
    }

    /// Sends PDUs of a file entity down; none without
    /// [`CommsServiceBuilder::pdus`](crate::CommsServiceBuilder::pdus).
    pub fn pdu_sender(&self) -> Option<PduSender> {
        self.pdu_sender.clone()
    }

    /// Whether the ground is there.
    pub fn contact(&self) -> ContactState {
        self.running.shell().contact()
    }

    /// The handlers' UDP sockets: first the one from which datagrams leave, then
    /// those that wait for answers of UDP services.
    pub fn handler_addrs(&self) -> &[SocketAddr] {
        &self.handler_addrs
    }

    /// Where apps submit by TCP, if they may.
    pub fn submit_addr(&self) -> Option<SocketAddr> {
        self.submit_addr
    }
}

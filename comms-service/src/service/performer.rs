//! Carries out the engine's decisions: sends queries and datagrams at once.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use super::datagrams::Datagrams;
use super::http::Client;
use super::replies::ReplySockets;
use super::submit::{Clients, CutOff};
use crate::accounting::DropReason;
use crate::link::{Action, JournalEntry, ServiceFailure};
use crate::shell::storage::Storage;
use crate::shell::{Perform, Shell};

pub(super) struct Performer {
    satellite_ip: Ipv4Addr,
    datagrams: UdpSocket,
    exchanges: Arc<ReplySockets>,
    client: Arc<Client>,
    storage: Option<Storage>,
    submitters: Option<Arc<Clients>>,
}

impl Performer {
    pub(super) fn new(
        satellite_ip: Ipv4Addr,
        datagrams: UdpSocket,
        exchanges: Arc<ReplySockets>,
        client: Arc<Client>,
        storage: Option<Storage>,
        submitters: Option<Arc<Clients>>,
    ) -> Self {
        Performer {
            satellite_ip,
            datagrams,
            exchanges,
            client,
            storage,
            submitters,
        }
    }

    fn service(&self, port: u16) -> SocketAddr {
        SocketAddr::from((self.satellite_ip, port))
    }
}

impl Perform for Performer {
    /// Datagrams that follow each other are sent together.
    fn perform_all(&self, shell: &Shell, actions: Vec<Action>) {
        let mut datagrams = Datagrams::default();
        for action in actions {
            match action {
                Action::SendDatagram {
                    datagram,
                    port,
                    payload,
                } => datagrams.push(datagram, self.service(port), payload),
                action => {
                    datagrams.send(shell, &self.datagrams);
                    self.perform(shell, action);
                }
            }
        }
        datagrams.send(shell, &self.datagrams);
    }

    fn perform(&self, shell: &Shell, action: Action) {
        match action {
            Action::Post {
                handler,
                port,
                body,
            } => {
                // A query that waited is not posted any more.
                if !shell.is_stopping() {
                    self.client.start(handler, port, body);
                }
            }
            datagram @ Action::SendDatagram { .. } => self.perform_all(shell, vec![datagram]),
            Action::Exchange {
                socket,
                port,
                payload,
            } => {
                let service = self.service(port);
                let sent = match self.exchanges.get(socket) {
                    Some(local) => local.send_to(&payload, service),
                    None => Err(io::ErrorKind::NotFound.into()),
                };
                match sent {
                    Ok(_) => shell.with(|link, _| link.handle_exchange_sent(socket)),
                    Err(error) => {
                        let failure = not_sent(service, &error);
                        shell.with(|link, now| link.handle_exchange_failed(now, socket, failure));
                    }
                }
            }
            // It was given back.
            Action::Journal(JournalEntry::Started { record, .. }) => {
                let error = Err("the storage thread has ended".to_string());
                shell.with(|link, now| link.handle_recorded(now, record, error));
            }
            Action::Journal(_) => {}
            Action::Receipt {
                submission,
                receipt,
            } => {
                let submitters = self.submitters.as_ref();
                let told = submitters.map(|clients| clients.receipt(submission, receipt));
                if told == Some(Err(CutOff)) {
                    shell.with(|link, _| link.handle_submitter_cut_off());
                }
            }
            // Actions of the ground end; this end never decides on them.
            Action::Answered { .. }
            | Action::Replied { .. }
            | Action::Sent { .. }
            | Action::Failed { .. }
            | Action::Heard(_)
            // The shell does these.
            | Action::StoreSecurity { .. }
            | Action::Pdu { .. }
            | Action::PduDeparted { .. }
            | Action::ContactChanged(_) => {}
        }
    }

    fn enter(&self, entry: JournalEntry) -> Result<(), JournalEntry> {
        match &self.storage {
            Some(storage) => storage.enter(entry),
            None => Err(entry),
        }
    }
}

pub(super) fn not_sent(service: SocketAddr, error: &io::Error) -> ServiceFailure {
    let reason = match error.kind() {
        io::ErrorKind::WouldBlock => DropReason::SocketBusy,
        _ => DropReason::ServiceUnreachable,
    };
    ServiceFailure {
        reason,
        message: format!("datagram for {service} not sent: {error}"),
    }
}

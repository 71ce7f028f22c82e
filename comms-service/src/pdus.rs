//! The room between a radio and a file entity: CFDP PDUs (CCSDS 727.0-B-5) up and down.
//!
//! The link knows nothing of files. It carries PDUs, each as the whole user data of one
//! unsegmented packet on the CFDP APID (format `space-packet`), and says when each has
//! left and whether anybody is there:
//!
//! - What comes goes to a [`PduReceiver`], given to
//!   [`CommsServiceBuilder::pdus`](crate::CommsServiceBuilder::pdus) or
//!   [`GroundControls::pdus`](crate::ground::GroundControls::pdus).
//! - What is to go is given to a [`PduSender`], which
//!   [`CommsHandle::pdu_sender`](crate::CommsHandle::pdu_sender) and
//!   [`GroundLink::pdu_sender`](crate::ground::GroundLink::pdu_sender) give.
//!
//! An entity feeds the link as the radio takes: it keeps [`PduSender::credits`] PDUs
//! queued, and sends one more at each departure. So a PDU that is more urgent, a
//! transaction that is suspended and a new PDU size take effect at once.
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::sync::mpsc::{Sender, channel};
//!
//! use comms_service::accounting::DropReason;
//! use comms_service::budget::HeldBytes;
//! use comms_service::link::{ContactState, QueueClass};
//! use comms_service::pdus::PduReceiver;
//!
//! enum Told {
//!     Pdu(HeldBytes),
//!     Departed(u64, Result<(), DropReason>),
//!     Contact(ContactState),
//! }
//!
//! struct Intake(Sender<Told>);
//!
//! impl PduReceiver for Intake {
//!     fn pdu(&self, octets: HeldBytes) {
//!         let _ = self.0.send(Told::Pdu(octets));
//!     }
//!     fn departed(&self, token: u64, result: Result<(), DropReason>) {
//!         let _ = self.0.send(Told::Departed(token, result));
//!     }
//!     fn contact(&self, state: ContactState) {
//!         let _ = self.0.send(Told::Contact(state));
//!     }
//! }
//!
//! # fn run(
//! #     builder: comms_service::CommsServiceBuilder<()>,
//! #     telemetry: Arc<std::sync::Mutex<comms_service::CommsTelemetry>>,
//! #     mut next_pdu: impl FnMut(usize) -> Option<Vec<u8>>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let (intake, told) = channel();
//! let service = builder.pdus(Arc::new(Intake(intake))).start(telemetry)?;
//! let link = service.pdu_sender().ok_or("no entity")?;
//! let (mut queued, mut token) = (0, 0);
//! loop {
//!     while queued < link.credits() {
//!         let Some(pdu) = next_pdu(link.pdu_bytes_max()) else { break };
//!         link.send(QueueClass::Bulk, token, &pdu)?;
//!         (queued, token) = (queued + 1, token + 1);
//!     }
//!     // Until the link has stopped.
//!     match told.recv()? {
//!         Told::Departed(..) => queued -= 1,
//!         Told::Pdu(octets) => println!("{} octets came", octets.len()),
//!         Told::Contact(state) => println!("in contact: {}", state.in_contact),
//!     }
//! }
//! # }
//! ```

use std::sync::Arc;

use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::link::{ContactState, PduToSend, QueueClass};
use crate::shell::Shell;

pub use crate::link::PduRefused;

/// Takes what a link has for a file entity.
///
/// # For authors of an entity
///
/// - The threads of the link call it, the last times the thread that stops the link; never
///   two at once, in the order in which things happened, and never from within
///   [`PduSender::send`].
/// - It MUST return without waiting: the radio waits for it. It SHOULD put what it is told
///   into a channel of the entity, and no more: there may be 256 KiB of stack.
/// - It MAY call the link's [`PduSender`].
/// - A panic is caught and told as an error of the link; what it was told with is lost.
/// - When the link has stopped and the last departure is told, the link lets go of it.
pub trait PduReceiver: Send + Sync {
    /// A PDU came, on a link with security an authentic one that was not heard before.
    /// On a link without, error control is all that speaks for it.
    ///
    /// As long as it is kept, it counts against the link's memory budget
    /// (`memory-bytes-max`). What comes while three quarters of that are spent is
    /// dropped and counted as `memory-spent`.
    fn pdu(&self, octets: HeldBytes);

    /// The PDU that was sent as `token` is no longer in the queue: `write` took it, or it
    /// was dropped, and why: `write-failed`, `not-in-sync`, `shutdown`; `reconfigured` or
    /// `too-large` after another configuration; `displaced` where the class is configured
    /// so; `internal-fault`.
    ///
    /// Exactly one follows each [`send`](PduSender::send) that succeeded, perhaps before
    /// that has returned. Those that one `write` took come in the order in which it took
    /// them. Timers of a PDU start here.
    fn departed(&self, token: u64, result: Result<(), DropReason>);

    /// [`in_contact`](ContactState::in_contact) or [`reason`](ContactState::reason)
    /// changed, or are told for the first time, soon after the start.
    ///
    /// There is contact for `contact-hold-ms` (a minute by default) after a valid packet
    /// of the other end, on a link with security after an authentic message; and in the
    /// windows of a plan that is believed. It is told before the PDU that began it. The
    /// ground has no plan: there, it was heard ([`Heard`](crate::link::ContactReason::Heard)),
    /// or nobody knows ([`NoPlan`](crate::link::ContactReason::NoPlan)).
    ///
    /// It is for timers, and no reason not to send: what is to wait for contact
    /// (`hold-outside-contact`), the link holds itself.
    fn contact(&self, state: ContactState);
}

/// Sends PDUs by a link. Clones send by the same one.
#[derive(Clone)]
pub struct PduSender {
    shell: Arc<Shell>,
    write: usize,
    /// What `write` is given by one call at most.
    packets_max: usize,
}

impl PduSender {
    pub(crate) fn new(shell: &Arc<Shell>, write: usize, packets_max: usize) -> Self {
        PduSender {
            shell: Arc::clone(shell),
            write,
            packets_max,
        }
    }

    /// Queues a PDU: class [`Response`](QueueClass::Response) for a file directive,
    /// [`Bulk`](QueueClass::Bulk) for file data, which every directive overtakes. It does
    /// not wait. `token` comes back by [`PduReceiver::departed`].
    ///
    /// # Errors
    /// [`PduRefused`]; nothing is told of the PDU then.
    pub fn send(&self, class: QueueClass, token: u64, octets: &[u8]) -> Result<(), PduRefused> {
        let pdu = PduToSend {
            token,
            class,
            octets,
        };
        let sent = self.shell.try_with(|link, _| {
            // Asked while the engine is held: what comes before the end has its departure.
            match self.shell.is_stopping() {
                true => Err(PduRefused::Stopped),
                false => link.handle_pdu_to_send(self.write, pdu),
            }
        });
        sent.unwrap_or_else(|fault| Err(PduRefused::InternalFault(fault)))
    }

    /// Octets of the largest PDU now: what the packets of the link hold beside their
    /// headers, error control and security. Another configuration may change it while the
    /// link runs, even to 0, when no PDU can be sent.
    pub fn pdu_bytes_max(&self) -> usize {
        self.shell.look(|link, _| link.pdu_bytes_max())
    }

    /// So many PDUs in the queue keep the radio busy: one more than the radio may have
    /// (pacing), or than `write` is given by one call where its bit rate is not known; at
    /// least 2. Another configuration may change it.
    pub fn credits(&self) -> usize {
        let paced = self.shell.look(|link, _| link.pace_credits());
        paced.unwrap_or(self.packets_max).max(1) + 1
    }

    /// Whether the other end is there, as [`PduReceiver::contact`] tells.
    pub fn contact(&self) -> ContactState {
        self.shell.contact()
    }
}

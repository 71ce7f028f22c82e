//! PDUs of the file entity behind the link (CFDP, CCSDS 727.0-B-5).
//!
//! One PDU is the whole user data of one unsegmented packet on the CFDP APID, with no
//! header of ours but those of security, so that any CFDP entity can be the other end.
//! There is no command in it: neither allow-lists and rates nor the command memory are
//! for PDUs, and none of them shows that commands get through
//! ([`Link::is_proven`]).

use std::time::Instant;

use super::sending::{Manner, NotQueued};
use super::transmit::Origin;
use super::{Action, Link, QueueClass};
use crate::accounting::DropReason;
use crate::message::{Head, Message};

/// A PDU for the radio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PduToSend<'a> {
    /// Names it in [`Action::PduDeparted`]. It means nothing to the link.
    pub token: u64,
    /// How urgent it is: [`QueueClass::Response`] for a file directive,
    /// [`QueueClass::Bulk`] for file data.
    pub class: QueueClass,
    /// The PDU, from its fixed header to its last octet.
    pub octets: &'a [u8],
}

/// Why a PDU was not queued. But for [`Stopped`](PduRefused::Stopped) it is counted as
/// dropped, for [`drop_reason`](PduRefused::drop_reason).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PduRefused {
    /// It does not fit into one packet. A smaller one does.
    #[error(
        "a PDU of {bytes} octets does not fit into one packet, which holds one of {bytes_max}: \
         make it smaller"
    )]
    TooLarge {
        /// Octets of the PDU.
        bytes: usize,
        /// Octets of the largest ([`Link::pdu_bytes_max`]).
        bytes_max: usize,
    },
    /// It has no octets.
    #[error("a PDU without octets is none")]
    Empty,
    /// The packet format, or its APID map, has nothing for PDUs; or there is no such
    /// `write`.
    #[error("{0}")]
    NotCarried(String),
    /// As many of its class wait as may. There is room once one of them has departed.
    #[error("{0}")]
    QueueFull(String),
    /// The memory budget has no room now; later it may.
    #[error("{0}")]
    MemorySpent(String),
    /// The link stops, and takes nothing more.
    #[error("the link has stopped, or is about to")]
    Stopped,
    /// The engine, or a packet format in it, panicked.
    #[error("internal fault: {0}")]
    InternalFault(String),
}

impl PduRefused {
    /// The counter.
    pub fn drop_reason(&self) -> DropReason {
        match self {
            PduRefused::TooLarge { .. } => DropReason::TooLarge,
            PduRefused::Empty | PduRefused::NotCarried(_) => DropReason::NotCarried,
            PduRefused::QueueFull(_) => DropReason::QueueFull,
            PduRefused::MemorySpent(_) => DropReason::MemorySpent,
            PduRefused::Stopped => DropReason::Shutdown,
            PduRefused::InternalFault(_) => DropReason::InternalFault,
        }
    }
}

impl Link {
    /// Octets of the largest PDU that can be sent now; 0 where the format carries none.
    /// Another configuration may change it.
    pub fn pdu_bytes_max(&self) -> usize {
        let of_format = self.format.pdu_bytes_max();
        of_format.min(self.config.message_bytes_max)
    }

    /// The file entity sends a PDU by `write` number `write`. Exactly one
    /// [`Action::PduDeparted`] follows.
    ///
    /// # Errors
    /// [`PduRefused`]; nothing follows then.
    pub fn handle_pdu_to_send(
        &mut self,
        write: usize,
        pdu: PduToSend<'_>,
    ) -> Result<(), PduRefused> {
        let PduToSend {
            token,
            class,
            octets,
        } = pdu;
        let head = Head::pdu();
        let refused = match self.refusal(octets) {
            Some(refused) => Err(refused),
            None => self
                .hold_from_outside(octets)
                .map_err(PduRefused::MemorySpent),
        };
        let payload = match refused {
            Ok(payload) => payload,
            Err(refused) => {
                self.offer_out(class);
                let reason = refused.drop_reason();
                let _ = self.not_queued(&head, class, reason, refused.to_string());
                return Err(refused);
            }
        };
        let manner = Manner {
            origin: Origin::Pdu(token),
            class,
            expires: None,
        };
        let queued = self.enqueue_as(write, Message { head, payload }, manner);
        queued.map_err(|NotQueued { reason, text, .. }| match reason {
            DropReason::QueueFull => PduRefused::QueueFull(text),
            _ => PduRefused::NotCarried(text),
        })
    }

    /// What is wrong with a PDU itself.
    fn refusal(&self, octets: &[u8]) -> Option<PduRefused> {
        let (bytes, bytes_max) = (octets.len(), self.pdu_bytes_max());
        if bytes_max == 0 {
            let format = self.format.name();
            let text = format!("format `{format}` has no APID for PDUs");
            Some(PduRefused::NotCarried(text))
        } else if bytes == 0 {
            Some(PduRefused::Empty)
        } else if bytes > bytes_max {
            Some(PduRefused::TooLarge { bytes, bytes_max })
        } else {
            None
        }
    }

    /// A PDU came that may be believed.
    pub(super) fn take_pdu(&mut self, message: Message) {
        let Message { head, payload } = message;
        // An entity that is slower than the radio must not lock out commands.
        if self.leave_room_for_commands(0).is_err() {
            drop(payload);
            return self.drop_unproven(DropReason::MemorySpent, &head);
        }
        self.counted.messages_in.deliver(1);
        self.actions.push_back(Action::Pdu { octets: payload });
    }

    /// A valid packet of the other end came; where security is on, an authentic
    /// message.
    pub(super) fn in_contact(&mut self, now: Instant) {
        self.contact.heard(now);
        self.tell_contact(now);
    }

    /// Tells the file entity of contact, if that is not what it was told last.
    pub(super) fn tell_contact(&mut self, now: Instant) {
        if self.config.takes_pdus
            && let Some(state) = self.contact.news(now)
        {
            self.actions.push_back(Action::ContactChanged(state));
        }
    }

    /// How many frames the radios may have at once, where they are paced.
    pub fn pace_credits(&self) -> Option<usize> {
        self.config.pace.map(|pace| pace.credits)
    }
}

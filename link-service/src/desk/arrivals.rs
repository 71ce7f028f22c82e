//! Files that came over a link, on their way to the inboxes of apps.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Desk;
use super::entry::Entry;
use super::state::State;
use super::submit::{Receipt, Reserved, refused};
use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::{Expected, Refused};
use crate::names::{AppId, FileName, Subdirectory};
use crate::policy::{Party, Question};
use crate::record::Origin;
use crate::request::{LinkRequest, LinkType, Priority, Recipient};

/// No link says of what priority a file is that comes.
const PRIORITY: Priority = Priority::Medium;

/// A file that comes over a link, for an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// From whom: the ground, or an app of another spacecraft.
    pub from: Party,
    /// To whom.
    pub to: AppId,
    /// The directory beneath the inbox.
    pub subdirectory: Subdirectory,
    /// Its name.
    pub file: FileName,
    /// Of its octets, by BLAKE3, as the sender says.
    pub hash: [u8; 32],
    /// Whether it takes the place of a file of that name.
    pub overwrite: bool,
}

impl Incoming {
    /// Which way it comes.
    #[must_use]
    pub fn link_type(&self) -> LinkType {
        match self.from {
            Party::Ground => LinkType::Uplink,
            _ => LinkType::Crosslink,
        }
    }

    fn request(&self, request_id: String) -> LinkRequest {
        LinkRequest {
            link_type: self.link_type(),
            priority: PRIORITY,
            files: vec![self.file.clone()],
            subdirectory: self.subdirectory.clone(),
            recipients: vec![Recipient::App(self.to.clone())],
            overwrite: self.overwrite,
            leave_source: false,
            expires: None,
            request_id,
            correlation_id: String::new(),
            metadata: BTreeMap::new(),
        }
    }
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// Whether a file may come: who sends it may, its recipient is there, and has the name
    /// free and room for it and for what is on its way to it.
    ///
    /// # Errors
    /// [`Refused`]: why not.
    pub fn may_arrive(&self, incoming: &Incoming, size: u64) -> Result<(), Refused> {
        let access = self.access.current();
        let decision = access.decide(&Question {
            from: &incoming.from,
            to: &Recipient::App(incoming.to.clone()),
            link_type: incoming.link_type(),
            size,
            priority: PRIORITY,
        });
        if let Some(code) = decision.refusal {
            return Err(refused(code, decision.to_string()));
        }
        let coming = Coming::to(&self.state(), incoming);
        if coming.has_name && !incoming.overwrite {
            let text = format!("{} is on its way to {}", incoming.file, incoming.to);
            return Err(refused(Code::AlreadyExists, text));
        }
        let expected = Expected {
            to: &incoming.to,
            subdirectory: &incoming.subdirectory,
            file: &incoming.file,
            overwrite: incoming.overwrite,
        };
        let more = (size.saturating_add(coming.bytes), coming.files + 1);
        self.mover.may_arrive(&expected, more, PRIORITY)
    }

    /// A file was not let in.
    pub fn note_turned_away(&self, code: Code) {
        *self.state().counts.turned_away.entry(code).or_default() += 1;
    }

    /// Accepts a file that came over the link of `lane` and is in `folder` beneath its
    /// outbox; the same `request_id` is the same file. Whether it may come was asked before.
    ///
    /// # Errors
    /// [`Refused`]: it is to be handed in again.
    pub fn accept_arrived(
        &self,
        lane: &AppId,
        request_id: &str,
        incoming: &Incoming,
        folder: &str,
    ) -> Result<Receipt, Refused> {
        let accepted = self.try_accept_arrived(lane, request_id, incoming, folder);
        if let Ok(receipt) = &accepted
            && !receipt.is_known
        {
            self.state().counts.accepted += 1;
        }
        accepted
    }

    fn try_accept_arrived(
        &self,
        lane: &AppId,
        request_id: &str,
        incoming: &Incoming,
        folder: &str,
    ) -> Result<Receipt, Refused> {
        let request = incoming.request(request_id.to_owned());
        let key = (lane.clone(), request_id.to_owned());
        let id = match self.reserve(&key, &request)? {
            Reserved::Known(id) => return Ok(Receipt { id, is_known: true }),
            Reserved::Anew(id) => id,
        };
        let origin = Origin {
            from: incoming.from.clone(),
            folder: folder.to_owned(),
        };
        let at = self.clock.now().wall.unwrap_or(Duration::ZERO);
        let accepted = self
            .mover
            .accept_arrived(id, (lane, origin), request, at, incoming.hash);
        let mut state = self.state();
        let receipt = match accepted {
            Ok(transfer) => {
                state.insert(self.clock.now(), transfer);
                Ok(Receipt {
                    id,
                    is_known: false,
                })
            }
            Err(refused) => {
                state.keys.remove(&key);
                Err(refused)
            }
        };
        drop(state);
        self.shared.work.notify_one();
        self.shared.settled.notify_all();
        receipt
    }
}

/// What came over links and is on its way to one app.
#[derive(Default)]
struct Coming {
    bytes: u64,
    files: u64,
    /// Whether one of them has a certain name.
    has_name: bool,
}

impl Coming {
    fn to(state: &State, incoming: &Incoming) -> Self {
        let to = Recipient::App(incoming.to.clone());
        let mut coming = Coming::default();
        let open = state.transfers.values().filter(|entry| !entry.has_ended());
        for transfer in open.filter_map(Entry::transfer) {
            let mut legs = transfer.legs.iter();
            let is_to = |leg: &crate::record::Leg| leg.recipient == to && leg.is_open();
            if transfer.origin.is_none() || !legs.any(is_to) {
                continue;
            }
            let request = &transfer.request;
            coming.bytes = coming.bytes.saturating_add(transfer.bytes());
            coming.files += 1;
            coming.has_name |= request.subdirectory == incoming.subdirectory
                && request.files.contains(&incoming.file);
        }
        coming
    }
}

//! A request is handed in.

use std::time::Duration;

use super::naming;
use super::state::{Key, Known, State};
use super::ways::Ways;
use super::{Desk, DeskLimits};
use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::Refused;
use crate::names::AppId;
use crate::policy::{Party, Question};
use crate::record::{FileRecord, TransferId};
use crate::request::{
    BATCH_FILES_MAX, CLIENT_ID_BYTES_MAX, LinkRequest, LinkType, RECIPIENTS_MAX, Recipient,
};

/// Octets of all metadata of a request, at most.
const METADATA_BYTES_MAX: usize = 4096;

/// A request is accepted: a power cut does not undo that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its number.
    pub id: TransferId,
    /// It was made before: this is what became of that.
    pub is_known: bool,
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// Takes a request of `sender`, who is who the way in says.
    ///
    /// # Errors
    /// [`Refused`]: nothing has become of it. It may be made again with the same id.
    pub fn submit(&self, sender: &AppId, request: LinkRequest) -> Result<Receipt, Refused> {
        let submitted = self.try_submit(sender, request);
        self.state().counts.note_submitted(&submitted);
        submitted
    }

    fn try_submit(&self, sender: &AppId, mut request: LinkRequest) -> Result<Receipt, Refused> {
        is_within_limits(&request, &self.limits, &self.ways)?;
        if request.request_id.is_empty() {
            request.request_id = format!(
                "{:032x}",
                u128::from(fastrand::u64(..)) << 64 | u128::from(fastrand::u64(..))
            );
        }
        has_names_elsewhere(sender, &request)?;
        let key = (sender.clone(), request.request_id.clone());
        let id = match self.reserve(&key, &request)? {
            Reserved::Known(id) => return Ok(Receipt { id, is_known: true }),
            Reserved::Anew(id) => id,
        };
        let accepted = self.accept(id, sender, request);
        let mut state = self.state();
        match accepted {
            Ok(transfer) => {
                let now = self.clock.now();
                state.insert(now, transfer);
                self.shared.work.notify_one();
                self.shared.settled.notify_all();
                Ok(Receipt {
                    id,
                    is_known: false,
                })
            }
            Err(refused) => {
                state.keys.remove(&key);
                self.shared.settled.notify_all();
                Err(refused)
            }
        }
    }

    /// The same request is made once; one that is being looked at is waited for.
    pub(super) fn reserve(&self, key: &Key, request: &LinkRequest) -> Result<Reserved, Refused> {
        let mut state = self.state();
        loop {
            let known = match state.keys.get(key) {
                None => break,
                Some(Known::Pending) => None,
                Some(Known::Transfer(id)) => Some(*id),
            };
            match known {
                Some(id) => return same(&state, id, request),
                None => {
                    let waited = self.shared.settled.wait(state);
                    state = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
                }
            }
        }
        let (sender, _) = key;
        let room = state.queue.room(sender, request.priority);
        room.map_err(|full| refused(Code::Unavailable, full.to_string()))?;
        if let Some(app) = self.access.current().registry().app(sender) {
            let (open, max) = (state.queue.open_of(sender), app.outbox_requests_max);
            if open >= max {
                let text = format!("{open} requests have not ended; {max} are the most");
                return Err(refused(Code::Unavailable, text));
            }
        }
        state.keys.insert(key.clone(), Known::Pending);
        Ok(Reserved::Anew(state.take_id()))
    }

    fn accept(
        &self,
        id: TransferId,
        sender: &AppId,
        request: LinkRequest,
    ) -> Result<crate::record::Transfer, Refused> {
        let access = self.access.current();
        let from = Party::App(sender.clone());
        let may_send = |size: u64| {
            for to in &request.recipients {
                let decision = access.decide(&Question {
                    from: &from,
                    to,
                    link_type: request.link_type,
                    size,
                    priority: request.priority,
                });
                if let Some(code) = decision.refusal {
                    return Err(refused(code, decision.to_string()));
                }
            }
            Ok(())
        };
        // Who may not send, is not told what files there are.
        may_send(0)?;
        let of_size = |files: &[FileRecord]| {
            let sizes = files.iter().map(|file| file.size);
            may_send(sizes.fold(0, u64::saturating_add))
        };
        let accepted_at = self.clock.now().wall.unwrap_or(Duration::ZERO);
        self.mover
            .accept_if(id, sender, request.clone(), accepted_at, of_size)
    }
}

pub(super) enum Reserved {
    Known(TransferId),
    Anew(TransferId),
}

fn same(state: &State, id: TransferId, request: &LinkRequest) -> Result<Reserved, Refused> {
    let entry = state.transfers.get(&id);
    let transfer = entry.and_then(|entry| entry.transfer());
    match transfer.is_some_and(|transfer| transfer.request == *request) {
        true => Ok(Reserved::Known(id)),
        false => Err(refused(
            Code::Conflict,
            format!(
                "the request id {} was used for another request",
                request.request_id.escape_debug()
            ),
        )),
    }
}

fn is_within_limits(
    request: &LinkRequest,
    limits: &DeskLimits,
    ways: &Ways,
) -> Result<(), Refused> {
    let most = |what: &str, count: usize, most: usize| match count <= most {
        true => Ok(()),
        false => Err(refused(
            Code::InvalidArgument,
            format!("{what}: {count}; {most} are the most"),
        )),
    };
    most("files", request.files.len(), BATCH_FILES_MAX)?;
    most("recipients", request.recipients.len(), RECIPIENTS_MAX)?;
    for id in [&request.request_id, &request.correlation_id] {
        most("octets of an id", id.len(), CLIENT_ID_BYTES_MAX)?;
    }
    let metadata = request.metadata.iter();
    let metadata = metadata.map(|(key, value)| key.len() + value.len()).sum();
    most("octets of metadata", metadata, METADATA_BYTES_MAX)?;
    let links = &limits.links;
    // Where no link leads, nobody is promised anything.
    let is_reached = |to: &Recipient| match to {
        Recipient::App(_) => request.link_type == LinkType::App2App,
        Recipient::Ground => {
            request.link_type == LinkType::Downlink && links.contains(&ways.to(to))
        }
        Recipient::Remote { .. } => {
            request.link_type == LinkType::Crosslink && links.contains(&ways.to(to))
        }
    };
    if let Some(to) = request.recipients.iter().find(|to| !is_reached(to)) {
        let text = format!("no link of type {} leads to {to}", request.link_type);
        return Err(refused(Code::InvalidArgument, text));
    }
    Ok(())
}

/// Of what leads elsewhere: whether its name there is not too long.
fn has_names_elsewhere(sender: &AppId, request: &LinkRequest) -> Result<(), Refused> {
    let mut elsewhere = request.recipients.iter();
    elsewhere.try_for_each(|to| match to {
        Recipient::App(_) => Ok(()),
        to => naming::check(sender, to, request),
    })
}

pub(super) fn refused(code: Code, text: String) -> Refused {
    Refused { code, text }
}

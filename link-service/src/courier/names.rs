//! What files are called at the entity, and at the other end.

use file_delivery::StoreName;

use crate::code::Code;
use crate::desk::{name_elsewhere, no_name};
use crate::mover::Refused;
use crate::record::{Transfer, TransferId};
use crate::request::Recipient;

/// Beneath it are the files that go.
const CLAIMS: &str = "claims";

/// The name at the entity of the file of a transfer.
pub(super) fn claim_of(id: TransferId) -> Result<StoreName, Refused> {
    let name = format!("{CLAIMS}/{id}");
    name.parse().map_err(|error| no_name(&name, &error))
}

/// The transfer whose file that is.
pub(super) fn transfer_of(name: &StoreName) -> Option<TransferId> {
    let (folder, id) = name.as_str().split_once('/')?;
    (folder == CLAIMS).then(|| TransferId::of_name(id))?
}

/// What the file of a transfer is called at the recipient of a leg.
pub(super) fn there(transfer: &Transfer, leg: usize) -> Result<StoreName, Refused> {
    let internal = |text: &str| Refused {
        code: Code::Internal,
        text: text.to_owned(),
    };
    let leg = transfer.legs.get(leg);
    let leg = leg.ok_or_else(|| internal("there is no such leg"))?;
    let hash = transfer.hash_elsewhere();
    match (&leg.recipient, hash) {
        (Recipient::Remote { .. }, None) => Err(internal("the file was not hashed")),
        (to, hash) => {
            let of = (&transfer.sender, transfer.id);
            name_elsewhere(of, to, &transfer.request, hash)
        }
    }
}

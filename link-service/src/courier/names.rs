//! What files are called at the entity, and at the ground.

use file_delivery::StoreName;
use file_delivery::name::NameError;

use crate::code::Code;
use crate::mover::Refused;
use crate::record::{Transfer, TransferId};

/// Beneath it are the files that go down.
const CLAIMS: &str = "claims";

/// The name at the entity of the file of a transfer.
pub(super) fn claim_of(id: TransferId) -> Result<StoreName, Refused> {
    name(&format!("{CLAIMS}/{id}"))
}

/// The transfer whose file that is.
pub(super) fn transfer_of(name: &StoreName) -> Option<TransferId> {
    let (folder, id) = name.as_str().split_once('/')?;
    (folder == CLAIMS).then(|| TransferId::of_name(id))?
}

/// What it is called at the ground.
pub(super) fn at_ground(transfer: &Transfer) -> Result<StoreName, Refused> {
    let request = &transfer.request;
    let file = request.files.first().map(ToString::to_string);
    let mut parts = vec![transfer.sender.to_string()];
    parts.extend(request.subdirectory.components().map(str::to_owned));
    parts.extend(file);
    name(&parts.join("/"))
}

fn name(text: &str) -> Result<StoreName, Refused> {
    text.parse().map_err(|error: NameError| Refused {
        code: Code::InvalidName,
        text: format!("{text} cannot go down: {error}"),
    })
}

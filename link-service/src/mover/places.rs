//! Where the service keeps what is on its way.
//!
//! ```text
//! outbox/.link/<id>.<name>      claims: files that were taken out of the outbox
//! outbox/returned/<id>/<name>   what could not go back, as its name was taken
//! inbox/.link/<id>              staging: a file, or the directory of a batch
//! arrived/<transaction>/…       in the folder of a link: files that came by it
//! ```

use crate::folders::{FolderError, Folders, Kind, Side};
use crate::names::{AppId, COMPONENT_BYTES_MAX, FileName, Subdirectory};
use crate::record::{Transfer, TransferId};
use crate::request::LinkRequest;

/// The service's own directory in a box.
pub(super) const OWN: &str = ".link";
/// Octets of the number of a transfer, as text.
const ID_BYTES: usize = 16;
/// Where files are kept whose names were taken when they were to go back.
pub(super) const RETURNED: &str = "returned";

/// The name of the directory that a batch arrives as: `<sender>.<request id>.batch`, with
/// the id of the transfer where the request id is no name of a file.
#[must_use]
pub fn batch_name(transfer: &Transfer) -> String {
    batch_name_of(&transfer.sender, &transfer.request.request_id, transfer.id)
}

pub(crate) fn batch_name_of(sender: &AppId, of_request: &str, id: TransferId) -> String {
    let fits = of_request.len() <= crate::request::CLIENT_ID_BYTES_MAX
        && of_request.parse::<FileName>().is_ok();
    match fits {
        true => format!("{sender}.{of_request}.batch"),
        false => format!("{sender}.{id}.batch"),
    }
}

/// Whether the files of a request arrive as the directory of a batch.
pub(super) fn is_batch(request: &LinkRequest) -> bool {
    request.files.len() > 1
}

/// What arrives gets this name.
pub(super) fn final_name(transfer: &Transfer) -> String {
    match transfer.request.files.as_slice() {
        [file] => file.as_str().to_string(),
        _ => batch_name(transfer),
    }
}

/// The directory beneath a box, which is there.
pub(super) fn beneath<'p, F: Folders>(
    folders: &F,
    root: F::Directory,
    path: impl IntoIterator<Item = &'p str>,
) -> Result<F::Directory, FolderError> {
    let mut directory = root;
    for component in path {
        directory = folders.open_directory(&directory, component)?;
    }
    Ok(directory)
}

/// The directories beneath a box, from the box itself to the innermost; they are there.
pub(super) fn all_beneath<F: Folders>(
    folders: &F,
    root: F::Directory,
    subdirectory: &Subdirectory,
) -> Result<Vec<F::Directory>, FolderError> {
    let mut directories = vec![root];
    for component in subdirectory.components() {
        if let Some(within) = directories.last() {
            directories.push(folders.open_directory(within, component)?);
        }
    }
    Ok(directories)
}

/// The directories beneath a box, from the box itself to the innermost; made where they are
/// not there.
pub(crate) fn make_beneath<F: Folders>(
    folders: &F,
    root: F::Directory,
    subdirectory: &Subdirectory,
    of: &AppId,
) -> Result<Vec<F::Directory>, FolderError> {
    let mut directories = vec![root];
    for component in subdirectory.components() {
        let Some(within) = directories.last() else {
            break;
        };
        let next = open_or_make(folders, within, component, Some(of))?;
        directories.push(next);
    }
    Ok(directories)
}

/// A directory, which is made if it is not there.
pub(crate) fn open_or_make<F: Folders>(
    folders: &F,
    within: &F::Directory,
    name: &str,
    of: Option<&AppId>,
) -> Result<F::Directory, FolderError> {
    match folders.open_directory(within, name) {
        Err(FolderError::Missing { .. }) => {}
        opened => return opened,
    }
    match folders.make_directory(within, name, of) {
        Ok(()) | Err(FolderError::Exists { .. }) => {}
        Err(error) => return Err(error),
    }
    folders.open_directory(within, name)
}

/// A directory; nothing where it is not there.
pub(super) fn open_if_there<F: Folders>(
    folders: &F,
    within: &F::Directory,
    name: &str,
) -> Result<Option<F::Directory>, FolderError> {
    match folders.open_directory(within, name) {
        Ok(directory) => Ok(Some(directory)),
        Err(FolderError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The name that a file has while it is claimed: `<id>.<name>`, or where that is too long,
/// `<id>-<number>`. A directory for each transfer would be twice as many changes of the
/// outbox, and of what is free on the disk.
pub(super) fn claim_name(id: TransferId, number: usize, name: &FileName) -> String {
    let claim = format!("{id}.{name}");
    match claim.len() <= COMPONENT_BYTES_MAX {
        true => claim,
        false => format!("{id}-{number}"),
    }
}

/// Of which transfer a claim is, and what is known of the file's name.
pub(super) fn claimed_by(claim: &str) -> Option<(TransferId, &str)> {
    let (id, name) = claim.split_at_checked(ID_BYTES)?;
    let name = name.strip_prefix(['.', '-'])?;
    Some((TransferId::of_name(id)?, name))
}

/// Removes the staging of a transfer in an inbox; none that is there is removed.
pub(super) fn discard_staging<F: Folders>(
    folders: &F,
    recipient: &AppId,
    id: TransferId,
) -> Result<(), FolderError> {
    let own = folders.open_box(recipient, Side::Inbox);
    match own.and_then(|inbox| folders.open_directory(&inbox, OWN)) {
        Ok(own) => discard(folders, &own, &id.to_string()),
        // The recipient removed it, or made something else of it.
        Err(FolderError::Missing { .. } | FolderError::NotAllowed { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes a file, or a directory with all that is in it.
pub(super) fn discard<F: Folders>(
    folders: &F,
    within: &F::Directory,
    name: &str,
) -> Result<(), FolderError> {
    match folders.look(within, name)? {
        None => Ok(()),
        Some(facts) if facts.kind == Kind::Directory => {
            let directory = folders.open_directory(within, name)?;
            for (name, _) in folders.list(&directory)? {
                discard(folders, &directory, &name)?;
            }
            folders.remove_directory(within, name)
        }
        Some(_) => folders.remove(within, name),
    }
}

//! What files are called at the other end of a link.

use file_delivery::StoreName;
use file_delivery::address::{Address, AddressError};
use file_delivery::name::NameError;

use crate::code::Code;
use crate::mover::{Refused, batch_name_of};
use crate::names::{AppId, Subdirectory};
use crate::record::TransferId;
use crate::request::{LinkRequest, Recipient};

/// Whether the files of a request have names at a recipient elsewhere.
///
/// # Errors
/// [`Code::InvalidName`]: they are too long.
pub(super) fn check(sender: &AppId, to: &Recipient, request: &LinkRequest) -> Result<(), Refused> {
    let of = (sender, TransferId(u64::MAX));
    name_elsewhere(of, to, request, Some([0; 32])).map(drop)
}

/// How the one file ends that several go as.
const BUNDLE: &str = ".tar";

/// What the file of a request is called at a recipient elsewhere.
pub(crate) fn name_elsewhere(
    (sender, id): (&AppId, TransferId),
    to: &Recipient,
    request: &LinkRequest,
    hash: Option<[u8; 32]>,
) -> Result<StoreName, Refused> {
    let file = match request.files.as_slice() {
        [file] => file.to_string(),
        _ => format!("{}{BUNDLE}", batch_name_of(sender, &request.request_id, id)),
    };
    let path = path(&request.subdirectory, &file);
    match to {
        Recipient::Remote { app, .. } => {
            let address = Address {
                app: app.to_string(),
                from: sender.to_string(),
                hash: hash.unwrap_or_default(),
                overwrite: request.overwrite,
                path,
            };
            let name = address.name();
            name.map_err(|error: AddressError| no_name(&address.path, &error))
        }
        _ => {
            let name = format!("{sender}/{path}");
            let parsed = name.parse();
            parsed.map_err(|error: NameError| no_name(&name, &error))
        }
    }
}

fn path(subdirectory: &Subdirectory, file: &str) -> String {
    let mut parts: Vec<&str> = subdirectory.components().collect();
    parts.push(file);
    parts.join("/")
}

pub(crate) fn no_name(name: &str, why: &dyn std::fmt::Display) -> Refused {
    Refused {
        code: Code::InvalidName,
        text: format!("{name} cannot go over the link: {why}"),
    }
}

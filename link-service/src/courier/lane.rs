//! Whom a link leads to, and what the names of files say that come over it.

use file_delivery::StoreName;
use file_delivery::address::{Address, AddressError};
use file_delivery::pdu::TransactionId;

use crate::desk::Incoming;
use crate::names::{AppId, AppIdError, FileNameError};
use crate::policy::Party;
use crate::queue::Route;

/// Beneath it, in the folder of a link, is what came over it for apps:
/// `arrived/TRANSACTION/APP/FROM/HASH/PATH`.
pub(super) const ARRIVED: &str = "arrived";
/// Digits of the hash in the id of a request.
const HASH_OCTETS_IN_ID: usize = 8;

/// Whom a link leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The ground.
    Ground,
    /// Another spacecraft.
    Peer(AppId),
}

/// Why the name of a file that comes for an app is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IncomingError {
    /// It is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Who sends or is to have it, has no name of an app.
    #[error(transparent)]
    App(#[from] AppIdError),
    /// Its path cannot be one in an inbox.
    #[error(transparent)]
    Path(#[from] FileNameError),
    /// The ground says that an app sends it, or the other way round.
    #[error("`{from}` sends nothing over the link of {lane}")]
    Sender {
        /// Who is said to send it.
        from: String,
        /// Who is at the other end.
        lane: AppId,
    },
}

impl Lane {
    /// Whose outbox the folder of the link is.
    #[must_use]
    pub fn id(&self) -> AppId {
        match self {
            Lane::Ground => AppId::ground(),
            Lane::Peer(node) => node.clone(),
        }
    }

    pub(super) fn route(&self) -> Route {
        match self {
            Lane::Ground => Route::Downlink,
            Lane::Peer(node) => Route::Crosslink(node.clone()),
        }
    }

    /// What comes under an address.
    pub(super) fn incoming(&self, address: &Address) -> Result<Incoming, IncomingError> {
        let from = match self {
            Lane::Ground if address.from == "ground" => Party::Ground,
            Lane::Peer(node) if address.from != "ground" => Party::Remote {
                app: address.from.parse()?,
                node: node.clone(),
            },
            _ => {
                return Err(IncomingError::Sender {
                    from: address.from.clone(),
                    lane: self.id(),
                });
            }
        };
        let (subdirectory, file) = match address.path.rsplit_once('/') {
            Some((subdirectory, file)) => (subdirectory, file),
            None => ("", address.path.as_str()),
        };
        Ok(Incoming {
            from,
            to: address.app.parse()?,
            subdirectory: subdirectory.parse()?,
            file: file.parse()?,
            hash: address.hash,
            overwrite: address.overwrite,
        })
    }
}

/// The id of the request to deliver what came by a transaction. Should an entity give the
/// number of a transaction twice, another file is another request.
pub(super) fn request_id(transaction: &str, hash: &[u8; 32]) -> String {
    let digits = hash.iter().take(HASH_OCTETS_IN_ID);
    let digits: String = digits.map(|octet| format!("{octet:02x}")).collect();
    format!("{transaction}.{digits}")
}

/// Where a file that came is until its recipient has it.
pub(super) fn holding(transaction: TransactionId, name: &StoreName) -> Option<StoreName> {
    let (_, rest) = name.as_str().split_once('/')?;
    format!("{ARRIVED}/{transaction}/{rest}").parse().ok()
}

/// The address of a file that is beneath the directory of its transaction.
pub(super) fn address_of(rest: &str) -> Result<Address, AddressError> {
    format!("{}/{rest}", file_delivery::address::FOLDER).parse()
}

/// Whether a name is of what came for apps: nobody but the courier touches that.
pub(super) fn is_holding(name: &StoreName) -> bool {
    name.components().next() == Some(ARRIVED)
}

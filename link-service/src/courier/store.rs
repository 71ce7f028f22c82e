//! The files of the entity: those that go are claimed ones, where they are; those that come
//! are in a folder of its own.
//!
//! What comes for an app (`to/APP/…`) is let in only if it may come, there is room, and its
//! octets are those that its name says. Then it is beneath `arrived/`, until its recipient has
//! it. The sender hears that it is there once it is durable there.

use std::sync::Arc;

use file_delivery::StoreName;
use file_delivery::address::Address;
use file_delivery::pdu::TransactionId;
use file_delivery::pdu::tlv::{FilestoreRequest, FilestoreStatus, Lv};
use file_delivery::store::directory::{DirectorySource, DirectoryStaged};
use file_delivery::store::{Directory, FileIdentity, FileStore, Staging, StoreError};

use super::bundled::{Bundled, fill};
use super::lane::{Lane, holding, is_holding, request_id};
use super::names;
use crate::code::Code;
use crate::desk::{Desk, Incoming};
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::Refused;

/// Octets that are hashed at once.
const HASH_BYTES: usize = 1 << 20;

/// See the head of this file.
pub struct CourierStore<F: Folders, J: Journal> {
    desk: Arc<Desk<F, J>>,
    folder: Directory,
    lane: Lane,
}

/// A file that is read.
pub enum CourierSource<F: Folders> {
    /// One that goes.
    Claimed(F::File),
    /// Several that go as one.
    Bundled(Bundled<F>),
    /// One of the folder.
    Kept(DirectorySource),
}

impl<F: Folders, J: Journal> CourierStore<F, J> {
    /// With the files of a desk, and this folder for what comes by the link of `lane`.
    pub fn new(desk: Arc<Desk<F, J>>, folder: Directory, lane: Lane) -> Self {
        CourierStore { desk, folder, lane }
    }

    /// What comes under that name for an app; nothing where it is for none.
    fn incoming(&self, name: &StoreName) -> Result<Option<Incoming>, StoreError> {
        if is_holding(name) {
            return Err(refuse(name, "such names are the link service's own"));
        }
        if !Address::is_meant(name) {
            return match &self.lane {
                Lane::Ground => Ok(None),
                Lane::Peer(_) => Err(refuse(name, "it is for no app")),
            };
        }
        let incoming = Address::of(name).map_err(|error| error.to_string());
        let incoming = incoming.and_then(|address| {
            let incoming = self.lane.incoming(&address);
            incoming.map_err(|error| error.to_string())
        });
        incoming.map(Some).map_err(|why| refuse(name, why))
    }

    /// Lets it in, or says why not.
    fn let_in(&self, name: &StoreName, size: Option<u64>) -> Result<(), StoreError> {
        let turn_away = |code, error: StoreError| {
            self.desk.note_turned_away(code);
            log::warn!("{} is not let in: {error}", self.lane.id());
            error
        };
        let incoming = self.incoming(name);
        let Some(incoming) = incoming.map_err(|error| turn_away(Code::InvalidName, error))? else {
            return Ok(());
        };
        let allowed = self.desk.may_arrive(&incoming, size.unwrap_or(0));
        allowed.map_err(|why| turn_away(why.code, not_let_in(name, &why)))
    }

    /// Where a file is put together: one for an app has no directory yet.
    fn place(staging: &Staging) -> Staging {
        let is_for_app = staging.beside.as_ref().is_some_and(Address::is_meant);
        Staging {
            transaction: staging.transaction,
            beside: staging.beside.clone().filter(|_| !is_for_app),
        }
    }

    /// Keeps what came for an app.
    fn keep(
        &mut self,
        staging: &Staging,
        size: u64,
        name: &StoreName,
        incoming: &Incoming,
    ) -> Result<(), StoreError> {
        // It came before the process ended: perhaps its recipient has it.
        if self.is_with_desk(staging, incoming) {
            return Ok(());
        }
        let Some(holding) = holding(staging.transaction, name) else {
            return Err(refuse(name, "the name is too long to be kept"));
        };
        let place = Self::place(staging);
        match self.folder.staged(&place) {
            Err(StoreError::Missing { .. }) => {
                let found = self.folder.deliver(&place, size, &holding);
                // It may be handed over just now.
                return found.or_else(|error| match self.is_with_desk(staging, incoming) {
                    true => Ok(()),
                    false => Err(error),
                });
            }
            staged => {
                let hash = self.hash(&mut staged?, size)?;
                if hash != incoming.hash {
                    self.desk.note_turned_away(Code::HashMismatch);
                    return Err(StoreError::WrongOctets {
                        name: name.to_string(),
                        why: format!("its BLAKE3 is {hash}"),
                    });
                }
            }
        }
        self.let_in(name, Some(size))?;
        self.folder.deliver(&place, size, &holding)
    }

    fn is_with_desk(&self, staging: &Staging, incoming: &Incoming) -> bool {
        let id = request_id(&staging.transaction.to_string(), &incoming.hash);
        self.desk.find(&self.lane.id(), &id).is_some()
    }

    fn hash(
        &mut self,
        staged: &mut DirectoryStaged,
        size: u64,
    ) -> Result<blake3::Hash, StoreError> {
        let mut hasher = blake3::Hasher::new();
        let mut octets = vec![0; HASH_BYTES];
        let mut offset = 0;
        while offset < size {
            let wanted = usize::try_from(size - offset).unwrap_or(usize::MAX);
            let wanted = wanted.min(octets.len());
            let octets = octets.get_mut(..wanted).unwrap_or_default();
            self.folder.read_staged(staged, offset, octets)?;
            hasher.update(octets);
            offset += wanted as u64;
        }
        Ok(hasher.finalize())
    }
}

impl<F: Folders, J: Journal> AsMut<Directory> for CourierStore<F, J> {
    fn as_mut(&mut self) -> &mut Directory {
        &mut self.folder
    }
}

impl<F: Folders, J: Journal> FileStore for CourierStore<F, J> {
    type Source = CourierSource<F>;
    type Staged = DirectoryStaged;

    fn open(&mut self, name: &StoreName) -> Result<(Self::Source, FileIdentity), StoreError> {
        let Some(id) = names::transfer_of(name) else {
            let (source, identity) = self.folder.open(name)?;
            return Ok((CourierSource::Kept(source), identity));
        };
        let cannot = |refused| cannot_open(name, refused);
        if let Some(bundle) = self.desk.bundle(id).map_err(cannot)? {
            let identity = FileIdentity {
                size: bundle.bytes(),
                // The desk knows whether its files are what they were.
                modified_ns: 0,
                number: id.0,
            };
            return Ok((CourierSource::Bundled(Bundled::new(id, bundle)), identity));
        }
        let (file, record) = self.desk.open_source(id, 0).map_err(cannot)?;
        let identity = FileIdentity {
            size: record.size,
            modified_ns: record.modified_ns,
            number: record.number,
        };
        Ok((CourierSource::Claimed(file), identity))
    }

    fn read(
        &mut self,
        source: &mut Self::Source,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), StoreError> {
        let file = match source {
            CourierSource::Kept(source) => return self.folder.read(source, offset, octets),
            CourierSource::Bundled(bundled) => return bundled.read(&self.desk, offset, octets),
            CourierSource::Claimed(file) => file,
        };
        fill(self.desk.folders(), file, offset, octets)
    }

    fn may_receive(
        &mut self,
        name: &StoreName,
        _: TransactionId,
        size: Option<u64>,
    ) -> Result<(), StoreError> {
        self.let_in(name, size)
    }

    fn stage(&mut self, staging: &Staging, size: Option<u64>) -> Result<Self::Staged, StoreError> {
        self.folder.stage(&Self::place(staging), size)
    }

    fn write(
        &mut self,
        staged: &mut Self::Staged,
        offset: u64,
        octets: &[u8],
    ) -> Result<(), StoreError> {
        self.folder.write(staged, offset, octets)
    }

    fn read_staged(
        &mut self,
        staged: &mut Self::Staged,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), StoreError> {
        self.folder.read_staged(staged, offset, octets)
    }

    fn sync(&mut self, staged: &mut Self::Staged) -> Result<(), StoreError> {
        self.folder.sync(staged)
    }

    fn deliver(
        &mut self,
        staging: &Staging,
        size: u64,
        name: &StoreName,
    ) -> Result<(), StoreError> {
        match self.incoming(name)? {
            Some(incoming) => self.keep(staging, size, name, &incoming),
            None => self.folder.deliver(&Self::place(staging), size, name),
        }
    }

    fn discard(&mut self, staging: &Staging) -> Result<(), StoreError> {
        self.folder.discard(&Self::place(staging))
    }

    fn perform(&mut self, request: &FilestoreRequest<'_>) -> FilestoreStatus {
        let (first, second) = request.names();
        let is_own = |name: Lv<'_>| {
            let name = StoreName::new(name.octets());
            name.is_ok_and(|name| is_holding(&name) || Address::is_meant(&name))
        };
        match is_own(first) || second.is_some_and(is_own) {
            true => FilestoreStatus::NotAllowed,
            false => self.folder.perform(request),
        }
    }

    fn list(&mut self, directory: Option<&StoreName>) -> Result<Vec<String>, StoreError> {
        self.folder.list(directory)
    }
}

fn cannot_open(name: &StoreName, refused: Refused) -> StoreError {
    match refused.code {
        Code::IoError | Code::NoSpace | Code::Unavailable => StoreError::Failed {
            what: format!("opening {name}"),
            error: refused.text,
        },
        _ => StoreError::NotAllowed {
            name: name.to_string(),
            why: refused.text,
        },
    }
}

fn refuse(name: &StoreName, why: impl Into<String>) -> StoreError {
    StoreError::Refused {
        name: name.to_string(),
        why: why.into(),
    }
}

/// Whoever sends it again hears the same, or not.
fn not_let_in(name: &StoreName, why: &Refused) -> StoreError {
    let heals = matches!(
        why.code,
        Code::QuotaExceeded | Code::NoSpace | Code::Unavailable | Code::IoError
    );
    match heals {
        false => refuse(name, why.to_string()),
        true => StoreError::NotAllowed {
            name: name.to_string(),
            why: why.to_string(),
        },
    }
}

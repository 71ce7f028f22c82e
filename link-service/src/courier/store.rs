//! The files of the entity: those that go down are claimed ones, where they are; those that
//! come up are in a folder of its own.

use std::sync::Arc;

use file_delivery::StoreName;
use file_delivery::pdu::tlv::{FilestoreRequest, FilestoreStatus};
use file_delivery::store::directory::{DirectorySource, DirectoryStaged};
use file_delivery::store::{Directory, FileIdentity, FileStore, Staging, StoreError};

use super::names;
use crate::code::Code;
use crate::desk::Desk;
use crate::folders::Folders;
use crate::journal::Journal;

/// See the head of this file.
pub struct CourierStore<F: Folders, J: Journal> {
    desk: Arc<Desk<F, J>>,
    folder: Directory,
}

/// A file that is read.
pub enum CourierSource<F: Folders> {
    /// One that goes down.
    Claimed(F::File),
    /// One of the folder.
    Kept(DirectorySource),
}

impl<F: Folders, J: Journal> CourierStore<F, J> {
    /// With the files of a desk, and this folder.
    pub fn new(desk: Arc<Desk<F, J>>, folder: Directory) -> Self {
        CourierStore { desk, folder }
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
        let opened = self.desk.open_source(id, 0);
        let (file, record) = opened.map_err(|refused| match refused.code {
            Code::IoError | Code::NoSpace | Code::Unavailable => StoreError::Failed {
                what: format!("opening {name}"),
                error: refused.text,
            },
            _ => StoreError::NotAllowed {
                name: name.to_string(),
                why: refused.text,
            },
        })?;
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
            CourierSource::Claimed(file) => file,
        };
        let wanted = octets.len();
        let error = match self.desk.folders().read(file, offset, octets) {
            Ok(read) if read == wanted => return Ok(()),
            Ok(read) => format!("the file ends after {read} of them"),
            Err(error) => error.to_string(),
        };
        let what = format!("a read of {wanted} octets at {offset}");
        Err(StoreError::Failed { what, error })
    }

    fn stage(&mut self, staging: &Staging, size: Option<u64>) -> Result<Self::Staged, StoreError> {
        self.folder.stage(staging, size)
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
        self.folder.deliver(staging, size, name)
    }

    fn discard(&mut self, staging: &Staging) -> Result<(), StoreError> {
        self.folder.discard(staging)
    }

    fn perform(&mut self, request: &FilestoreRequest<'_>) -> FilestoreStatus {
        self.folder.perform(request)
    }

    fn list(&mut self, directory: Option<&StoreName>) -> Result<Vec<String>, StoreError> {
        self.folder.list(directory)
    }
}

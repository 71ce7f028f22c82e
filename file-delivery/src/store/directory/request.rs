//! Filestore requests: what they do, and which status of CCSDS 727.0-B-5 table 5-18 they
//! come to.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, RenameFlags, mkdirat, renameat_with, unlinkat};
use rustix::io::Errno;

use super::Directory;
use super::beneath::{self, How};
use crate::StoreName;
use crate::pdu::tlv::{FilestoreRequest, FilestoreStatus, Lv};
use crate::store::StoreError;
use crate::store::is_own;
use crate::store::step::Step;

use FilestoreStatus::{FirstMissing, NotAllowed, SecondExists, SecondMissing, Successful};

/// What is to be removed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    File,
    Directory,
}

impl Directory {
    pub(super) fn perform_request(&mut self, request: &FilestoreRequest<'_>) -> FilestoreStatus {
        let (first, second) = request.names();
        let Some(first) = name_of(first) else {
            return NotAllowed;
        };
        let second = second.map(name_of);
        let performed = match (request, second) {
            (FilestoreRequest::CreateFile(_), None) => self.create_file(&first),
            (FilestoreRequest::CreateDirectory(_), None) => self.create_directory(&first),
            (FilestoreRequest::DeleteFile(_), None) => {
                self.remove(&first, What::File, FirstMissing)
            }
            (FilestoreRequest::RemoveDirectory(_), None) => {
                self.remove(&first, What::Directory, FirstMissing)
            }
            (FilestoreRequest::DenyFile(_), None) => self.remove(&first, What::File, Successful),
            (FilestoreRequest::DenyDirectory(_), None) => {
                self.remove(&first, What::Directory, Successful)
            }
            (FilestoreRequest::RenameFile { .. }, Some(Some(second))) => {
                self.rename(&first, &second)
            }
            (FilestoreRequest::AppendFile { .. }, Some(Some(second))) => {
                self.put_together(&first, &second, true)
            }
            (FilestoreRequest::ReplaceFile { .. }, Some(Some(second))) => {
                self.put_together(&first, &second, false)
            }
            _ => Err(NotAllowed),
        };
        performed.map_or_else(|status| status, |()| Successful)
    }

    fn create_file(&mut self, name: &StoreName) -> Result<(), FilestoreStatus> {
        let (within, last) = beneath::parent(&self.root, name).map_err(not_allowed)?;
        let room = self.limits.allow_more(name.as_str(), &within, 0);
        room.map_err(not_allowed)?;
        let made = beneath::open_file(&within, last, How::Make, name.as_str());
        made.map_err(not_allowed)?;
        self.sync_names(&within, Step::NameSynced)
    }

    fn create_directory(&mut self, name: &StoreName) -> Result<(), FilestoreStatus> {
        let (within, last) = beneath::parent(&self.root, name).map_err(not_allowed)?;
        mkdirat(&within, last, beneath::DIRECTORY_MODE).map_err(|_| NotAllowed)?;
        self.sync_names(&within, Step::DirectoryMade)
    }

    fn remove(
        &mut self,
        name: &StoreName,
        what: What,
        missing: FilestoreStatus,
    ) -> Result<(), FilestoreStatus> {
        let or_missing = |error| match error {
            StoreError::Missing { .. } => missing,
            _ => NotAllowed,
        };
        let (within, last) = beneath::parent(&self.root, name).map_err(or_missing)?;
        let kind = beneath::kind_of(&within, last, name).map_err(or_missing)?;
        let flags = match (kind, what) {
            (None, _) => return Err(missing),
            (Some(FileType::RegularFile), What::File) => AtFlags::empty(),
            (Some(FileType::Directory), What::Directory) => AtFlags::REMOVEDIR,
            _ => return Err(NotAllowed),
        };
        match unlinkat(&within, last, flags) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Err(missing),
            Err(_) => return Err(NotAllowed),
        }
        self.sync_names(&within, Step::Removed)
    }

    fn rename(&mut self, old: &StoreName, new: &StoreName) -> Result<(), FilestoreStatus> {
        let (from, old_last) = self.file_at(old, FirstMissing)?;
        let (to, new_last) = beneath::parent(&self.root, new).map_err(not_allowed)?;
        let flags = RenameFlags::NOREPLACE;
        match renameat_with(&from, old_last, &to, new_last, flags) {
            Ok(()) => self.durable.steps.done(Step::Renamed),
            Err(Errno::EXIST) => return Err(SecondExists),
            Err(Errno::NOENT) => return Err(FirstMissing),
            Err(_) => return Err(NotAllowed),
        }
        self.sync_names(&to, Step::NameSynced)?;
        self.sync_names(&from, Step::NameSynced)
    }

    /// The first file becomes the second, or both one after the other.
    fn put_together(
        &mut self,
        first: &StoreName,
        second: &StoreName,
        appends: bool,
    ) -> Result<(), FilestoreStatus> {
        let (to, first_last) = self.file_at(first, FirstMissing)?;
        let (from, second_last) = self.file_at(second, SecondMissing)?;
        let open = |within, last, name: &StoreName| {
            beneath::open_file(within, last, How::Read, name.as_str()).map_err(not_allowed)
        };
        let second_file = open(&from, second_last, second)?;
        let copied = match appends {
            true => {
                let first_file = open(&to, first_last, first)?;
                self.put_copy(&to, first_last, first, &[&first_file, &second_file])
            }
            false => self.put_copy(&to, first_last, first, &[&second_file]),
        };
        copied.map_err(not_allowed)
    }

    /// Where a regular file is.
    fn file_at<'n>(
        &self,
        name: &'n StoreName,
        missing: FilestoreStatus,
    ) -> Result<(OwnedFd, &'n str), FilestoreStatus> {
        let found = beneath::parent(&self.root, name).and_then(|(within, last)| {
            let is_there = beneath::is_file(&within, last, name)?;
            Ok(is_there.then_some((within, last)))
        });
        match found {
            Ok(Some(found)) => Ok(found),
            Ok(None) | Err(StoreError::Missing { .. }) => Err(missing),
            Err(_) => Err(NotAllowed),
        }
    }

    fn sync_names(&mut self, within: &OwnedFd, step: Step) -> Result<(), FilestoreStatus> {
        self.durable.names(within, step).map_err(not_allowed)
    }
}

fn not_allowed(_: StoreError) -> FilestoreStatus {
    NotAllowed
}

fn name_of(name: Lv<'_>) -> Option<StoreName> {
    let name = StoreName::new(name.octets()).ok()?;
    (!is_own(name.as_str())).then_some(name)
}

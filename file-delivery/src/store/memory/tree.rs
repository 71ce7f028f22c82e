//! Files and directories in memory, by their names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::StoreName;
use crate::pdu::tlv::{FilestoreRequest, FilestoreStatus, Lv};
use crate::store::is_own;

/// A file that has its name.
#[derive(Clone, Debug)]
pub(super) struct NamedFile {
    pub(super) octets: Arc<Vec<u8>>,
    /// No two files of a disk have the same.
    pub(super) number: u64,
}

/// All names; the root has none.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: BTreeMap<String, NamedFile>,
    directories: BTreeSet<String>,
    last_number: u64,
    bytes: u64,
}

impl Tree {
    pub(super) fn file(&self, name: &str) -> Option<&NamedFile> {
        self.files.get(name)
    }

    pub(super) fn is_directory(&self, name: &str) -> bool {
        self.directories.contains(name)
    }

    /// Octets of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts a file in the place of any other.
    pub(super) fn put(&mut self, name: &str, octets: Vec<u8>) {
        self.remove(name);
        self.last_number += 1;
        self.bytes += octets.len() as u64;
        let file = NamedFile {
            octets: Arc::new(octets),
            number: self.last_number,
        };
        self.files.insert(name.to_string(), file);
    }

    /// Makes the directories that a name is in; false where one of them is a file.
    pub(super) fn make_parents(&mut self, name: &str) -> bool {
        let parents = name.match_indices('/').map(|(at, _)| name.get(..at));
        let parents: Vec<&str> = parents.flatten().collect();
        if parents.iter().any(|name| self.files.contains_key(*name)) {
            return false;
        }
        let parents = parents.into_iter().map(str::to_string);
        self.directories.extend(parents);
        true
    }

    /// Sorted, those of directories with a `/` behind.
    pub(super) fn list(&self, directory: Option<&str>) -> Vec<String> {
        let within = directory.map_or_else(String::new, |name| format!("{name}/"));
        let below = |name: &str| {
            let last = name.strip_prefix(&within)?;
            (!last.contains('/')).then(|| last.to_string())
        };
        let files = self.files.keys().filter_map(|name| below(name));
        let directories = self.directories.iter().filter_map(|name| below(name));
        let mut names: Vec<String> = files.chain(directories.map(|name| name + "/")).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn perform(&mut self, request: &FilestoreRequest<'_>) -> FilestoreStatus {
        self.try_perform(request)
            .map_or_else(|status| status, |()| FilestoreStatus::Successful)
    }

    fn try_perform(&mut self, request: &FilestoreRequest<'_>) -> Result<(), FilestoreStatus> {
        use FilestoreStatus::{FirstMissing, NotAllowed, SecondExists, SecondMissing};
        let (first, second) = request.names();
        let first = name_of(first)?;
        let second = second.map(name_of).transpose()?.unwrap_or_default();
        let (first, second) = (first.as_str(), second.as_str());
        match request {
            FilestoreRequest::CreateFile(_) => {
                self.new_name(first)?;
                self.put(first, Vec::new());
            }
            FilestoreRequest::DeleteFile(_) => {
                self.octets_of(first, FirstMissing)?;
                self.remove(first);
            }
            FilestoreRequest::DenyFile(_) => {
                self.octets_of(first, NotAllowed).or_else(|status| {
                    let is_there = self.is_directory(first);
                    if is_there {
                        Err(status)
                    } else {
                        Ok(Vec::new())
                    }
                })?;
                self.remove(first);
            }
            FilestoreRequest::RenameFile { .. } => {
                let octets = self.octets_of(first, FirstMissing)?;
                let taken = self.files.contains_key(second) || self.is_directory(second);
                if taken {
                    return Err(SecondExists);
                }
                self.new_name(second)?;
                self.remove(first);
                self.put(second, octets);
            }
            FilestoreRequest::AppendFile { .. } => {
                let mut octets = self.octets_of(first, FirstMissing)?;
                octets.extend(self.octets_of(second, SecondMissing)?);
                self.put(first, octets);
            }
            FilestoreRequest::ReplaceFile { .. } => {
                self.octets_of(first, FirstMissing)?;
                let octets = self.octets_of(second, SecondMissing)?;
                self.put(first, octets);
            }
            FilestoreRequest::CreateDirectory(_) => {
                self.new_name(first)?;
                self.directories.insert(first.to_string());
            }
            FilestoreRequest::RemoveDirectory(_) => self.remove_directory(first, FirstMissing)?,
            FilestoreRequest::DenyDirectory(_) => {
                if self.is_directory(first) || self.files.contains_key(first) {
                    self.remove_directory(first, NotAllowed)?;
                }
            }
        }
        Ok(())
    }

    /// A name that nothing has, in a directory that there is.
    fn new_name(&self, name: &str) -> Result<(), FilestoreStatus> {
        let parent = name.rsplit_once('/').map(|(parent, _)| parent);
        let has_parent = parent.is_none_or(|parent| self.is_directory(parent));
        let is_new = !self.files.contains_key(name) && !self.is_directory(name);
        match has_parent && is_new {
            true => Ok(()),
            false => Err(FilestoreStatus::NotAllowed),
        }
    }

    fn octets_of(&self, name: &str, missing: FilestoreStatus) -> Result<Vec<u8>, FilestoreStatus> {
        match self.files.get(name) {
            Some(file) => Ok(file.octets.to_vec()),
            None if self.is_directory(name) => Err(FilestoreStatus::NotAllowed),
            None => Err(missing),
        }
    }

    fn remove(&mut self, name: &str) {
        if let Some(file) = self.files.remove(name) {
            self.bytes -= file.octets.len() as u64;
        }
    }

    fn remove_directory(
        &mut self,
        name: &str,
        missing: FilestoreStatus,
    ) -> Result<(), FilestoreStatus> {
        if self.files.contains_key(name) {
            return Err(FilestoreStatus::NotAllowed);
        }
        if !self.is_directory(name) {
            return Err(missing);
        }
        if !self.list(Some(name)).is_empty() {
            return Err(FilestoreStatus::NotAllowed);
        }
        self.directories.remove(name);
        Ok(())
    }
}

fn name_of(name: Lv<'_>) -> Result<String, FilestoreStatus> {
    match StoreName::check(name.octets()) {
        Ok(name) if !is_own(name) => Ok(name.to_string()),
        _ => Err(FilestoreStatus::NotAllowed),
    }
}

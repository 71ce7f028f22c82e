//! From the outbox to where requests are kept.

use std::collections::{BTreeMap, BTreeSet};

use super::kept_name::KeptName;
use super::taking::Asked;
use super::{DirectoryOf, Dropbox, KEPT, REQUEST_SUFFIX, Submit};
use crate::folders::{FolderError, Folders, Kind, Replace};
use crate::names::AppId;

/// The directories of an app during a scan.
pub(super) struct Place<'p, F: Folders> {
    pub(super) app: &'p AppId,
    pub(super) outbox: &'p F::Directory,
    pub(super) kept: &'p F::Directory,
    pub(super) receipts_written: usize,
}

impl<S: Submit> Dropbox<S> {
    /// Takes new requests up. Afterwards `asked` has what is kept, no more and no less.
    /// Gives the directory that it is kept in; nothing while there is none.
    pub(super) fn take_up(
        &mut self,
        app: &AppId,
        outbox: &DirectoryOf<S>,
        asked: &mut BTreeMap<KeptName, Asked>,
    ) -> Result<Option<DirectoryOf<S>>, FolderError> {
        let listed = self.folders().list(outbox)?.into_iter();
        let files = listed.filter(|(_, kind)| *kind != Kind::Directory);
        let new: Vec<String> = files.map(first).filter(|name| is_request(name)).collect();
        let kept = match self.folders().open_directory(outbox, KEPT) {
            Err(FolderError::Missing { .. }) if new.is_empty() => return Ok(None),
            Err(FolderError::Missing { .. }) => {
                self.folders().make_directory(outbox, KEPT, None)?;
                self.folders().sync_directory(outbox)?;
                self.folders().open_directory(outbox, KEPT)?
            }
            opened => opened?,
        };
        let listed = self.folders().list(&kept)?.into_iter().map(first);
        let mut names: BTreeSet<KeptName> = listed.filter_map(KeptName::of).collect();
        let stems: BTreeSet<String> = names.iter().map(|name| name.stem().to_owned()).collect();
        let mut is_changed = false;
        for name in new {
            let stem = name.strip_suffix(REQUEST_SUFFIX).unwrap_or(&name);
            if names.len() >= self.limits.kept_max {
                break;
            }
            // One at a time of each name.
            if stems.contains(stem) {
                continue;
            }
            let is = KeptName::anew(stem);
            let from = (outbox, name.as_str());
            match self
                .folders()
                .rename(from, (&kept, is.as_str()), Replace::Never)
            {
                Ok(()) => {
                    is_changed = true;
                    names.insert(is);
                }
                // The app took it back.
                Err(FolderError::Missing { .. }) => {}
                Err(error) => self.failed(app, &name, &error),
            }
        }
        // Under another name it would be another request.
        if is_changed {
            self.folders().sync_directory(&kept)?;
        }
        let (there, gone) = std::mem::take(asked)
            .into_iter()
            .partition(|(name, _)| names.contains(name));
        *asked = there;
        self.note_gone(gone);
        for name in names {
            asked.entry(name).or_insert_with(|| {
                self.counts.taken += 1;
                Asked::New
            });
        }
        Ok(Some(kept))
    }
}

/// Names that begin with a dot are of files that are being written.
fn is_request(name: &str) -> bool {
    !name.starts_with('.') && name.ends_with(REQUEST_SUFFIX)
}

fn first((name, _): (String, Kind)) -> String {
    name
}

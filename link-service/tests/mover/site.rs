//! Boxes and a journal on a real disk.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use link_service::folders::{AppDirectories, Directories};
use link_service::journal::{Journal, JournalError};
use link_service::mover::{Mover, Quota};
use link_service::names::AppId;
use link_service::record::{Order, Transfer, TransferId};

use crate::rig::{apps, limits};

/// A directory with boxes of all apps and a journal.
pub(crate) struct Site(pub(crate) tempfile::TempDir);

pub(crate) type SiteMover = Mover<Directories, FileJournal>;

impl Site {
    pub(crate) fn new() -> Self {
        Site::within(tempfile::tempdir().unwrap())
    }

    pub(crate) fn within(directory: tempfile::TempDir) -> Self {
        for app in apps() {
            for side in ["inbox", "outbox"] {
                fs::create_dir_all(directory.path().join(app.as_str()).join(side)).unwrap();
            }
        }
        fs::create_dir(directory.path().join("journal")).unwrap();
        Site(directory)
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn mover(&self) -> SiteMover {
        mover_at(self.0.path())
    }

    /// Paths of all that is in a box but directories.
    pub(crate) fn paths(&self, of: &str) -> Vec<String> {
        let mut found = Vec::new();
        let root = self.path(of);
        let mut open = vec![root.clone()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                match entry.file_type().unwrap().is_dir() {
                    true => open.push(entry.path()),
                    false => {
                        let path = entry.path();
                        found.push(path.strip_prefix(&root).unwrap().display().to_string());
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }
}

pub(crate) fn directories_at(site: &Path) -> Directories {
    let directories = apps().map(|app| {
        let root = site.join(app.as_str());
        let directories = AppDirectories {
            inbox: root.join("inbox"),
            outbox: root.join("outbox"),
            owner: Some(fs::metadata(&root).unwrap().uid()),
            group: None,
        };
        (app, directories)
    });
    Directories::new(directories)
}

pub(crate) fn mover_at(site: &Path) -> SiteMover {
    let journal = FileJournal(site.join("journal"));
    let unlimited = |_: &AppId| Quota::UNLIMITED;
    Mover::new(directories_at(site), journal, limits(), unlimited)
}

/// A file for each transfer: to be killed with, not to survive a cut of the power.
pub(crate) struct FileJournal(PathBuf);

impl FileJournal {
    pub(crate) fn at(site: &Site) -> Self {
        FileJournal(site.path("journal"))
    }

    fn path(&self, id: TransferId) -> PathBuf {
        self.0.join(id.to_string())
    }
}

impl Journal for FileJournal {
    fn load(&self) -> Result<Vec<Transfer>, JournalError> {
        let mut transfers = Vec::new();
        for entry in fs::read_dir(&self.0).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none() {
                transfers.push(Transfer::decode(&fs::read(path).unwrap()).unwrap());
            }
        }
        transfers.sort_by_key(|transfer: &Transfer| transfer.id);
        Ok(transfers)
    }

    fn put(&self, transfer: &Transfer) -> Result<(), JournalError> {
        let path = self.path(transfer.id);
        let new = path.with_extension("new");
        fs::write(&new, transfer.encode().unwrap()).unwrap();
        fs::rename(new, path).unwrap();
        Ok(())
    }

    /// What is first is nobody's promise: here the journal is, so that a process may end
    /// before the rest.
    fn put_while(
        &self,
        transfer: &Transfer,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), JournalError> {
        self.put(transfer)?;
        meanwhile();
        Ok(())
    }

    fn load_acknowledged(&self) -> Result<Vec<(TransferId, u32)>, JournalError> {
        Ok(Vec::new())
    }

    fn acknowledge(&self, _: TransferId, _: u32) -> Result<(), JournalError> {
        Ok(())
    }

    fn load_orders(&self) -> Result<Vec<(TransferId, Order)>, JournalError> {
        Ok(Vec::new())
    }

    fn order(&self, _: TransferId, _: Order) -> Result<(), JournalError> {
        Ok(())
    }

    fn remove(&self, id: TransferId) -> Result<(), JournalError> {
        fs::remove_file(self.path(id)).unwrap();
        Ok(())
    }
}

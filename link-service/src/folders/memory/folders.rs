//! The boxes of a disk in memory.

use std::time::Duration;

use super::octets::Octets;
use super::tree::{Node, Number, What};
use super::{FAILED, Fate, MemoryDisk, REMOVING, RENAMING, State};
use crate::folders::{Facts, FolderError, Folders, Kind, Replace, Side};
use crate::names::AppId;

/// The boxes of a [`MemoryDisk`], for simulations and tests.
#[derive(Clone, Debug)]
pub struct MemoryFolders(pub(super) MemoryDisk);

/// A directory of a [`MemoryDisk`].
#[derive(Clone, Copy, Debug)]
pub struct MemoryDirectory(Number);

/// A file of a [`MemoryDisk`].
#[derive(Clone, Copy, Debug)]
pub struct MemoryFile(Number);

/// How long until it is looked again whether a file hangs still.
const HANG_LOOK: Duration = Duration::from_millis(1);

/// The service's own.
pub(super) const SERVICE: u32 = 0;

impl MemoryFolders {
    fn read_state<T>(
        &self,
        read: impl FnOnce(&State) -> Result<T, FolderError>,
    ) -> Result<T, FolderError> {
        let state = self.0.state();
        match state.failed {
            true => Err(failed("reading", FAILED)),
            false => read(&state),
        }
    }

    fn change<T>(
        &self,
        what: &str,
        change: impl FnOnce(&mut State) -> Result<T, FolderError>,
    ) -> Result<T, FolderError> {
        let mut state = self.0.state();
        match state.fate(what) {
            Fate::Made => change(&mut state),
            Fate::Fails { is_made, error } => {
                if is_made {
                    let _ = change(&mut state);
                }
                Err(error)
            }
        }
    }
}

impl Folders for MemoryFolders {
    type Directory = MemoryDirectory;
    type File = MemoryFile;

    fn open_box(&self, app: &AppId, side: Side) -> Result<MemoryDirectory, FolderError> {
        self.read_state(|state| {
            let number = state.boxes.get(&(app.clone(), side));
            let name = format!("{side:?} of {app}");
            number.map_or(Err(FolderError::Missing { name }), |number| {
                Ok(MemoryDirectory(*number))
            })
        })
    }

    fn owner(&self, app: &AppId) -> Option<u32> {
        self.0.state().owners.get(app).copied()
    }

    fn boot(&self, _: &MemoryDirectory) -> Option<u128> {
        Some(self.0.state().boot)
    }

    fn open_directory(
        &self,
        within: &MemoryDirectory,
        name: &str,
    ) -> Result<MemoryDirectory, FolderError> {
        self.read_state(|state| {
            let number = find(state, within, name)?;
            match node(state, number)?.kind() {
                Kind::Directory => Ok(MemoryDirectory(number)),
                _ => Err(not_allowed(name, "it is no directory")),
            }
        })
    }

    fn make_directory(
        &self,
        within: &MemoryDirectory,
        name: &str,
        of: Option<&AppId>,
    ) -> Result<(), FolderError> {
        self.change("making a directory", |state| {
            refuse_existing(state, within, name)?;
            let owner = of.and_then(|app| state.owners.get(app).copied());
            let number = state.tree.make(What::Directory, owner.unwrap_or(SERVICE));
            state.tree.change(&[(within.0, name, Some(number))]);
            Ok(())
        })
    }

    fn list(&self, within: &MemoryDirectory) -> Result<Vec<(String, Kind)>, FolderError> {
        self.read_state(|state| {
            let names = state.tree.names(within.0);
            let kind = |number| node(state, number).map(Node::kind);
            let names = names.map(|(name, number)| Ok((name.to_string(), kind(number)?)));
            names.collect()
        })
    }

    fn look(&self, within: &MemoryDirectory, name: &str) -> Result<Option<Facts>, FolderError> {
        self.read_state(|state| {
            let number = state.tree.find(within.0, name);
            number.map(|number| facts(state, number)).transpose()
        })
    }

    fn open(&self, within: &MemoryDirectory, name: &str) -> Result<MemoryFile, FolderError> {
        self.read_state(|state| open_file(state, within, name))
    }

    fn open_to_write(
        &self,
        within: &MemoryDirectory,
        name: &str,
    ) -> Result<MemoryFile, FolderError> {
        self.change("making a file", |state| {
            if state.tree.find(within.0, name).is_some() {
                return open_file(state, within, name);
            }
            let number = state.tree.make(What::File(Octets::default()), SERVICE);
            state.tree.change(&[(within.0, name, Some(number))]);
            Ok(MemoryFile(number))
        })
    }

    fn facts(&self, file: &MemoryFile) -> Result<Facts, FolderError> {
        self.read_state(|state| facts(state, file.0))
    }

    fn read(
        &self,
        file: &MemoryFile,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<usize, FolderError> {
        while self.0.state().hangs(file.0) {
            std::thread::sleep(HANG_LOOK);
        }
        self.read_state(|state| {
            let live = match &node(state, file.0)?.what {
                What::File(octets) => octets.live(),
                _ => &[],
            };
            let from = usize::try_from(offset).ok().and_then(|at| live.get(at..));
            let from = from.unwrap_or_default();
            let count = from.len().min(octets.len());
            for (to, octet) in octets.iter_mut().zip(from) {
                *to = *octet;
            }
            Ok(count)
        })
    }

    fn write(&self, file: &MemoryFile, offset: u64, octets: &[u8]) -> Result<(), FolderError> {
        let mut state = self.0.state();
        if state.failed {
            return Err(failed("writing", FAILED));
        }
        let fate = state.fate("writing");
        let octets = match &fate {
            Fate::Made => octets,
            // Of a write that fails, a part may be there.
            Fate::Fails { .. } => octets.get(..octets.len() / 2).unwrap_or_default(),
        };
        write(&mut state, file.0, offset, octets)?;
        match fate {
            Fate::Made => Ok(()),
            Fate::Fails { error, .. } => Err(error),
        }
    }

    fn reserve(&self, file: &MemoryFile, bytes: u64) -> Result<(), FolderError> {
        self.change("reserving", |state| {
            let before = state.tree.bytes();
            let node = node_mut(state, file.0)?;
            let reserved_before = node.reserved_bytes;
            node.reserved_bytes = reserved_before.max(bytes);
            let bytes = state.tree.bytes();
            if bytes > state.bytes_max && bytes > before {
                node_mut(state, file.0)?.reserved_bytes = reserved_before;
                return Err(no_space("reserving"));
            }
            Ok(())
        })
    }

    fn cut(&self, file: &MemoryFile, bytes: u64) -> Result<(), FolderError> {
        self.change("cutting", |state| {
            let now = state.tree.tick();
            let node = node_mut(state, file.0)?;
            node.reserved_bytes = node.reserved_bytes.min(bytes);
            node.modified = now;
            node.changed = now;
            if let (What::File(octets), Ok(bytes)) = (&mut node.what, usize::try_from(bytes)) {
                octets.cut(bytes);
            }
            Ok(())
        })
    }

    fn hand_over(&self, file: &MemoryFile, app: &AppId) -> Result<(), FolderError> {
        self.change("handing over", |state| {
            let owner = state.owners.get(app).copied();
            let now = state.tree.tick();
            let node = node_mut(state, file.0)?;
            node.owner = owner.unwrap_or(node.owner);
            node.changed = now;
            Ok(())
        })
    }

    fn sync(&self, file: &MemoryFile) -> Result<(), FolderError> {
        let mut state = self.0.state();
        if state.failed {
            return Err(failed("syncing", FAILED));
        }
        let fate = state.fate("syncing");
        let corrupts = std::mem::take(&mut state.next_sync_corrupts);
        let node = node_mut(&mut state, file.0)?;
        if let What::File(octets) = &mut node.what {
            match &fate {
                Fate::Made if corrupts => octets.corrupt_sync(),
                Fate::Made => octets.sync(),
                Fate::Fails { is_made: true, .. } => octets.sync(),
                Fate::Fails { is_made: false, .. } => octets.fail_sync(),
            }
        }
        match fate {
            Fate::Made => Ok(()),
            Fate::Fails { error, .. } => Err(error),
        }
    }

    fn forget_cached(&self, file: &MemoryFile) {
        let mut state = self.0.state();
        if let Ok(node) = node_mut(&mut state, file.0)
            && let What::File(octets) = &mut node.what
        {
            octets.forget_cached();
        }
    }

    fn sync_directory(&self, directory: &MemoryDirectory) -> Result<(), FolderError> {
        self.change("syncing a directory", |state| {
            state.tree.sync(directory.0);
            Ok(())
        })
    }

    fn rename(
        &self,
        from: (&MemoryDirectory, &str),
        to: (&MemoryDirectory, &str),
        replace: Replace,
    ) -> Result<(), FolderError> {
        self.change(RENAMING, |state| {
            let number = find(state, from.0, from.1)?;
            if let Some(there) = state.tree.find(to.0.0, to.1) {
                let is_directory = node(state, there)?.kind() == Kind::Directory;
                if replace == Replace::Never || is_directory {
                    let name = to.1.to_string();
                    return Err(FolderError::Exists { name });
                }
            }
            let gone = (from.0.0, from.1, None);
            state.tree.change(&[gone, (to.0.0, to.1, Some(number))]);
            Ok(())
        })
    }

    fn remove(&self, within: &MemoryDirectory, name: &str) -> Result<(), FolderError> {
        self.change(REMOVING, |state| {
            let Some(number) = state.tree.find(within.0, name) else {
                return Ok(());
            };
            if node(state, number)?.kind() == Kind::Directory {
                return Err(not_allowed(name, "it is a directory"));
            }
            state.tree.change(&[(within.0, name, None)]);
            Ok(())
        })
    }

    fn remove_directory(&self, within: &MemoryDirectory, name: &str) -> Result<(), FolderError> {
        self.change("removing a directory", |state| {
            let Some(number) = state.tree.find(within.0, name) else {
                return Ok(());
            };
            if node(state, number)?.kind() != Kind::Directory {
                return Err(not_allowed(name, "it is no directory"));
            }
            if state.tree.names(number).next().is_some() {
                return Err(failed("removing a directory", "it is not empty"));
            }
            state.tree.change(&[(within.0, name, None)]);
            Ok(())
        })
    }

    fn free_bytes(&self, _: &MemoryDirectory) -> Result<u64, FolderError> {
        self.read_state(|state| Ok(state.bytes_max.saturating_sub(state.tree.bytes())))
    }
}

fn write(state: &mut State, number: Number, offset: u64, new: &[u8]) -> Result<(), FolderError> {
    let now = state.tree.tick();
    let bytes = state.tree.bytes();
    let bytes_max = state.bytes_max;
    let node = node_mut(state, number)?;
    let What::File(octets) = &mut node.what else {
        return Err(not_allowed("", "it is no file"));
    };
    let offset = usize::try_from(offset).map_err(|_| failed("writing", "too far"))?;
    let taken = node.reserved_bytes.max(octets.live().len() as u64);
    let more_bytes = ((offset + new.len()) as u64).saturating_sub(taken);
    if more_bytes > 0 && bytes + more_bytes > bytes_max {
        return Err(no_space("writing"));
    }
    octets.write(offset, new);
    node.modified = now;
    node.changed = now;
    Ok(())
}

fn open_file(
    state: &State,
    within: &MemoryDirectory,
    name: &str,
) -> Result<MemoryFile, FolderError> {
    let number = find(state, within, name)?;
    match node(state, number)?.kind() {
        Kind::File => Ok(MemoryFile(number)),
        Kind::Directory => Err(not_allowed(name, "it is a directory")),
        Kind::Other => Err(not_allowed(name, "it is no regular file")),
    }
}

pub(super) fn facts(state: &State, number: Number) -> Result<Facts, FolderError> {
    let node = node(state, number)?;
    Ok(Facts {
        kind: node.kind(),
        size: match &node.what {
            What::File(octets) => octets.live().len() as u64,
            _ => 0,
        },
        modified_ns: node.modified,
        changed_ns: node.changed,
        number,
        links: state.tree.links(number),
        owner: node.owner,
    })
}

fn find(state: &State, within: &MemoryDirectory, name: &str) -> Result<Number, FolderError> {
    let number = state.tree.find(within.0, name);
    let name = name.to_string();
    number.ok_or(FolderError::Missing { name })
}

fn refuse_existing(state: &State, within: &MemoryDirectory, name: &str) -> Result<(), FolderError> {
    match state.tree.find(within.0, name) {
        Some(_) => Err(FolderError::Exists {
            name: name.to_string(),
        }),
        None => Ok(()),
    }
}

fn node(state: &State, number: Number) -> Result<&Node, FolderError> {
    let node = state.tree.nodes.get(&number);
    node.ok_or_else(|| failed("finding a file", "it is gone"))
}

fn node_mut(state: &mut State, number: Number) -> Result<&mut Node, FolderError> {
    let node = state.tree.nodes.get_mut(&number);
    node.ok_or_else(|| failed("finding a file", "it is gone"))
}

fn not_allowed(name: &str, why: &str) -> FolderError {
    FolderError::NotAllowed {
        name: name.to_string(),
        why: why.to_string(),
    }
}

fn no_space(what: &str) -> FolderError {
    FolderError::NoSpace {
        what: what.to_string(),
        error: "no space left".to_string(),
    }
}

fn failed(what: &str, error: &str) -> FolderError {
    FolderError::Failed {
        what: what.to_string(),
        error: error.to_string(),
    }
}

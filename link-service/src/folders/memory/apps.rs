//! What apps do with their boxes. All of it but what they [write](MemoryDisk::write) is
//! durable at once, and none of it is a change that can fail.

use super::octets::Octets;
use super::tree::{Number, What};
use super::{MemoryDisk, State};
use crate::folders::{Kind, Side};
use crate::names::AppId;

impl MemoryDisk {
    /// Gives an app an inbox and an outbox, and its files an owner.
    pub fn add_app(&self, app: &AppId, owner: u32) {
        let mut state = self.state();
        state.owners.insert(app.clone(), owner);
        for side in [Side::Inbox, Side::Outbox] {
            let root = state.tree.make(What::Directory, owner);
            state.boxes.insert((app.clone(), side), root);
        }
    }

    /// Puts a file into a box, by its path with `/`; one that was there is another file.
    pub fn put(&self, app: &AppId, side: Side, path: &str, octets: &[u8]) {
        let what = What::File(Octets::durable(octets));
        self.state().put(app, side, path, what);
    }

    /// The same, by an app that syncs nothing: neither the octets, nor the name, nor the
    /// directories that it makes.
    pub fn write(&self, app: &AppId, side: Side, path: &str, octets: &[u8]) {
        let mut new = Octets::default();
        new.write(0, octets);
        let mut state = self.state();
        state.put_unsynced(app, side, path, What::File(new));
    }

    /// Puts into a box what is no file: a link, a FIFO, a device.
    pub fn put_other(&self, app: &AppId, side: Side, path: &str) {
        self.state().put(app, side, path, What::Other);
    }

    /// Makes a directory in a box.
    pub fn put_directory(&self, app: &AppId, side: Side, path: &str) {
        self.state().put(app, side, path, What::Directory);
    }

    /// Gives a file a second name.
    pub fn link(&self, app: &AppId, side: Side, path: &str, second: &str) {
        let mut state = self.state();
        if let Some((_, _, Some(number))) = state.walk(app, side, path)
            && let Some((within, name, _)) = state.walk(app, side, second)
        {
            state.tree.change(&[(within, &name, Some(number))]);
            state.tree.sync_last();
        }
    }

    /// Gives a file to somebody else.
    pub fn set_owner(&self, app: &AppId, side: Side, path: &str, owner: u32) {
        let mut state = self.state();
        if let Some((_, _, Some(number))) = state.walk(app, side, path)
            && let Some(node) = state.tree.nodes.get_mut(&number)
        {
            node.owner = owner;
        }
    }

    /// Writes to a file that is there, without giving it another inode.
    pub fn scribble(&self, app: &AppId, side: Side, path: &str, octets: &[u8]) {
        let mut state = self.state();
        let now = state.tree.tick();
        if let Some((_, _, Some(number))) = state.walk(app, side, path)
            && let Some(node) = state.tree.nodes.get_mut(&number)
        {
            node.what = What::File(Octets::durable(octets));
            node.modified = now;
            node.changed = now;
        }
    }

    /// Removes a file; whether it was there.
    pub fn take(&self, app: &AppId, side: Side, path: &str) -> bool {
        let mut state = self.state();
        let Some((within, name, Some(_))) = state.walk(app, side, path) else {
            return false;
        };
        state.tree.change(&[(within, &name, None)]);
        state.tree.sync_last();
        true
    }

    /// A file is read so many times more; whoever reads it then, waits until
    /// [`let_go`](Self::let_go).
    pub fn hang_after(&self, reads: u64, app: &AppId, side: Side, path: &str) {
        let mut state = self.state();
        let found = state.walk(app, side, path).and_then(|(.., number)| number);
        state.hung = found.map(|number| (number, reads));
    }

    /// No file hangs any more.
    pub fn let_go(&self) {
        self.state().hung = None;
    }

    /// What a file holds; nothing where there is none.
    #[must_use]
    pub fn file(&self, app: &AppId, side: Side, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let (_, _, number) = state.walk(app, side, path)?;
        match &state.tree.nodes.get(&number?)?.what {
            What::File(octets) => Some(octets.live().to_vec()),
            _ => None,
        }
    }

    /// Whose a file is.
    #[must_use]
    pub fn file_owner(&self, app: &AppId, side: Side, path: &str) -> Option<u32> {
        let state = self.state();
        let (_, _, number) = state.walk(app, side, path)?;
        Some(state.tree.nodes.get(&number?)?.owner)
    }

    /// The paths of all that is in a box but directories, sorted.
    #[must_use]
    pub fn paths(&self, app: &AppId, side: Side) -> Vec<String> {
        let state = self.state();
        let mut paths = Vec::new();
        let root = state.boxes.get(&(app.clone(), side));
        let mut open: Vec<(Number, String)> = root
            .map(|root| (*root, String::new()))
            .into_iter()
            .collect();
        while let Some((within, path)) = open.pop() {
            for (name, number) in state.tree.names(within) {
                let path = format!("{path}{name}");
                let kind = state.tree.nodes.get(&number).map(|node| node.kind());
                match kind {
                    Some(Kind::Directory) => open.push((number, format!("{path}/"))),
                    _ => paths.push(path),
                }
            }
        }
        paths.sort_unstable();
        paths
    }
}

impl State {
    /// Whether one who reads a file is to wait.
    pub(super) fn hangs(&mut self, file: Number) -> bool {
        match &mut self.hung {
            Some((hung, 0)) => *hung == file,
            Some((hung, reads)) if *hung == file => {
                *reads -= 1;
                false
            }
            _ => false,
        }
    }

    /// The directory that a path is in, its last component, and what has it.
    fn walk(
        &self,
        app: &AppId,
        side: Side,
        path: &str,
    ) -> Option<(Number, String, Option<Number>)> {
        let mut within = *self.boxes.get(&(app.clone(), side))?;
        let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
        for directory in directories.split('/').filter(|name| !name.is_empty()) {
            within = self.tree.find(within, directory)?;
        }
        Some((within, name.to_string(), self.tree.find(within, name)))
    }

    fn put(&mut self, app: &AppId, side: Side, path: &str, what: What) {
        self.put_with(app, side, path, what, |state| state.tree.sync_last());
    }

    fn put_unsynced(&mut self, app: &AppId, side: Side, path: &str, what: What) {
        self.put_with(app, side, path, what, |_| {});
    }

    fn put_with(
        &mut self,
        app: &AppId,
        side: Side,
        path: &str,
        what: What,
        named: impl Fn(&mut State),
    ) {
        let Some(mut within) = self.boxes.get(&(app.clone(), side)).copied() else {
            return;
        };
        let owner = self.owners.get(app).copied().unwrap_or_default();
        let name = |state: &mut State, within, name: &str, what| {
            let number = state.tree.make(what, owner);
            state.tree.change(&[(within, name, Some(number))]);
            named(state);
            number
        };
        let (directories, last) = path.rsplit_once('/').unwrap_or(("", path));
        for directory in directories.split('/').filter(|name| !name.is_empty()) {
            within = match self.tree.find(within, directory) {
                Some(number) => number,
                None => name(self, within, directory, What::Directory),
            };
        }
        name(self, within, last, what);
    }
}

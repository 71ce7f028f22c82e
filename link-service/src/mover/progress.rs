//! How far the copying for a recipient is, and whether it goes on.

use std::cell::Cell;

/// Of one leg, while its files are copied.
pub(super) struct Progress<'p> {
    /// Octets of those files that were copied before the one that is copied now.
    before_bytes: Cell<u64>,
    go_on: &'p dyn Fn() -> bool,
    tell: &'p dyn Fn(u64),
}

impl<'p> Progress<'p> {
    pub(super) fn new(go_on: &'p dyn Fn() -> bool, tell: &'p dyn Fn(u64)) -> Self {
        Progress {
            before_bytes: Cell::new(0),
            go_on,
            tell,
        }
    }

    /// Octets of all files that are there.
    pub(super) fn done_bytes(&self) -> u64 {
        self.before_bytes.get()
    }

    /// So many octets of a file are there: it is not copied any more.
    pub(super) fn add(&self, bytes: u64) {
        self.before_bytes.set(self.before_bytes.get() + bytes);
    }

    /// So many octets of the file that is copied are there: whether the next are to follow.
    pub(super) fn may_copy_on(&self, bytes: u64) -> bool {
        (self.tell)(self.before_bytes.get() + bytes);
        (self.go_on)()
    }

    /// Whether to go on with something else than copying.
    pub(super) fn may_go_on(&self) -> bool {
        (self.go_on)()
    }
}

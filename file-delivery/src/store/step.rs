//! The steps by which files and the journal become durable. What a process leaves that
//! ends between two of them is for tests to see: they end it there.

use std::fmt;

/// A step that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// A directory that a file will be in was made.
    DirectoryMade,
    /// A place of staging was made.
    PlaceMade,
    /// What was written to a place is on the disk.
    PlaceSynced,
    /// So is its name.
    PlaceNamed,
    /// A file is whole and on the disk; it has no name of its own yet.
    FileSynced,
    /// It has its name.
    Renamed,
    /// Its name is on the disk.
    NameSynced,
    /// A file, a place or a directory was removed.
    Removed,
    /// Octets were written to the journal's file.
    JournalWritten,
    /// They are on the disk.
    JournalSynced,
}

impl Step {
    /// Every step.
    pub const ALL: [Step; 10] = [
        Self::DirectoryMade,
        Self::PlaceMade,
        Self::PlaceSynced,
        Self::PlaceNamed,
        Self::FileSynced,
        Self::Renamed,
        Self::NameSynced,
        Self::Removed,
        Self::JournalWritten,
        Self::JournalSynced,
    ];
}

/// What is called when a step is done.
pub type AtStep = Box<dyn FnMut(Step) + Send>;

/// Who is told of steps: nobody, but in tests.
#[derive(Default)]
pub(super) struct Steps(Option<AtStep>);

impl Steps {
    pub(super) fn tell(&mut self, at_step: AtStep) {
        self.0 = Some(at_step);
    }

    pub(super) fn done(&mut self, step: Step) {
        if let Some(at_step) = &mut self.0 {
            at_step(step);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Steps").field(&self.0.is_some()).finish()
    }
}

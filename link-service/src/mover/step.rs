//! The steps of a transfer. What a process leaves that ends between two of them is for
//! tests to see: they end it there.

use std::fmt;

/// A step that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The source was opened, and is what may be sent.
    Opened,
    /// The source, and the name of it, are on the disk.
    SourceSynced,
    /// The transfer is in the journal.
    Accepted,
    /// A file has its place among the claims.
    Claimed,
    /// There is room for a file, and it is taken.
    Reserved,
    /// All octets of a file were copied.
    Copied,
    /// They are on the disk.
    Synced,
    /// They were read again, and are right.
    Verified,
    /// The journal says so.
    VerifiedJournaled,
    /// A file, or the directory of a batch, has its name.
    Renamed,
    /// The name is on the disk.
    NamesSynced,
    /// The journal says that a recipient has it, or never gets it.
    LegJournaled,
    /// What was not delivered of a staging is gone.
    Discarded,
    /// The source is gone.
    Released,
    /// A file of the source is back in the outbox.
    GivenBack,
    /// The outcome is noted.
    Ended,
}

impl Step {
    /// Every step.
    pub const ALL: [Step; 16] = [
        Self::Opened,
        Self::SourceSynced,
        Self::Accepted,
        Self::Claimed,
        Self::Reserved,
        Self::Copied,
        Self::Synced,
        Self::Verified,
        Self::VerifiedJournaled,
        Self::Renamed,
        Self::NamesSynced,
        Self::LegJournaled,
        Self::Discarded,
        Self::Released,
        Self::GivenBack,
        Self::Ended,
    ];
}

/// What is called when a step is done.
pub type AtStep = Box<dyn Fn(Step) + Send + Sync>;

/// Who is told of steps: nobody, but in tests.
#[derive(Default)]
pub(super) struct Steps(Option<AtStep>);

impl Steps {
    pub(super) fn tell(&mut self, at_step: AtStep) {
        self.0 = Some(at_step);
    }

    pub(super) fn done(&self, step: Step) {
        if let Some(at_step) = &self.0 {
            at_step(step);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Steps").field(&self.0.is_some()).finish()
    }
}

//! What is sent: looked at before it is accepted, taken out of the outbox, and at the end
//! removed or given back.

use super::Mover;
use super::copy::Hash;
use super::places::{self, OWN, RETURNED};
use super::step::Step;
use super::stop::Stop;
use crate::bundle::{Bundle, Piece};
use crate::code::Code;
use crate::folders::{Facts, FolderError, Folders, Kind, Replace, Side};
use crate::journal::Journal;
use crate::names::{AppId, FileName};
use crate::record::{FileRecord, Leg, Transfer};
use crate::request::{LinkRequest, Recipient};

/// A file of the source that is open, and what it was then.
pub(super) struct Source<F: Folders> {
    pub(super) file: F::File,
    pub(super) facts: Facts,
}

impl<F: Folders, J: Journal> Mover<F, J> {
    /// What the files of a request are, where they may be sent.
    pub(super) fn inspect<'p>(
        &self,
        sender: &AppId,
        folder: impl IntoIterator<Item = &'p str>,
        request: &LinkRequest,
    ) -> Result<Vec<FileRecord>, Stop> {
        let outbox = self.folders.open_box(sender, Side::Outbox);
        let outbox = outbox.map_err(Stop::of_box)?;
        let within = places::beneath(&self.folders, outbox, folder);
        let within = within.map_err(Stop::of_source)?;
        let inspect = |name: &FileName| {
            let source = self.open_source((&within, name.as_str()), name, sender)?;
            Ok(FileRecord {
                size: source.facts.size,
                modified_ns: source.facts.modified_ns,
                number: source.facts.number,
                hash: None,
            })
        };
        let files: Result<_, Stop> = request.files.iter().map(inspect).collect();
        self.steps.done(Step::Opened);
        files
    }

    /// Makes the files of a transfer durable, and the names of the directories that they are
    /// in: their app may not have. What they are then.
    pub(super) fn sync_source(&self, transfer: &Transfer) -> Result<Vec<FileRecord>, Stop> {
        let (sender, request) = (&transfer.sender, &transfer.request);
        let outbox = self.folders.open_box(sender, Side::Outbox);
        let outbox = outbox.map_err(Stop::of_box)?;
        let directories = places::all_beneath(&self.folders, outbox, &request.subdirectory);
        let directories = directories.map_err(Stop::of_source)?;
        let mut files = transfer.files.clone();
        let Some(within) = directories.last() else {
            return Ok(files);
        };
        for (name, record) in request.files.iter().zip(&mut files) {
            let source = self.open_source((within, name.as_str()), name, sender)?;
            self.folders.sync(&source.file)?;
            // On shares its time may be another once it is written.
            let facts = self.folders.facts(&source.file)?;
            if facts.size != record.size {
                return Err(changed(name));
            }
            record.modified_ns = facts.modified_ns;
            record.number = facts.number;
        }
        // The outermost first, as nothing is durable in what is not.
        for directory in &directories {
            self.folders.sync_directory(directory)?;
        }
        self.steps.done(Step::SourceSynced);
        Ok(files)
    }

    /// Opens a file of an app, wherever it is now, if it is a regular one of its own with
    /// that name only.
    pub(super) fn open_source(
        &self,
        (within, at): (&F::Directory, &str),
        name: &FileName,
        sender: &AppId,
    ) -> Result<Source<F>, Stop> {
        let file = self.folders.open(within, at);
        let file = file.map_err(Stop::of_source)?;
        let facts = self.folders.facts(&file)?;
        let refused = |why: &str| {
            let text = format!("{name} is not allowed: {why}");
            Err(Stop::finally(Code::SourceNotRegular, text))
        };
        if facts.kind != Kind::File {
            return refused("it is no regular file");
        }
        // Another name of a file is one that the app perhaps could not read itself.
        if facts.links != 1 {
            return refused("the file has other names, too");
        }
        match self.folders.owner(sender) {
            Some(owner) if owner != facts.owner => refused("it is somebody else's"),
            _ => Ok(Source { file, facts }),
        }
    }

    /// Takes the files out of the outbox, so that their names are free for others. Those
    /// that were taken out already are where they are.
    pub(super) fn claim(&self, transfer: &mut Transfer) -> Result<(), Stop> {
        if transfer.is_claimed() {
            let outbox = self.folders.open_box(&transfer.sender, Side::Outbox);
            let outbox = outbox.map_err(Stop::of_box)?;
            let own = places::open_or_make(&self.folders, &outbox, OWN, None);
            let own = own.map_err(Stop::of_own)?;
            // Where all are claimed, the directory that they were in may be gone.
            let within = places::beneath(&self.folders, outbox, transfer.source_folder());
            for (number, name) in transfer.request.files.iter().enumerate() {
                let claim = places::claim_name(transfer.id, number, name);
                if self.folders.look(&own, &claim)?.is_none() {
                    let within = within
                        .as_ref()
                        .map_err(|error| Stop::of_source(error.clone()))?;
                    self.claim_file(transfer, number, within, (&own, &claim))?;
                }
            }
        }
        transfer.phase = crate::record::Phase::Claimed;
        Ok(())
    }

    fn claim_file(
        &self,
        transfer: &Transfer,
        number: usize,
        within: &F::Directory,
        claim: (&F::Directory, &str),
    ) -> Result<(), Stop> {
        let name = transfer.request.files.get(number);
        let Some((name, record)) = name.zip(transfer.files.get(number)) else {
            return Ok(());
        };
        let from = (within, name.as_str());
        let source = self.open_source(from, name, &transfer.sender)?;
        is_as_accepted(name, record, &source.facts)?;
        let claimed = self.folders.rename(from, claim, Replace::Never);
        claimed.map_err(|error| match &error {
            FolderError::Exists { .. } => Stop::of_own(error),
            _ => error.into(),
        })?;
        self.steps.done(Step::Claimed);
        Ok(())
    }

    /// Opens a file of the source, wherever it is, if it is what was accepted. `number` is
    /// that of the file.
    pub(super) fn open_accepted(
        &self,
        transfer: &Transfer,
        number: usize,
    ) -> Result<Source<F>, Stop> {
        let name = transfer.request.files.get(number);
        let Some((name, record)) = name.zip(transfer.files.get(number)) else {
            let text = format!("transfer {} has no file {number}", transfer.id);
            return Err(Stop::finally(Code::Internal, text));
        };
        let outbox = self.folders.open_box(&transfer.sender, Side::Outbox);
        let outbox = outbox.map_err(Stop::of_box)?;
        let (within, at) = match transfer.is_claimed() {
            false => {
                let within = places::beneath(&self.folders, outbox, transfer.source_folder());
                (within, name.to_string())
            }
            true => {
                let own = self.folders.open_directory(&outbox, OWN);
                (own, places::claim_name(transfer.id, number, name))
            }
        };
        let within = within.map_err(Stop::of_source)?;
        let source = self.open_source((&within, &at), name, &transfer.sender)?;
        is_as_accepted(name, record, &source.facts)?;
        Ok(source)
    }

    /// Of what goes to another spacecraft, the hash goes with it: it is read once more where
    /// nobody here got it. Durable when it returns.
    pub(super) fn hash_source(
        &self,
        transfer: &mut Transfer,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), Stop> {
        let leads_there =
            |leg: &Leg| matches!(leg.recipient, Recipient::Remote { .. }) && leg.is_open();
        let is_hashed = transfer.hash_elsewhere().is_some();
        if is_hashed || !transfer.legs.iter().any(leads_there) {
            return Ok(());
        }
        let mut next = transfer.clone();
        if transfer.is_bundled() {
            next.bundle_hash = Some(self.hash_bundle(transfer, go_on)?);
        } else if let Some((name, record)) =
            transfer.request.files.iter().zip(&mut next.files).next()
        {
            let source = self.open_accepted(transfer, 0)?;
            record.hash = Some(self.hash(name, &source, go_on)?);
            self.is_unchanged(name, &source)?;
        }
        self.journal.put(&next)?;
        *transfer = next;
        Ok(())
    }

    fn hash_bundle(&self, transfer: &Transfer, go_on: &dyn Fn() -> bool) -> Result<Hash, Stop> {
        let bundle = Bundle::of(transfer);
        let bundle = bundle
            .map_err(|error| Stop::finally(Code::InvalidName, format!("no archive: {error}")))?;
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        while let Some(piece) = bundle.piece(offset, u64::MAX) {
            offset += match piece {
                Piece::Octets(octets) => {
                    hasher.update(octets);
                    octets.len() as u64
                }
                Piece::Zeros(bytes) => {
                    let zeros = [0; 1024];
                    let count = usize::try_from(bytes).unwrap_or(zeros.len());
                    let zeros = zeros.get(..count).unwrap_or(&zeros);
                    hasher.update(zeros);
                    zeros.len() as u64
                }
                Piece::File { index, bytes, .. } => {
                    let source = self.open_accepted(transfer, index)?;
                    let name = transfer.request.files.get(index);
                    let name =
                        name.ok_or_else(|| Stop::finally(Code::Internal, "a file is missing"))?;
                    self.hash_into(&mut hasher, name, &source, go_on)?;
                    self.is_unchanged(name, &source)?;
                    bytes
                }
            };
        }
        Ok(hasher.finalize().into())
    }

    /// Whether nobody wrote to a file since it was opened.
    pub(super) fn is_unchanged(&self, name: &FileName, source: &Source<F>) -> Result<(), Stop> {
        match self.folders.facts(&source.file)? == source.facts {
            true => Ok(()),
            false => Err(changed(name)),
        }
    }

    /// Removes what was delivered.
    pub(super) fn release(&self, transfer: &Transfer) -> Result<(), Stop> {
        if transfer.request.leave_source {
            return Ok(());
        }
        let outbox = self.folders.open_box(&transfer.sender, Side::Outbox);
        let outbox = outbox.map_err(Stop::of_box)?;
        if transfer.origin.is_some() {
            self.release_arrived(transfer, outbox)?;
            self.steps.done(Step::Released);
            return Ok(());
        }
        let mut released = 0;
        if let Some(own) = places::open_if_there(&self.folders, &outbox, OWN)? {
            for (number, name) in transfer.request.files.iter().enumerate() {
                let claim = places::claim_name(transfer.id, number, name);
                if self.folders.look(&own, &claim)?.is_some() {
                    self.folders.remove(&own, &claim)?;
                    released += 1;
                }
            }
        }
        if released < transfer.files.len() {
            self.release_unclaimed(transfer, outbox)?;
        }
        self.steps.done(Step::Released);
        Ok(())
    }

    /// What was delivered, and is in the outbox again: a cut of the power undid the claim.
    fn release_unclaimed(&self, transfer: &Transfer, outbox: F::Directory) -> Result<(), Stop> {
        let within = match places::beneath(&self.folders, outbox, transfer.source_folder()) {
            Err(FolderError::Missing { .. } | FolderError::NotAllowed { .. }) => return Ok(()),
            within => within?,
        };
        for (name, record) in transfer.request.files.iter().zip(&transfer.files) {
            let Some(facts) = self.folders.look(&within, name.as_str())? else {
                continue;
            };
            let is_it = facts.kind == Kind::File
                && facts.number == record.number
                && is_as_accepted(name, record, &facts).is_ok();
            if is_it {
                self.folders.remove(&within, name.as_str())?;
            }
        }
        Ok(())
    }

    /// Puts back what was not delivered, as far as it was taken out: under its name, or
    /// where that is taken, among what was returned. The paths of the latter.
    pub(super) fn give_back(&self, transfer: &Transfer) -> Result<Vec<String>, Stop> {
        let outbox = self.folders.open_box(&transfer.sender, Side::Outbox);
        let outbox = outbox.map_err(Stop::of_box)?;
        if transfer.origin.is_some() {
            self.set_arrived_aside(transfer, &outbox)?;
            return self.returned(transfer, &outbox);
        }
        if let Some(own) = places::open_if_there(&self.folders, &outbox, OWN)? {
            for (number, name) in transfer.request.files.iter().enumerate() {
                let claim = places::claim_name(transfer.id, number, name);
                if self.folders.look(&own, &claim)?.is_some() {
                    self.give_back_file(transfer, &outbox, (&own, &claim), name)?;
                    self.steps.done(Step::GivenBack);
                }
            }
        }
        self.returned(transfer, &outbox)
    }

    fn give_back_file(
        &self,
        transfer: &Transfer,
        outbox: &F::Directory,
        claim: (&F::Directory, &str),
        name: &FileName,
    ) -> Result<(), Stop> {
        let root = self.folders.open_box(&transfer.sender, Side::Outbox);
        let root = root.map_err(Stop::of_box)?;
        let back = places::beneath(&self.folders, root, transfer.source_folder());
        let back = back.and_then(|within| {
            self.folders
                .rename(claim, (&within, name.as_str()), Replace::Never)
        });
        match back {
            // Somebody has the name, or the directory is gone.
            Err(
                FolderError::Exists { .. }
                | FolderError::Missing { .. }
                | FolderError::NotAllowed { .. }
                | FolderError::OtherFileSystem { .. },
            ) => {
                let id = transfer.id.to_string();
                self.set_aside(&transfer.sender, outbox, claim, (&id, name.as_str()))
            }
            back => Ok(back?),
        }
    }

    /// Puts a claim among what was returned: into the directory of `id`, as `name`.
    pub(super) fn set_aside(
        &self,
        sender: &AppId,
        outbox: &F::Directory,
        claim: (&F::Directory, &str),
        (id, name): (&str, &str),
    ) -> Result<(), Stop> {
        let returned = places::open_or_make(&self.folders, outbox, RETURNED, Some(sender));
        let returned = returned.map_err(Stop::of_own)?;
        let kept = places::open_or_make(&self.folders, &returned, id, Some(sender));
        let kept = kept.map_err(Stop::of_own)?;
        let aside = self.folders.rename(claim, (&kept, name), Replace::Never);
        aside.map_err(Stop::of_own)
    }

    /// What of a transfer is among what was returned.
    fn returned(&self, transfer: &Transfer, outbox: &F::Directory) -> Result<Vec<String>, Stop> {
        let Ok(returned) = self.folders.open_directory(outbox, RETURNED) else {
            return Ok(Vec::new());
        };
        let Ok(kept) = self
            .folders
            .open_directory(&returned, &transfer.id.to_string())
        else {
            return Ok(Vec::new());
        };
        let names = self.folders.list(&kept)?;
        let path = |(name, _)| format!("{RETURNED}/{}/{name}", transfer.id);
        Ok(names.into_iter().map(path).collect())
    }
}

fn is_as_accepted(name: &FileName, record: &FileRecord, facts: &Facts) -> Result<(), Stop> {
    match (record.size, record.modified_ns) == (facts.size, facts.modified_ns) {
        true => Ok(()),
        false => Err(changed(name)),
    }
}

pub(super) fn changed(name: &FileName) -> Stop {
    let text = format!("{name} changed since it was accepted; ask again once it is as it is to be");
    Stop::finally(Code::SourceChanged, text)
}

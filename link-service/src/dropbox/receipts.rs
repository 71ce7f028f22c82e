//! What the app is told.

use serde_json::Value;

use super::kept_name::KeptName;
use super::place::Place;
use super::{DirectoryOf, Dropbox, RECEIPT_SUFFIX, RECEIPTS, Submit};
use crate::folders::{FolderError, Folders, Replace};
use crate::names::COMPONENT_BYTES_MAX;

/// A receipt that is being written, in the directory of what is kept.
const PART: &str = "receipt.part";
/// Octets of a name that are kept where it is too long for the suffix.
const SHORT_BYTES: usize = 200;

/// The name of the receipt of what was dropped for the file `name`: with the suffix, and
/// shortened where that is too long.
#[must_use]
pub fn receipt_name(name: &str) -> String {
    if name.len() + RECEIPT_SUFFIX.len() <= COMPONENT_BYTES_MAX {
        return format!("{name}{RECEIPT_SUFFIX}");
    }
    let short = (0..=SHORT_BYTES).rev().find_map(|end| name.get(..end));
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let hash = hash.get(..16).unwrap_or_default();
    format!("{}-{hash}{RECEIPT_SUFFIX}", short.unwrap_or_default())
}

impl<S: Submit> Dropbox<S> {
    /// Writes the receipt of what is kept as `name`, durably. Where the app has something
    /// in its place that is none, nobody is told, and it is counted.
    pub(super) fn tell(
        &mut self,
        place: &mut Place<'_, S::Folders>,
        name: &KeptName,
        response: &Value,
    ) -> Result<(), FolderError> {
        match self.write(place, name, response) {
            Ok(()) => {
                place.receipts_written += 1;
                Ok(())
            }
            Err(error) if error.heals() => Err(error),
            Err(error) => {
                self.counts.untold += 1;
                log::warn!("no receipt of {} for {}: {error}", name.stem(), place.app);
                Ok(())
            }
        }
    }

    /// The same of what may be told later as well.
    pub(super) fn told_or_logged(
        &mut self,
        place: &mut Place<'_, S::Folders>,
        name: &KeptName,
        response: &Value,
    ) {
        if let Err(error) = self.tell(place, name, response) {
            self.failed(place.app, name.stem(), &error);
        }
    }

    fn write(
        &self,
        place: &Place<'_, S::Folders>,
        name: &KeptName,
        response: &Value,
    ) -> Result<(), FolderError> {
        let Place { app, kept, .. } = place;
        let receipts = self.receipts(place)?;
        self.folders().remove(kept, PART)?;
        let file = self.folders().open_to_write(kept, PART)?;
        let facts = self.folders().facts(&file)?;
        if facts.links != 1 || facts.size != 0 {
            return Err(FolderError::NotAllowed {
                name: PART.to_owned(),
                why: "another file has that name".to_owned(),
            });
        }
        self.folders()
            .write(&file, 0, format!("{response:#}\n").as_bytes())?;
        self.folders().hand_over(&file, app)?;
        self.folders().sync(&file)?;
        let name = receipt_name(name.stem());
        self.folders()
            .rename((kept, PART), (&receipts, &name), Replace::May)?;
        self.folders().sync_directory(&receipts)
    }

    fn receipts(&self, place: &Place<'_, S::Folders>) -> Result<DirectoryOf<S>, FolderError> {
        match self.folders().open_directory(place.outbox, RECEIPTS) {
            Err(FolderError::Missing { .. }) => {}
            opened => return opened,
        }
        self.folders()
            .make_directory(place.outbox, RECEIPTS, Some(place.app))?;
        self.folders().sync_directory(place.outbox)?;
        self.folders().open_directory(place.outbox, RECEIPTS)
    }

    /// An app that never removes its receipts does not fill the disk with them.
    pub(super) fn thin_out_receipts(
        &mut self,
        place: &Place<'_, S::Folders>,
    ) -> Result<(), FolderError> {
        let receipts = match self.folders().open_directory(place.outbox, RECEIPTS) {
            // What the app has there instead was counted.
            Err(FolderError::Missing { .. } | FolderError::NotAllowed { .. }) => return Ok(()),
            opened => opened?,
        };
        let listed = self.folders().list(&receipts)?.into_iter();
        let names = listed.map(|(name, _)| name);
        let names: Vec<String> = names
            .filter(|name| name.ends_with(RECEIPT_SUFFIX))
            .collect();
        let too_many = names.len().saturating_sub(self.limits.receipts_max);
        if too_many == 0 {
            return Ok(());
        }
        let mut by_age = Vec::with_capacity(names.len());
        for name in names {
            if let Some(facts) = self.folders().look(&receipts, &name)? {
                by_age.push((facts.modified_ns, name));
            }
        }
        by_age.sort_unstable();
        for (_, name) in by_age.into_iter().take(too_many) {
            self.folders().remove(&receipts, &name)?;
            self.counts.receipts_removed += 1;
        }
        Ok(())
    }
}

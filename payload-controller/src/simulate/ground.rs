//! A link service that takes every file, and has it on the ground at once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use link_client::LinkError;

use crate::core::FileRecord;
use crate::files::{Carrier, Standing};

pub(super) struct Ground(PathBuf);

impl Ground {
    /// In that directory.
    pub(super) fn new(folder: &Path) -> anyhow::Result<Ground> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        Ok(Ground(folder.to_owned()))
    }
}

impl Carrier for Ground {
    fn outbox(&self) -> Result<PathBuf, LinkError> {
        Ok(self.0.clone())
    }

    fn hand_in(&self, _: &Path, _: &str, _: &FileRecord) -> Result<(), LinkError> {
        Ok(())
    }

    fn standing(&self, _: &str) -> Result<Option<Standing>, LinkError> {
        Ok(Some(Standing::Done))
    }
}

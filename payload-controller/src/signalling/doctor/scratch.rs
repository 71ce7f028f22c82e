//! The directory of a sample window.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::super::payload::Transport;
use super::super::transport::Delivery;
use crate::core::WindowOrder;

/// A signaling directory; dropped, what was made of it is removed.
pub(super) struct Scratch {
    directory: PathBuf,
    made: Option<PathBuf>,
    written: std::cell::RefCell<Option<PathBuf>>,
}

impl Scratch {
    /// That one, or a new one with what it has on board.
    pub(super) fn new(given: Option<&Path>, user: &str) -> anyhow::Result<Scratch> {
        let written = std::cell::RefCell::new(None);
        if let Some(given) = given {
            return Ok(Scratch {
                directory: std::path::absolute(given)?,
                made: None,
                written,
            });
        }
        let mut chance = [0; 8];
        getrandom::fill(&mut chance)?;
        let name = format!("payload-doctor-{}", hex::encode(chance));
        let made = std::env::temp_dir().join(name);
        let created = DirBuilder::new().mode(0o700).create(&made);
        created.with_context(|| format!("cannot make {}", made.display()))?;
        let scratch = Scratch {
            directory: made.clone(),
            made: Some(made.clone()),
            written,
        };
        fs::create_dir(made.join("window_configs"))?;
        fs::create_dir_all(made.join("inbox").join(user))?;
        Ok(scratch)
    }

    /// Writes the configuration of the window, as it is written on board.
    pub(super) fn write(&self, order: &WindowOrder, config: &str) -> Result<PathBuf, String> {
        let directory = format!("{}/window_configs", self.directory.display());
        let name = format!("{}.json", order.id);
        let path = Path::new(&directory).join(&name);
        if path.exists() {
            return Err(format!("{} is there already", path.display()));
        }
        let written = Transport::Local.deliver(Delivery {
            directory: &directory,
            makes_directory: false,
            name: &name,
            mode: 0o644,
            bytes: u64::try_from(config.len()).unwrap_or(u64::MAX),
            data: Box::new(io::Cursor::new(config.to_owned().into_bytes())),
        });
        written.map_err(|setback| format!("the window fails on board: {}", setback.why))?;
        *self.written.borrow_mut() = Some(path.clone());
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let removed = match (&self.made, self.written.take()) {
            (Some(made), _) => fs::remove_dir_all(made),
            (None, Some(written)) => fs::remove_file(written),
            (None, None) => Ok(()),
        };
        if let Err(error) = removed {
            eprintln!("what was made for the sample window is left: {error}");
        }
    }
}

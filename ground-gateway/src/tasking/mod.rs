//! Tasking: windows and uploads are ordered of satellites, and come to them by their links.
//!
//! | room | what stands there |
//! |---|---|
//! | `settings`, `plan` | `[tasking]`, as it is written and checked |
//! | `window`, `upload`, `token` | what is ordered, and by whom |
//! | `window_type`, `rules`, `availability` | which windows may be, and when |
//! | `desk` | all that may be asked, without HTTP |
//! | `store` | what is on the disk |
//! | `audit` | who asked what |
//! | `api` | HTTP |
//! | `courier` | between the store and a satellite |
//! | `running` | all of it, while `ground serve` runs |
//!
//! Nothing is answered before it is on the disk, and nothing goes up before it is noted that
//! it does: whenever the process ends, the next one goes on.

mod api;
pub(crate) mod audit;
mod availability;
mod courier;
mod desk;
mod limits;
pub(crate) mod moment;
pub(crate) mod plan;
mod problem;
mod rules;
mod running;
mod settings;
mod step;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod token;
mod upload;
mod window;
mod window_type;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

pub(crate) use courier::Contact;
pub(crate) use running::Tasking;

/// Where windows, uploads, tokens and the audit log are.
pub(crate) fn database_file(directory: &Path) -> PathBuf {
    directory.join("tasking.sqlite")
}

/// A folder that nobody else may look into.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path)
}

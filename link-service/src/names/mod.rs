//! Names of apps and files: one grammar for all ways in. What keeps to it stays where it
//! belongs when it becomes a path; links are for whoever opens it.

mod app;
mod file;

pub use app::{APP_ID_BYTES_MAX, AppId, AppIdError};
pub use file::{
    COMPONENT_BYTES_MAX, FileName, FileNameError, SUBDIRECTORY_DEPTH_MAX, Subdirectory,
};

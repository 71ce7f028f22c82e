//! The steps of an intake, and of a file that came up: after each of them the process may end,
//! and nothing is lost.

use std::io;
use std::path::Path;

/// A step that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The octets are read, and on the disk as they are.
    Read,
    /// They are copied from another file system, or from the body of a request.
    Copied,
    /// What is to be done is on the disk.
    Recorded,
    /// The data is among what is queued.
    DataThere,
    /// The source of a copy is gone.
    SourceGone,
    /// What is known of it is beside it: it is queued.
    Queued,
    /// The data of a bundle that came up is on the disk, and right.
    Unpacked,
    /// What is known of it is, too.
    MetaUnpacked,
    /// Its data is among the uploads, where nobody sees it without its meta.
    UploadDataThere,
    /// It is an upload.
    Uploaded,
}

impl Step {
    /// Those of an intake.
    pub const INTAKE: [Step; 6] = [
        Step::Read,
        Step::Copied,
        Step::Recorded,
        Step::DataThere,
        Step::SourceGone,
        Step::Queued,
    ];
    /// Those of a bundle that came up.
    pub const UPLOAD: [Step; 4] = [
        Step::Unpacked,
        Step::MetaUnpacked,
        Step::UploadDataThere,
        Step::Uploaded,
    ];
}

/// Who is called after each step: tests.
pub type AtStep = Box<dyn Fn(Step) + Send + Sync>;

/// Who is called before a file or a directory is synced, and may say that it cannot be: tests.
pub type AtSync = Box<dyn Fn(&Path) -> io::Result<()> + Send + Sync>;

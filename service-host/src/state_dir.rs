//! Files of the state directory, written so that whoever reads them after a power
//! cut finds the old one or the new one whole.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use comms_service::durable_file;

/// Longest file read: two configurations.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The state directory of a service.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    service: String,
}

impl Store {
    pub(crate) fn new(folder: &Path, service: &str) -> Self {
        Store {
            folder: folder.to_owned(),
            service: service.to_owned(),
        }
    }

    /// The file `<service>.<what>.toml`.
    pub(crate) fn path(&self, what: &str) -> PathBuf {
        self.folder.join(format!("{}.{what}.toml", self.service))
    }

    /// Its content; none where there is no such file.
    pub(crate) fn read(&self, what: &str) -> io::Result<Option<String>> {
        // What is no folder stops the start, with its key.
        use io::ErrorKind::{NotADirectory, NotFound};
        let file = match File::open(self.path(what)) {
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => return Ok(None),
            file => file?,
        };
        let mut text = String::new();
        file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
        if text.len() as u64 > BYTES_MAX {
            let problem = format!("it has more than {BYTES_MAX} octets");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(Some(text))
    }

    /// Replaces it by `text`, which is on the disk when this returns.
    pub(crate) fn write(&self, what: &str, text: &str) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        durable_file::replace(&self.path(what), text.as_bytes())
    }

    /// Removes it, if it is there.
    pub(crate) fn remove(&self, what: &str) -> io::Result<()> {
        durable_file::remove(&self.path(what))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_removed_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(&folder.path().join("deep/er"), "radio");
        assert_eq!(store.read("overlay").unwrap(), None);
        store.remove("overlay").unwrap();
        for text in ["a = 1\n", "b = 2\n"] {
            store.write("overlay", text).unwrap();
            assert_eq!(store.read("overlay").unwrap().as_deref(), Some(text));
        }
        store.remove("overlay").unwrap();
        assert_eq!(store.read("overlay").unwrap(), None);
    }

    /// The states in which a write can be cut off: nothing, a part, or all of the
    /// new file beside the old one.
    #[test]
    fn a_write_that_is_cut_off_leaves_the_old_file_and_the_next_one_works() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path(), "radio");
        store.write("overlay", "old = 1\n").unwrap();
        let new = store.path("overlay").with_extension("toml.new");
        for part in ["", "new =", "new = 1\n"] {
            fs::write(&new, part).unwrap();
            assert_eq!(store.read("overlay").unwrap().as_deref(), Some("old = 1\n"));
        }
        store.write("overlay", "new = 1\n").unwrap();
        assert_eq!(store.read("overlay").unwrap().as_deref(), Some("new = 1\n"));
        assert!(!new.exists());
    }
}

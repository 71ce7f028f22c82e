//! A file that came, brought from the store to where the user wants it: under its name
//! there is nothing, the old file, or the new one, whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use file_delivery::StoreName;

use super::outgoing::sync_folder;

/// Beneath the root of the store: what was asked for, until it is where it is to be.
pub(crate) const FOLDER: &str = "incoming";

/// The name in the store of a file that is asked for by the order `key`.
pub(crate) fn name(key: &str, remote: &StoreName) -> Option<StoreName> {
    let last = remote.as_str().rsplit('/').next().unwrap_or_default();
    name_within(FOLDER, key, last)
}

/// `folder/key-last`, or without `last` where that is no name.
pub(super) fn name_within(folder: &str, key: &str, last: &str) -> Option<StoreName> {
    let whole = format!("{folder}/{key}-{last}").parse();
    whole.or_else(|_| format!("{folder}/{key}").parse()).ok()
}

/// Whether a file may come to be at `to`.
pub(crate) fn check(to: &Path, force: bool) -> Result<(), String> {
    let named = to.display();
    match fs::symlink_metadata(to) {
        Ok(found) if found.is_dir() => Err(format!("{named} is a directory: name the file, too")),
        Ok(_) if !force => Err(format!(
            "{named} exists: use --force to replace it, or name another file"
        )),
        _ => match to.parent().map(fs::metadata) {
            Some(Ok(folder)) if folder.is_dir() => Ok(()),
            Some(Err(error)) => Err(format!("the folder of {named}: {error}")),
            _ => Err(format!("the folder of {named} is no directory")),
        },
    }
}

/// Moves the file at `from` to `to`, over what is there only with `force`. May be called
/// again where it was interrupted.
pub(crate) fn bring_out(from: &Path, to: &Path, force: bool) -> io::Result<()> {
    if is_same(from, to) {
        return fs::remove_file(from);
    }
    let moved = match force {
        true => fs::rename(from, to),
        false => link(from, to),
    };
    match moved {
        Err(error) if is_elsewhere(&error) => copy_out(from, to, force)?,
        moved => moved?,
    }
    sync_folder(to.parent().unwrap_or(to))
}

/// A second name, which is never given to a file over another; then the first goes.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// Another file system, or one without second names.
fn is_elsewhere(error: &io::Error) -> bool {
    let kinds = [
        ErrorKind::CrossesDevices,
        ErrorKind::Unsupported,
        ErrorKind::PermissionDenied,
        ErrorKind::TooManyLinks,
    ];
    kinds.contains(&error.kind())
}

fn copy_out(from: &Path, to: &Path, force: bool) -> io::Result<()> {
    let part = part_of(to);
    let copied = copy(from, &part).and_then(|()| match force {
        true => fs::rename(&part, to),
        false => match link(&part, to) {
            // As good as it gets where there are no second names.
            Err(error) if is_elsewhere(&error) && !to.exists() => fs::rename(&part, to),
            linked => linked,
        },
    });
    if let Err(error) = copied {
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    fs::remove_file(from)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).open(to)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()
}

fn part_of(to: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(".part");
    to.with_file_name(name)
}

fn is_same(one: &Path, other: &Path) -> bool {
    let number = |path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()));
    match (number(one), number(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_moved_and_nothing_is_overwritten_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        assert!(check(&to, false).unwrap_err().contains("--force"));
        let error = bring_out(&from, &to, false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"old");
        bring_out(&from, &to, true).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        assert!(!from.exists());
    }

    #[test]
    fn a_move_that_was_interrupted_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&from, "new").unwrap();
        fs::hard_link(&from, &to).unwrap();
        bring_out(&from, &to, false).unwrap();
        assert!(!from.exists() && to.exists());
    }

    #[test]
    fn another_file_system_gets_a_whole_copy() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        for force in [false, true] {
            fs::write(&from, "new").unwrap();
            copy_out(&from, &to, force).unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"new");
            assert!(!from.exists());
        }
        fs::write(&from, "newer").unwrap();
        assert!(copy_out(&from, &to, false).is_err());
        assert_eq!(fs::read(&to).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_place_without_a_folder_is_refused_before_anything_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check(&folder.path().join("no/b"), false).is_err());
        assert!(
            check(folder.path(), true)
                .unwrap_err()
                .contains("directory")
        );
        assert!(check(&folder.path().join("b"), false).is_ok());
    }
}

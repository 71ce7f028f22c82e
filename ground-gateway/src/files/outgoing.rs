//! A file of the user, brought into the store to be sent: from then on it may change or
//! go, and the transfer goes on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use file_delivery::StoreName;
use rustix::fs::fstatvfs;

/// Beneath the root of the store.
pub(crate) const FOLDER: &str = "outgoing";
/// Octets that are copied before the client is looked at again.
const PIECE_BYTES: u64 = 16 << 20;

/// Limits of what is brought in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) file_bytes_max: u64,
    pub(crate) free_bytes_min: u64,
}

/// The name in the store of the file at `local`, for the order `key`.
pub(crate) fn name(key: &str, local: &Path) -> Option<StoreName> {
    super::delivery::name_within(FOLDER, key, &local.file_name()?.to_string_lossy())
}

/// Copies the file at `local` to `to`, and waits until the disk has it. `goes_on` is asked
/// now and then. Nothing is left of a copy that fails.
pub(crate) fn bring_in(
    local: &Path,
    to: &Path,
    room: Room,
    mut goes_on: impl FnMut(u64) -> bool,
) -> io::Result<u64> {
    // Before it is opened: a named pipe would be waited for.
    if !fs::metadata(local)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut from = File::open(local)?;
    let size = from.metadata()?.len();
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder)?;
    check_room(folder, size, room)?;
    let part = folder.join(part_name());
    let copied = copy(&mut from, &part, room, &mut goes_on);
    let copied = copied.and_then(|bytes| {
        fs::rename(&part, to)?;
        sync_folder(folder)?;
        Ok(bytes)
    });
    if copied.is_err() {
        let _ = fs::remove_file(&part);
    }
    copied
}

/// This copy's alone: another process may be bringing the same file in, to go on with what
/// this one was told to leave.
fn part_name() -> String {
    static COPIES: AtomicU64 = AtomicU64::new(0);
    let number = COPIES.fetch_add(1, Ordering::Relaxed);
    format!(".{}-{number}.part", std::process::id())
}

fn check_room(folder: &Path, size: u64, room: Room) -> io::Result<()> {
    let most = room.file_bytes_max;
    if size > most {
        let problem = format!("it has {size} octets; {most} are the most (file-bytes-max)");
        return Err(io::Error::other(problem));
    }
    let system = fstatvfs(File::open(folder)?)?;
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    match free >= size.saturating_add(room.free_bytes_min) {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "it has {size} octets, and the disk of {} has {free} free, of which {} are left free \
             (free-bytes-min)",
            folder.display(),
            room.free_bytes_min
        ))),
    }
}

fn copy(
    from: &mut File,
    to: &Path,
    room: Room,
    goes_on: &mut impl FnMut(u64) -> bool,
) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).open(to)?;
    let mut bytes = 0;
    loop {
        let piece = io::copy(&mut from.by_ref().take(PIECE_BYTES), &mut file)?;
        bytes += piece;
        if bytes > room.file_bytes_max {
            return Err(io::Error::other("it grows beyond file-bytes-max"));
        }
        if piece == 0 {
            break;
        }
        if !goes_on(bytes) {
            return Err(io::Error::other("interrupted"));
        }
    }
    file.sync_all()?;
    Ok(bytes)
}

/// A name is on the disk once its folder is.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room {
        file_bytes_max: 1000,
        free_bytes_min: 0,
    };

    #[test]
    fn a_file_is_brought_in_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("outgoing/b"));
        fs::write(&from, [7; 1000]).unwrap();
        assert_eq!(bring_in(&from, &to, ROOM, |_| true).unwrap(), 1000);
        assert_eq!(fs::read(&to).unwrap(), [7; 1000]);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("outgoing/b"));
        let refused = |room| {
            bring_in(&from, &to, room, |_| true)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(ROOM).contains("No such file"));
        fs::write(&from, [7; 1001]).unwrap();
        assert!(refused(ROOM).contains("file-bytes-max"));
        let full = Room {
            file_bytes_max: 2000,
            free_bytes_min: u64::MAX,
        };
        assert!(refused(full).contains("free-bytes-min"));
        let stopped = bring_in(
            &from,
            &to,
            Room {
                free_bytes_min: 0,
                ..full
            },
            |_| false,
        );
        assert!(stopped.unwrap_err().to_string().contains("interrupted"));
        let folder = bring_in(folder.path(), &to, ROOM, |_| true).unwrap_err();
        assert!(folder.to_string().contains("regular"));
        assert!(!to.exists());
        let left = fs::read_dir(to.parent().unwrap()).unwrap();
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_name_in_the_store_keeps_what_it_can() {
        let of = |local: &str| name("0f", Path::new(local)).unwrap().to_string();
        assert_eq!(of("/a/b.bin"), "outgoing/0f-b.bin");
        assert_eq!(of("/a/b\\c\n"), "outgoing/0f");
        assert_eq!(of(&"x".repeat(255)), "outgoing/0f");
    }
}

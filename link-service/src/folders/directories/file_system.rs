//! On what kind of file system directories are.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, StatFs, fstatfs, open};

/// File systems on disks of this machine, by their numbers in `linux/magic.h`: nothing is lost
/// on them but with its power.
const DISKS: [(u64, &str); 7] = [
    (0xEF53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683E, "btrfs"),
    (0xF2F5_2010, "f2fs"),
    (0x2405_1905, "ubifs"),
    (0x0000_72B6, "jffs2"),
    (0x0102_1994, "tmpfs"),
];
/// File systems of other machines.
const SHARES: [(u64, &str); 11] = [
    (0x0000_6969, "nfs"),
    (0x0000_517B, "smb"),
    (0xFE53_4D42, "smb2"),
    (0xFF53_4D42, "cifs"),
    (0x0102_1997, "9p"),
    (0x00C3_6400, "ceph"),
    (0x5346_414F, "afs"),
    (0x6B41_4653, "afs"),
    (0x0BD0_0BD0, "lustre"),
    (0x786F_4256, "vboxsf"),
    (0x7375_7245, "coda"),
];
/// What may be a disk or a share: that is of a program, that of another file system beneath.
const LAYERS: [(u64, &str); 2] = [(0x6573_5546, "fuse"), (0x794C_7630, "overlay")];

/// What is known of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileSystem {
    /// On a disk of this machine.
    Disk(&'static str),
    /// On another machine.
    Share(&'static str),
    /// Perhaps the one, perhaps the other: it is treated as a share. With its number.
    Unknown(u64),
}

impl FileSystem {
    /// That of a directory.
    ///
    /// # Errors
    /// As the system says.
    pub fn of(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(directory, flags, Mode::empty())?;
        FileSystem::of_open(&directory)
    }

    pub(super) fn of_open(directory: impl AsFd) -> io::Result<Self> {
        Ok(FileSystem::of_number(number(&fstatfs(directory)?)))
    }

    /// That with a number of `statfs`.
    #[must_use]
    pub fn of_number(number: u64) -> Self {
        let name = |of: &[(u64, &'static str)]| {
            let found = of.iter().find(|(one, _)| *one == number);
            found.map(|(_, name)| *name)
        };
        match (name(&DISKS), name(&SHARES)) {
            (Some(name), _) => FileSystem::Disk(name),
            (None, Some(name)) => FileSystem::Share(name),
            (None, None) => FileSystem::Unknown(number),
        }
    }

    /// Whether it gives less than a disk of this machine does, as far as is known.
    #[must_use]
    pub fn is_degraded(self) -> bool {
        !matches!(self, FileSystem::Disk(_))
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileSystem::Disk(name) | FileSystem::Share(name) => f.write_str(name),
            FileSystem::Unknown(number) => match LAYERS.iter().find(|(one, _)| one == number) {
                Some((_, name)) => f.write_str(name),
                None => write!(f, "{number:#x}"),
            },
        }
    }
}

/// Which has another type on other machines, and 32 bits with a sign on some.
fn number(system: &StatFs) -> u64 {
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)]
    let number = system.f_type as u64;
    number & 0xFFFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_from_disks_and_what_is_not_known_is_treated_as_a_share() {
        for (number, name, is_degraded) in [
            (0xEF53, "ext4", false),
            (0x0102_1994, "tmpfs", false),
            (0x6969, "nfs", true),
            (0xFE53_4D42, "smb2", true),
            (0x6573_5546, "fuse", true),
            (0x8584_58F6, "0x858458f6", true),
        ] {
            let system = FileSystem::of_number(number);
            assert_eq!(system.to_string(), name);
            assert_eq!(system.is_degraded(), is_degraded, "{name}");
        }
        assert!(matches!(
            FileSystem::of_number(0xFF53_4D42),
            FileSystem::Share("cifs")
        ));
    }
}

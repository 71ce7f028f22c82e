//! Archives that are the same whenever they are made, and their sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use tar::{Builder, Header};

const FILE_MODE: u32 = 0o644;
const PROGRAM_MODE: u32 = 0o755;

/// An archive, `NAME.tar.gz`, in which all is in a folder of that name.
pub(crate) struct Archive {
    name: String,
    entries: BTreeMap<String, (PathBuf, u32)>,
}

impl Archive {
    pub(crate) fn new(name: &str) -> Self {
        Archive {
            name: name.to_owned(),
            entries: BTreeMap::new(),
        }
    }

    /// Adds a file at a path of the archive.
    pub(crate) fn file(&mut self, from: &Path, to: &str) -> Result<()> {
        self.add(from, to, FILE_MODE)
    }

    /// Adds a file that is to be run.
    pub(crate) fn program(&mut self, from: &Path, to: &str) -> Result<()> {
        self.add(from, to, PROGRAM_MODE)
    }

    /// Adds what is in a folder, but for what Python leaves there.
    pub(crate) fn folder(&mut self, from: &Path, to: &str) -> Result<()> {
        let entries = fs::read_dir(from);
        let entries = entries.with_context(|| format!("cannot read {}", from.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let to = match to {
                "" => name.to_string(),
                folder => format!("{folder}/{name}"),
            };
            match path.is_dir() {
                true if name == "__pycache__" => {}
                true => self.folder(&path, &to)?,
                false => self.file(&path, &to)?,
            }
        }
        Ok(())
    }

    fn add(&mut self, from: &Path, to: &str, mode: u32) -> Result<()> {
        self.entries.insert(to.to_owned(), (from.to_owned(), mode));
        Ok(())
    }

    /// Writes it into a folder; gives its name and size.
    pub(crate) fn write(&self, folder: &Path) -> Result<String> {
        let name = format!("{}.tar.gz", self.name);
        let path = folder.join(&name);
        let written = self.write_to(&path);
        let octets = written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(format!("{name}, {} KiB", octets.div_ceil(1024)))
    }

    fn write_to(&self, path: &Path) -> Result<u64> {
        let file = fs::File::create(path)?;
        let packed = GzBuilder::new().write(file, Compression::best());
        let mut builder = Builder::new(packed);
        for (to, (from, mode)) in &self.entries {
            let octets = fs::read(from).with_context(|| format!("no {}", from.display()))?;
            // Neither the time nor the user of this build.
            let mut header = Header::new_gnu();
            header.set_size(octets.len() as u64);
            header.set_mode(*mode);
            let to = format!("{}/{to}", self.name);
            builder.append_data(&mut header, to, octets.as_slice())?;
        }
        let file = builder.into_inner()?.finish()?;
        Ok(file.metadata()?.len())
    }
}

/// Writes the SHA-256 sums of what is in a folder, as `sha256sum --check` reads them.
pub(crate) fn write_sums(folder: &Path) -> Result<String> {
    let mut sums = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        sums.insert(name.into_owned(), Sha256::digest(fs::read(&path)?));
    }
    let mut text = String::new();
    for (name, sum) in &sums {
        let sum = sum.iter().fold(String::new(), |mut digits, octet| {
            let _ = write!(digits, "{octet:02x}");
            digits
        });
        let _ = writeln!(text, "{sum}  {name}");
    }
    fs::write(folder.join("SHA256SUMS"), text)?;
    Ok(format!("SHA256SUMS of {} archives", sums.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_what_is_in_a_folder_and_is_the_same_whenever_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::create_dir_all(from.join("package/__pycache__")).unwrap();
        fs::write(from.join("package/code.py"), "pass").unwrap();
        fs::write(from.join("package/__pycache__/code.pyc"), "").unwrap();
        fs::write(from.join("program"), "#!").unwrap();
        let make = |name: &str| {
            let to = folder.path().join(name);
            fs::create_dir(&to).unwrap();
            let mut archive = Archive::new("a-1");
            archive.folder(&from.join("package"), "package").unwrap();
            archive.program(&from.join("program"), "bin/b").unwrap();
            archive.write(&to).unwrap();
            write_sums(&to).unwrap();
            to
        };
        let (first, second) = (make("first"), make("second"));
        let sums = fs::read_to_string(first.join("SHA256SUMS")).unwrap();
        assert!(sums.ends_with("  a-1.tar.gz\n"), "{sums}");
        let again = fs::read_to_string(second.join("SHA256SUMS")).unwrap();
        assert_eq!(sums, again);
        let packed = fs::File::open(first.join("a-1.tar.gz")).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            (path, entry.header().mode().unwrap())
        });
        let entries: Vec<_> = entries.collect();
        let wanted = [("a-1/bin/b", 0o755), ("a-1/package/code.py", 0o644)];
        assert_eq!(entries, wanted.map(|(path, mode)| (path.to_owned(), mode)));
    }
}

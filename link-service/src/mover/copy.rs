//! From a source to its staging, octet by octet, and the hash of what went.

use super::Mover;
use super::kept::Copied;
use super::progress::Progress;
use super::source::{Source, changed};
use super::stop::Stop;
use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::names::FileName;

/// What the octets of a file are.
pub(super) type Hash = [u8; 32];

impl<F: Folders, J: Journal> Mover<F, J> {
    /// Copies a file, from where it is `copied`, and says what its octets are. What an
    /// earlier process left in the staging is compared with the source, and written only
    /// where it differs.
    pub(super) fn copy(
        &self,
        name: &FileName,
        source: &Source<F>,
        staged: &F::File,
        copied: &mut Copied,
        progress: &Progress<'_>,
    ) -> Result<Hash, Stop> {
        let size = source.facts.size;
        let mut there_bytes = self.folders.facts(staged)?.size;
        let mut octets = self.buffer(size);
        let mut there = Vec::new();
        while copied.bytes < size {
            let offset = copied.bytes;
            if !progress.may_copy_on(offset) {
                return Err(Stop::Preempted);
            }
            let octets = chunk(&mut octets, size - offset);
            self.read_source(name, source, offset, octets)?;
            let end = offset + octets.len() as u64;
            let mut is_there = end <= there_bytes;
            if is_there {
                there.resize(octets.len(), 0);
                let read = self.folders.read(staged, offset, &mut there)?;
                is_there = there.get(..read) == Some(&*octets);
            }
            if !is_there {
                self.folders.write(staged, offset, octets)?;
                there_bytes = there_bytes.max(end);
            }
            copied.hasher.update(octets);
            copied.bytes = end;
        }
        if there_bytes > size {
            self.folders.cut(staged, size)?;
        }
        Ok(copied.hasher.finalize().into())
    }

    /// What the octets of a source are.
    pub(super) fn hash(
        &self,
        name: &FileName,
        source: &Source<F>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Hash, Stop> {
        let mut hasher = blake3::Hasher::new();
        self.hash_into(&mut hasher, name, source, go_on)?;
        Ok(hasher.finalize().into())
    }

    /// The same, behind what was hashed before.
    pub(super) fn hash_into(
        &self,
        hasher: &mut blake3::Hasher,
        name: &FileName,
        source: &Source<F>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), Stop> {
        let size = source.facts.size;
        let mut octets = self.buffer(size);
        let mut offset = 0;
        while offset < size {
            if !go_on() {
                return Err(Stop::Preempted);
            }
            let octets = chunk(&mut octets, size - offset);
            self.read_source(name, source, offset, octets)?;
            hasher.update(octets);
            offset += octets.len() as u64;
        }
        Ok(())
    }

    fn read_source(
        &self,
        name: &FileName,
        source: &Source<F>,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), Stop> {
        let mut filled = 0;
        while let Some(rest) = octets.get_mut(filled..)
            && !rest.is_empty()
        {
            match self
                .folders
                .read(&source.file, offset + filled as u64, rest)?
            {
                // It is shorter than it was.
                0 => return Err(changed(name)),
                read => filled += read,
            }
        }
        Ok(())
    }

    /// Reads a staging from the disk, and says whether it is what was to be sent.
    pub(super) fn verify(
        &self,
        name: &str,
        staged: &F::File,
        size: u64,
        hash: &Hash,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), Stop> {
        self.folders.forget_cached(staged);
        let mut hasher = blake3::Hasher::new();
        let mut octets = self.buffer(size);
        let mut offset = 0;
        loop {
            if !go_on() {
                return Err(Stop::Preempted);
            }
            match self.folders.read(staged, offset, &mut octets)? {
                0 => break,
                read => {
                    hasher.update(octets.get(..read).unwrap_or_default());
                    offset += read as u64;
                }
            }
        }
        match offset == size && hasher.finalize() == *hash {
            true => Ok(()),
            false => {
                let text = format!("what was read again of {name} is not what was written");
                Err(Stop::Retry(Code::HashMismatch, text))
            }
        }
    }

    fn buffer(&self, size: u64) -> Vec<u8> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        vec![0; self.limits.chunk_bytes.min(size).max(1)]
    }
}

fn chunk(octets: &mut [u8], left_bytes: u64) -> &mut [u8] {
    let count = usize::try_from(left_bytes).unwrap_or(usize::MAX);
    let count = octets.len().min(count);
    octets.get_mut(..count).unwrap_or_default()
}

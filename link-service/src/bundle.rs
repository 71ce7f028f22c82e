//! Several files as one: a tar archive (POSIX.1-1988 ustar, long names as GNU tar has them)
//! that nobody writes. Its octets are those of headers and of the files where they are, so
//! that any part of it can be read at any time, and the same is read again.

use std::io;

use tar::{Builder, EntryType, Header};

use crate::record::{FileRecord, Transfer};

/// Octets of a header, and what a file is filled up to.
const BLOCK_BYTES: u64 = 512;
/// Blocks of zeros behind the last file.
const END_BLOCKS: u64 = 2;
/// Whoever unpacks it says who may do what.
const MODE: u32 = 0o644;

/// Where in an archive which octets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    parts: Vec<Part>,
    bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    start: u64,
    what: What,
}

/// What a part of an archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Header(Vec<u8>),
    /// All octets of a file, by its index.
    File(usize),
    /// Fills up.
    Zeros,
}

/// The octets that are at a place of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'b> {
    /// These.
    Octets(&'b [u8]),
    /// Those of the file with this index, from `offset` on, as many.
    File {
        /// Which file.
        index: usize,
        /// Where in it.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// Zeros, as many.
    Zeros(u64),
}

impl Bundle {
    /// Of the files of a transfer, in their order.
    ///
    /// # Errors
    /// Which name has no place in an archive.
    pub fn of(transfer: &Transfer) -> io::Result<Self> {
        let mut bundle = Bundle {
            parts: Vec::new(),
            bytes: 0,
        };
        let files = transfer.request.files.iter().zip(&transfer.files);
        for (index, (name, record)) in files.enumerate() {
            let header = header(name.as_str(), record)?;
            let header_bytes = header.len() as u64;
            bundle.push(What::Header(header), header_bytes);
            bundle.push(What::File(index), record.size);
            let filled = record.size.next_multiple_of(BLOCK_BYTES);
            bundle.push(What::Zeros, filled - record.size);
        }
        bundle.push(What::Zeros, END_BLOCKS * BLOCK_BYTES);
        Ok(bundle)
    }

    /// Octets of the archive.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is at `offset`, at most `bytes_max` octets of it; nothing at the end.
    #[must_use]
    pub fn piece(&self, offset: u64, bytes_max: u64) -> Option<Piece<'_>> {
        let next = self.parts.partition_point(|part| part.start <= offset);
        let part = self.parts.get(next.checked_sub(1)?)?;
        let end = self.parts.get(next).map_or(self.bytes, |next| next.start);
        let within = offset - part.start;
        let bytes = end.saturating_sub(offset).min(bytes_max);
        if bytes == 0 {
            return None;
        }
        match &part.what {
            What::Header(octets) => {
                let from = usize::try_from(within).ok()?;
                let until = from.checked_add(usize::try_from(bytes).ok()?)?;
                octets.get(from..until).map(Piece::Octets)
            }
            What::File(index) => Some(Piece::File {
                index: *index,
                offset: within,
                bytes,
            }),
            What::Zeros => Some(Piece::Zeros(bytes)),
        }
    }

    fn push(&mut self, what: What, bytes: u64) {
        if bytes > 0 {
            let start = self.bytes;
            self.parts.push(Part { start, what });
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }
}

/// The header of a file, with that of its name where that is long.
fn header(name: &str, record: &FileRecord) -> io::Result<Vec<u8>> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(record.size);
    header.set_mode(MODE);
    let modified_s = record.modified_ns.div_euclid(1_000_000_000);
    header.set_mtime(u64::try_from(modified_s).unwrap_or_default());
    let mut builder = Builder::new(Vec::new());
    // Its octets come from elsewhere.
    builder.append_data(&mut header, name, io::empty())?;
    Ok(std::mem::take(builder.get_mut()))
}

//! Bundles are made.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use crate::{BUFFER_BYTES, DATA, META};

/// Octets that are compressed to see whether it helps.
const SAMPLE_BYTES: u64 = 64 << 10;
/// It helps where so many hundredths or more are saved.
const SAVED_PERCENT_MIN: u64 = 10;

/// Writes the bundle of what `meta` says and of `bytes` octets of `data`, which was changed
/// last at `modified`, s since 1970. What it is written to, is not synced.
///
/// # Errors
/// The system's; or `data` ends too soon.
pub fn write(
    (meta, modified): (&[u8], u64),
    (data, bytes): (impl Read, u64),
    to: File,
    is_compressed: bool,
) -> io::Result<File> {
    let to = BufWriter::with_capacity(BUFFER_BYTES, to);
    let data = data.take(bytes);
    let header = |bytes| header(bytes, modified);
    let to = match is_compressed {
        false => archive(meta, data, header, to)?,
        true => {
            let encoder = GzEncoder::new(to, Compression::default());
            archive(meta, data, header, encoder)?.finish()?
        }
    };
    to.into_inner().map_err(io::IntoInnerError::into_error)
}

fn archive<W: Write>(
    meta: &[u8],
    mut data: io::Take<impl Read>,
    header: impl Fn(u64) -> Header,
    to: W,
) -> io::Result<W> {
    let mut archive = Builder::new(to);
    archive.append_data(&mut header(meta.len() as u64), META, meta)?;
    archive.append_data(&mut header(data.limit()), DATA, &mut data)?;
    match data.limit() {
        0 => archive.into_inner(),
        _ => Err(io::Error::other("the data ends too soon")),
    }
}

fn header(bytes: u64, modified: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(modified);
    header
}

/// Whether a file is smaller once it is compressed, as its beginning is; it is read from the
/// start again afterwards.
///
/// # Errors
/// The system's.
pub fn compression_helps(mut data: &File) -> io::Result<bool> {
    let mut sample = Vec::new();
    data.take(SAMPLE_BYTES).read_to_end(&mut sample)?;
    data.rewind()?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&sample)?;
    let compressed = encoder.finish()?.len() as u64;
    Ok(compressed * 100 <= sample.len() as u64 * (100 - SAVED_PERCENT_MIN))
}

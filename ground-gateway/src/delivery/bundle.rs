//! A bundle: a file and what is known of it as one, as the agent on board makes it. It is a
//! tar archive of `meta.json` and `data`, compressed (gzip) or not. No name in it is used for
//! anything but to tell the two apart.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};

use crc_fast::CrcAlgorithm::Crc32IsoHdlc;
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tar::{Archive, Entry, EntryType};

use super::object::{Object, hex};
use super::settings::is_topic;

/// Octets of `meta.json` at most.
pub(crate) const META_BYTES_MAX: u64 = 64 << 10;
const META: &[u8] = b"meta.json";
const DATA: &[u8] = b"data";
const BUFFER_BYTES: usize = 64 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const UUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// It is not one, and will not be.
    #[error("{0}")]
    NotOne(String),
    /// It cannot be read, for now.
    #[error(transparent)]
    System(io::Error),
}

/// `meta.json`, as far as the ground looks at it.
#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    topic: String,
    #[serde(default)]
    time: i64,
    file_info: FileInfo,
    #[serde(default)]
    send_options: SendOptions,
    #[serde(default)]
    extra: Extra,
}

#[derive(Debug, Serialize, Deserialize)]
struct FileInfo {
    id: String,
    #[serde(default)]
    path: String,
    size: u64,
    crc32: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct SendOptions {
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    delivery_hints: Option<Value>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Extra {
    #[serde(default)]
    sha256: Option<String>,
}

/// Reads a bundle to its end: what is in it, if its data is what its meta says. The data has
/// at most `bytes_max` octets.
pub(crate) fn inspect(file: &File, satellite: &str, bytes_max: u64) -> Result<Object, BundleError> {
    let (meta, (size, sha256, crc32)) = with_data(file, bytes_max, |_, data| {
        let mut sums = Sums::new(data);
        io::copy(&mut sums, &mut io::sink())?;
        Ok(sums.finish())
    })?;
    let said = meta.extra.sha256.as_deref();
    let is_right = size == meta.file_info.size
        && crc32.eq_ignore_ascii_case(&meta.file_info.crc32)
        && said.is_none_or(|said| sha256.eq_ignore_ascii_case(said));
    if !is_right {
        return Err(not_one("its data is not what its meta says"));
    }
    Ok(Object {
        uuid: meta.file_info.id.to_ascii_lowercase(),
        topic: meta.topic,
        satellite: satellite.to_owned(),
        size,
        sha256,
        crc32,
        path: meta.file_info.path,
        sent: meta.time,
        tags: meta.send_options.tags,
        delivery_hints: meta.send_options.delivery_hints,
    })
}

/// Reads the data once more, for somebody who keeps it.
pub(crate) fn with_octets<T>(
    file: &File,
    bytes_max: u64,
    mut take: impl FnMut(&mut dyn Read) -> T,
) -> Result<T, BundleError> {
    with_data(file, bytes_max, |_, data| Ok(take(data))).map(|(_, taken)| taken)
}

fn with_data<T>(
    mut file: &File,
    bytes_max: u64,
    take: impl FnMut(&Meta, &mut dyn Read) -> io::Result<T>,
) -> Result<(Meta, T), BundleError> {
    file.rewind().map_err(BundleError::System)?;
    let mut magic = [0; 2];
    match file.read_exact(&mut magic) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(not_one("it has less than two octets"));
        }
        read => read.map_err(BundleError::System)?,
    }
    file.rewind().map_err(BundleError::System)?;
    let buffered = BufReader::with_capacity(BUFFER_BYTES, file);
    match magic {
        GZIP_MAGIC => read_archive(GzDecoder::new(buffered), bytes_max, take),
        _ => read_archive(buffered, bytes_max, take),
    }
}

fn read_archive<T>(
    from: impl Read,
    bytes_max: u64,
    mut take: impl FnMut(&Meta, &mut dyn Read) -> io::Result<T>,
) -> Result<(Meta, T), BundleError> {
    let mut archive = Archive::new(from);
    // Raw: extensions of headers would be read whole.
    let mut entries = archive.entries().map_err(of_archive)?.raw(true);
    let mut next = |name: &'static [u8]| -> Result<Entry<'_, _>, BundleError> {
        let entry = entries.next().transpose().map_err(of_archive)?;
        let entry = entry.ok_or_else(|| not_one("it is no archive of `meta.json` and `data`"))?;
        let is_it = entry.header().entry_type() == EntryType::Regular
            && *entry.header().path_bytes() == *name;
        match is_it {
            true => Ok(entry),
            false => Err(not_one("it is no archive of `meta.json` and `data`")),
        }
    };
    let mut entry = next(META)?;
    if entry.size() > META_BYTES_MAX {
        let bytes = entry.size();
        return Err(not_one(&format!(
            "its meta has {bytes} octets; {META_BYTES_MAX} are the most"
        )));
    }
    let mut octets = Vec::new();
    entry.read_to_end(&mut octets).map_err(of_archive)?;
    let meta: Meta = serde_json::from_slice(&octets)
        .map_err(|error| not_one(&format!("its meta is not to be read: {error}")))?;
    if !is_uuid(&meta.file_info.id) {
        return Err(not_one(
            "its meta has no id of xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
        ));
    }
    if !is_topic(&meta.topic) {
        return Err(not_one("its meta has a topic that is none"));
    }
    let mut data = next(DATA)?;
    if data.size() > bytes_max || data.size() != meta.file_info.size {
        let bytes = data.size();
        return Err(not_one(&format!(
            "its data has {bytes} octets; its meta says {}, and {bytes_max} are the most \
             (file-bytes-max)",
            meta.file_info.size
        )));
    }
    let taken = take(&meta, &mut data).map_err(of_archive)?;
    Ok((meta, taken))
}

/// Sums of what is read through it.
struct Sums<'r> {
    from: &'r mut dyn Read,
    bytes: u64,
    sha256: Sha256,
    crc32: crc_fast::Digest,
}

impl<'r> Sums<'r> {
    fn new(from: &'r mut dyn Read) -> Self {
        Sums {
            from,
            bytes: 0,
            sha256: Sha256::new(),
            crc32: crc_fast::Digest::new(Crc32IsoHdlc),
        }
    }

    fn finish(self) -> (u64, String, String) {
        let crc32 = format!("{:08x}", self.crc32.finalize());
        (self.bytes, hex(&self.sha256.finalize()), crc32)
    }
}

impl Read for Sums<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        let octets = buffer.get(..read).unwrap_or_default();
        self.bytes += octets.len() as u64;
        self.sha256.update(octets);
        self.crc32.update(octets);
        Ok(read)
    }
}

/// Octets that are not what they were when they were inspected are not handed on to the end.
pub(crate) struct Compared<'r> {
    sums: Sums<'r>,
    sha256: &'r str,
    size: u64,
    is_over: bool,
}

impl<'r> Compared<'r> {
    pub(crate) fn new(from: &'r mut dyn Read, object: &'r Object) -> Self {
        Compared {
            sums: Sums::new(from),
            sha256: &object.sha256,
            size: object.size,
            is_over: false,
        }
    }
}

impl Read for Compared<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.sums.read(buffer)?;
        if read == 0 && !buffer.is_empty() && !self.is_over {
            self.is_over = true;
            let sha256 = hex(&self.sums.sha256.clone().finalize());
            if self.sums.bytes != self.size || sha256 != self.sha256 {
                return Err(io::Error::other("the bundle changed while it was read"));
            }
        }
        Ok(read)
    }
}

fn is_uuid(text: &str) -> bool {
    let is_right = |(at, octet): (usize, u8)| match UUID_HYPHENS.contains(&at) {
        true => octet == b'-',
        false => octet.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

fn not_one(why: &str) -> BundleError {
    BundleError::NotOne(why.to_owned())
}

/// Whose fault it is: the disk's errors have a number.
fn of_archive(error: io::Error) -> BundleError {
    match error.raw_os_error() {
        Some(_) => BundleError::System(error),
        None => BundleError::NotOne(format!("it is no whole archive: {error}")),
    }
}

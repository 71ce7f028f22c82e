//! A bundle that came up becomes a pair in `uploads/`: the data first, so that what is known of
//! it stands for both. Interrupted, it is done again.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::path::Path;

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

use super::{SHA256, Store, open, sums::Summing};
use crate::item::{TransferMeta, Uuid};
use crate::limits::{CHUNK_BYTES, META_BYTES_MAX, STREAM_BYTES_MAX};
use crate::work_directory as names;

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

/// Why a bundle is no upload.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// It is not one, and will not be.
    #[error("{0}")]
    NotOne(String),
    /// The disk.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl Store {
    /// Takes a bundle, which stays where it is.
    ///
    /// # Errors
    /// [`ArrivalError`]; nothing of it is in `uploads/` then.
    pub fn unpack(&self, bundle: &Path) -> Result<Uuid, ArrivalError> {
        let part = self.places.own.join("upload.part");
        let mut magic = [0; 2];
        let read = open(bundle)?.read_exact(&mut magic);
        read.map_err(|error| not_one(&format!("it is no bundle: {error}")))?;
        let file = BufReader::with_capacity(CHUNK_BYTES, open(bundle)?);
        let meta = match magic {
            GZIP_MAGIC => self.unpack_data(GzDecoder::new(file), &part),
            _ => self.unpack_data(file, &part),
        };
        let meta = meta.inspect_err(|_| drop(fs::remove_file(&part)))?;
        let uploads = &self.places.uploads;
        let id = meta.file_info.id;
        fs::rename(&part, names::data(uploads, id))?;
        let octets = serde_json::to_vec(&meta).map_err(io::Error::other)?;
        let mut file = File::create(&part)?;
        file.write_all(&octets)?;
        self.sync_file(&file)?;
        fs::rename(&part, names::meta(uploads, id))?;
        if self.sync {
            File::open(uploads)?.sync_all()?;
        }
        Ok(id)
    }

    fn unpack_data(&self, from: impl Read, part: &Path) -> Result<TransferMeta, ArrivalError> {
        let mut archive = Archive::new(from);
        // Raw: extensions of headers would be read whole.
        let mut entries = archive.entries()?.raw(true);
        let mut next = |name: &'static str| {
            let entry = entries.next().transpose();
            let entry = entry.map_err(|error| not_one(&format!("it is no archive: {error}")))?;
            let is_it = |entry: &tar::Entry<_>| {
                entry.header().entry_type() == EntryType::Regular
                    && *entry.header().path_bytes() == *name.as_bytes()
            };
            let entry = entry.filter(is_it);
            entry.ok_or_else(|| not_one("it is no archive of `meta.json` and `data`"))
        };
        let entry = next("meta.json")?;
        if entry.size() > META_BYTES_MAX {
            return Err(not_one("its meta is too long"));
        }
        let meta: TransferMeta = serde_json::from_reader(entry)
            .map_err(|error| not_one(&format!("its meta is not to be read: {error}")))?;
        let mut data = next("data")?;
        let info = &meta.file_info;
        if data.size() != info.size || info.size > STREAM_BYTES_MAX {
            return Err(not_one("its data has another size than its meta says"));
        }
        let mut file = File::create(part)?;
        let mut summing = Summing::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = data.read(&mut chunk);
            let read = read.map_err(|error| not_one(&format!("it is not whole: {error}")))?;
            let Some(octets) = chunk.get(..read).filter(|octets| !octets.is_empty()) else {
                break;
            };
            summing.add(octets);
            file.write_all(octets)?;
        }
        self.sync_file(&file)?;
        let sums = summing.finish();
        let said = meta.extra.get(SHA256).and_then(|sum| sum.as_str());
        let is_right = sums.bytes == info.size
            && sums.crc32.eq_ignore_ascii_case(&info.crc32)
            && said.is_none_or(|said| sums.sha256.eq_ignore_ascii_case(said));
        match is_right {
            true => Ok(meta),
            false => Err(not_one("its data is not what its meta says")),
        }
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        match self.sync {
            true => file.sync_all(),
            false => Ok(()),
        }
    }

    /// Keeps what is no bundle: true where it is out of the way.
    pub(crate) fn bury_file(&self, file: &Path) -> io::Result<()> {
        let to = self.places.dead.join(file.file_name().unwrap_or_default());
        if fs::rename(file, &to).is_err() {
            // The inbox may be on another file system.
            fs::copy(file, &to)?;
            fs::remove_file(file)?;
        }
        Ok(())
    }
}

fn not_one(why: &str) -> ArrivalError {
    ArrivalError::NotOne(why.to_owned())
}

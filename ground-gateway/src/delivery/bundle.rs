//! What the ground makes of a [bundle](oort_bundle) of the agent on board.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _};

use oort_bundle::{BundleError, Summed};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::object::Object;
use super::settings::is_topic;

const UUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];

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
    let (meta, sums) = with_data(file, bytes_max, |meta, data| {
        let mut summed = Summed::new(data);
        io::copy(&mut summed, &mut io::sink())?;
        Ok((meta, summed.sums()))
    })?;
    let said = meta.extra.sha256.as_deref();
    let is_right = sums.bytes == meta.file_info.size
        && sums.crc32.eq_ignore_ascii_case(&meta.file_info.crc32)
        && said.is_none_or(|said| sums.sha256.eq_ignore_ascii_case(said));
    if !is_right {
        return Err(BundleError::not_one("its data is not what its meta says"));
    }
    Ok(Object {
        uuid: meta.file_info.id.to_ascii_lowercase(),
        topic: meta.topic,
        satellite: satellite.to_owned(),
        size: sums.bytes,
        sha256: sums.sha256,
        crc32: sums.crc32,
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
    take: impl FnOnce(&mut dyn Read) -> T,
) -> Result<T, BundleError> {
    with_data(file, bytes_max, |_, data| Ok(take(data)))
}

fn with_data<T>(
    mut file: &File,
    bytes_max: u64,
    take: impl FnOnce(Meta, &mut dyn Read) -> Result<T, BundleError>,
) -> Result<T, BundleError> {
    file.rewind().map_err(BundleError::System)?;
    oort_bundle::read(file, |meta, data, bytes| {
        let meta: Meta = serde_json::from_slice(meta).map_err(|error| {
            BundleError::not_one(format!("its meta is not to be read: {error}"))
        })?;
        if !is_uuid(&meta.file_info.id) {
            return Err(BundleError::not_one(
                "its meta has no id of xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
            ));
        }
        if !is_topic(&meta.topic) {
            return Err(BundleError::not_one("its meta has a topic that is none"));
        }
        if bytes > bytes_max || bytes != meta.file_info.size {
            return Err(BundleError::not_one(format!(
                "its data has {bytes} octets; its meta says {}, and {bytes_max} are the most \
                 (file-bytes-max)",
                meta.file_info.size
            )));
        }
        take(meta, data)
    })
}

/// Octets that are not what they were when they were inspected are not handed on to the end.
pub(crate) struct Compared<'r> {
    summed: Summed<&'r mut dyn Read>,
    object: &'r Object,
    is_over: bool,
}

impl<'r> Compared<'r> {
    pub(crate) fn new(from: &'r mut dyn Read, object: &'r Object) -> Self {
        Compared {
            summed: Summed::new(from),
            object,
            is_over: false,
        }
    }
}

impl Read for Compared<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.summed.read(buffer)?;
        if read == 0 && !buffer.is_empty() && !self.is_over {
            self.is_over = true;
            let sums = self.summed.sums();
            if sums.bytes != self.object.size || sums.sha256 != self.object.sha256 {
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

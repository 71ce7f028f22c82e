//! The other way: a file for a topic goes up as a bundle, as the agent on board makes them,
//! and a payload finds it there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::manifest::draw;
use super::object::hex;

/// The version of the form of `meta.json`.
const META_VERSION: &str = "1.3";
/// Compressed, a bundle is to have so many hundredths less.
const SAVED_PERCENT_MIN: u64 = 10;
const BUFFER_BYTES: usize = 64 << 10;

/// What is said with a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload<'u> {
    pub(crate) topic: &'u str,
    pub(crate) tags: BTreeMap<String, String>,
    /// Where the payload is to put it.
    pub(crate) dest_path: Option<&'u str>,
    /// With which permissions, in octal.
    pub(crate) mode: Option<&'u str>,
}

/// A bundle in a folder of its own, which is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct UploadBundle {
    pub(crate) uuid: String,
    pub(crate) path: PathBuf,
    folder: PathBuf,
}

impl Drop for UploadBundle {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Makes the bundle of a file.
pub(crate) fn bundle(local: &Path, upload: &Upload) -> io::Result<UploadBundle> {
    let uuid = draw().map_err(io::Error::other)?;
    let folder = std::env::temp_dir().join(format!("ground-{uuid}"));
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700).create(&folder)?;
    let mut made = UploadBundle {
        path: folder.join(format!("{uuid}.oort.tar")),
        uuid,
        folder,
    };
    // Before it is opened: a named pipe would be waited for.
    let found = fs::metadata(local)?;
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut file = File::open(local)?;
    let meta = meta(&made.uuid, local, &mut file, upload)?;
    let plain = BufWriter::with_capacity(BUFFER_BYTES, File::create(&made.path)?);
    archive(&meta, &mut file, plain)?.flush()?;
    let packed = made.folder.join(format!("{}.oort.tar.gz", made.uuid));
    let encoder = GzEncoder::new(File::create(&packed)?, Compression::default());
    archive(&meta, &mut file, encoder)?.finish()?;
    let bytes = |path: &Path| fs::metadata(path).map(|found| found.len());
    if bytes(&packed)? * 100 <= bytes(&made.path)? * (100 - SAVED_PERCENT_MIN) {
        made.path = packed;
    }
    Ok(made)
}

fn meta(uuid: &str, local: &Path, file: &mut File, upload: &Upload) -> io::Result<Value> {
    use std::os::unix::fs::MetadataExt as _;
    let found = file.metadata()?;
    let (mut sha256, mut size) = (Sha256::new(), 0_u64);
    let mut crc32 = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32IsoHdlc);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        let octets = buffer.get(..read).unwrap_or_default();
        if octets.is_empty() {
            break;
        }
        size += octets.len() as u64;
        sha256.update(octets);
        crc32.update(octets);
    }
    let name = local.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::other("its name is no UTF-8"))?;
    let mut info = json!({
        "id": uuid, "path": name, "size": size,
        "modified": found.mtime(), "created": found.ctime(),
        "crc32": format!("{:08x}", crc32.finalize()),
    });
    let mut options = json!({ "reliable": true });
    if !upload.tags.is_empty() {
        add(&mut options, "tags", json!(upload.tags));
    }
    if let Some(path) = upload.dest_path {
        let mode = upload.mode.unwrap_or("644");
        let hints = json!({ "dest_path": path, "mode": mode });
        add(&mut info, "delivery_hints", hints.clone());
        add(&mut options, "delivery_hints", hints);
    }
    Ok(json!({
        "meta_version": META_VERSION, "topic": upload.topic, "destination": "payload",
        "node": "ground", "time": jiff::Timestamp::now().as_second(),
        "file_info": info, "send_options": options,
        "extra": { "sha256": hex(&sha256.finalize()) },
    }))
}

fn add(to: &mut Value, key: &str, value: Value) {
    if let Value::Object(to) = to {
        to.insert(key.to_owned(), value);
    }
}

fn archive<W: Write>(meta: &Value, file: &mut File, to: W) -> io::Result<W> {
    let octets = serde_json::to_vec(meta)?;
    let mut archive = Builder::new(to);
    let mut header = header(octets.len() as u64);
    archive.append_data(&mut header, "meta.json", octets.as_slice())?;
    let size = meta.pointer("/file_info/size").and_then(Value::as_u64);
    let size = size.unwrap_or_default();
    file.rewind()?;
    let mut header = self::header(size);
    let mut data = file.take(size);
    archive.append_data(&mut header, "data", &mut data)?;
    match data.limit() {
        0 => archive.into_inner(),
        _ => Err(io::Error::other("it changed while it was read")),
    }
}

fn header(bytes: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::bundle::inspect;

    #[test]
    fn a_bundle_says_all_that_was_said_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let local = folder.path().join("plan.txt");
        let mut noise = vec![0; 50_000];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        for octets in [vec![b'a'; 50_000], noise.clone()] {
            fs::write(&local, &octets).unwrap();
            let upload = Upload {
                topic: "plans",
                tags: [("a".to_owned(), "b".to_owned())].into(),
                dest_path: Some("/opt/plan.txt"),
                mode: None,
            };
            let made = bundle(&local, &upload).unwrap();
            let is_packed = made.path.extension().is_some_and(|ending| ending == "gz");
            assert_eq!(is_packed, octets != noise);
            let object = inspect(&File::open(&made.path).unwrap(), "helio", 1 << 20).unwrap();
            assert_eq!((&object.uuid, &*object.topic), (&made.uuid, "plans"));
            assert_eq!(
                (object.size, object.tags),
                (octets.len() as u64, upload.tags)
            );
            let hints = json!({"dest_path": "/opt/plan.txt", "mode": "644"});
            assert_eq!(object.delivery_hints, Some(hints));
            let path = made.path.clone();
            drop(made);
            assert!(!path.exists());
        }
    }
}

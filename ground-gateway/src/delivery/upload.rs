//! The other way: a file for a topic goes up as a bundle, as the agent on board makes them,
//! and a payload finds it there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use oort_bundle::{SUFFIX, SUFFIX_GZIP, Summed, compression_helps};
use serde_json::{Value, json};

use super::manifest::draw;

/// The version of the form of `meta.json`.
const META_VERSION: &str = "1.3";

/// What is said with a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload<'u> {
    pub(crate) topic: &'u str,
    pub(crate) tags: BTreeMap<String, String>,
    /// Where the payload is to put it.
    pub(crate) dest_path: Option<&'u str>,
    /// With which permissions, in octal.
    pub(crate) mode: Option<&'u str>,
    /// What it is called, where that is not the name of the file here.
    pub(crate) name: Option<&'u str>,
    /// When it was handed over, in seconds since 1970, where that is not now.
    pub(crate) time_s: Option<i64>,
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
    bundle_as(uuid, folder, local, upload)
}

/// Makes the bundle of a file with that identifier, in `folder`, which there is none of yet.
pub(crate) fn bundle_as(
    uuid: String,
    folder: PathBuf,
    local: &Path,
    upload: &Upload,
) -> io::Result<UploadBundle> {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700).create(&folder)?;
    let mut made = UploadBundle {
        path: PathBuf::new(),
        uuid,
        folder,
    };
    // Before it is opened: a named pipe would be waited for.
    let found = fs::metadata(local)?;
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut file = File::open(local)?;
    let (meta, bytes) = meta(&made.uuid, local, &mut file, upload)?;
    file.rewind()?;
    let helps = compression_helps(&file)?;
    let suffix = if helps { SUFFIX_GZIP } else { SUFFIX };
    made.path = made.folder.join(format!("{}{suffix}", made.uuid));
    let meta = serde_json::to_vec(&meta)?;
    let to = File::create(&made.path)?;
    oort_bundle::write((&meta, 0), (file, bytes), to, helps)?;
    Ok(made)
}

/// What is said of it, and how many octets it has.
fn meta(uuid: &str, local: &Path, file: &mut File, upload: &Upload) -> io::Result<(Value, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let found = file.metadata()?;
    let mut summed = Summed::new(file);
    io::copy(&mut summed, &mut io::sink())?;
    let sums = summed.sums();
    let name = upload.name.or_else(|| local.file_name()?.to_str());
    let name = name.ok_or_else(|| io::Error::other("its name is no UTF-8"))?;
    let mut info = json!({
        "id": uuid, "path": name, "size": sums.bytes,
        "modified": found.mtime(), "created": found.ctime(),
        "crc32": sums.crc32,
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
    let now_s = || jiff::Timestamp::now().as_second();
    let meta = json!({
        "meta_version": META_VERSION, "topic": upload.topic, "destination": "payload",
        "node": "ground", "time": upload.time_s.unwrap_or_else(now_s),
        "file_info": info, "send_options": options,
        "extra": { "sha256": sums.sha256 },
    });
    Ok((meta, sums.bytes))
}

fn add(to: &mut Value, key: &str, value: Value) {
    if let Value::Object(to) = to {
        to.insert(key.to_owned(), value);
    }
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
                ..Upload::default()
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

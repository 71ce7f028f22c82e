//! A bucket: an object appears as a whole, and carries whose it is.

use std::future::Future;
use std::io::{self, Read};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bucket_store::Bucket;
use bucket_store::object_store::multipart::{MultipartStore, PartId};
use bucket_store::object_store::path::Path;
use bucket_store::object_store::{
    Attribute, AttributeValue, Attributes, Error, GetOptions, MultipartId, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::{Begun, Found, Place, PlaceError};
use crate::delivery::object::Object;

/// Octets of a part: so many are in memory. A file that has no more goes as a whole.
const PART_BYTES: u64 = 8 << 20;
/// Most parts of an object, as S3 has it.
const PARTS_MAX: u64 = 10_000;
/// Between two looks whether the process is to end.
const STOP_LOOK: Duration = Duration::from_millis(100);
/// For taking back what was begun, when it is.
const ABORT_TIME: Duration = Duration::from_secs(2);

/// A store that can do what is wanted of it here.
pub(crate) trait Store: ObjectStore + MultipartStore {}

impl<S: ObjectStore + MultipartStore> Store for S {}

/// A bucket, and the runtime that its client wants.
pub(crate) struct BucketPlace<S> {
    name: String,
    bucket: Bucket<S>,
    runtime: Runtime,
    is_stopping: Arc<AtomicBool>,
    part_bytes: u64,
}

impl<S: Store> BucketPlace<S> {
    /// The one that people call so.
    pub(crate) fn new(
        name: String,
        bucket: Bucket<S>,
        is_stopping: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        Ok(BucketPlace {
            name,
            bucket,
            runtime: Builder::new_current_thread().enable_all().build()?,
            is_stopping,
            part_bytes: PART_BYTES,
        })
    }

    #[cfg(test)]
    pub(crate) fn with_part_bytes(mut self, bytes: u64) -> Self {
        self.part_bytes = bytes;
        self
    }

    #[cfg(test)]
    pub(crate) fn within(&self) -> (&Bucket<S>, &Runtime) {
        (&self.bucket, &self.runtime)
    }

    fn path(&self, key: &str) -> Result<Path, PlaceError> {
        let path = self.bucket.key(key.split('/'));
        path.map_err(|error| PlaceError::Failed(error.to_string()))
    }

    /// Waits for the store, as long as the process is not to end.
    fn wait<T>(
        &self,
        what: &str,
        does: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, PlaceError> {
        self.runtime.block_on(async {
            let mut does = pin!(does);
            loop {
                match timeout(STOP_LOOK, &mut does).await {
                    Ok(Err(Error::AlreadyExists { .. })) => return Err(PlaceError::Taken),
                    Ok(done) => {
                        return done
                            .map_err(|error| PlaceError::Failed(format!("{what}: {error}")));
                    }
                    Err(_) if self.is_stopping.load(Ordering::SeqCst) => {
                        return Err(PlaceError::Stopped);
                    }
                    Err(_) => {}
                }
            }
        })
    }

    fn find(&self, path: &Path, object: &Object) -> Result<Found, PlaceError> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let store = self.bucket.store();
        let looked = async {
            match store.get_opts(path, options).await {
                Err(Error::NotFound { .. }) => Ok(None),
                found => found.map(Some),
            }
        };
        let Some(found) = self.wait(&format!("looking at {path}"), looked)? else {
            return Ok(Found::Nothing);
        };
        let value = |name: &'static str| {
            let value = found.attributes.get(&Attribute::Metadata(name.into()));
            value.map(|value| &**value)
        };
        match object.is_same(value("uuid"), value("sha256"), found.meta.size) {
            true => Ok(Found::This),
            false => Ok(Found::Another),
        }
    }

    fn put_whole(
        &self,
        path: &Path,
        object: &Object,
        data: &mut dyn Read,
    ) -> Result<(), PlaceError> {
        let octets = read(data, self.part_bytes + 1, path)?;
        let options = PutOptions {
            mode: self.bucket.create(),
            attributes: attributes(object),
            ..PutOptions::default()
        };
        let store = self.bucket.store();
        let put = store.put_opts(path, PutPayload::from(octets), options);
        self.wait(&format!("putting {path}"), put).map(drop)
    }

    fn put_parts(
        &self,
        path: &Path,
        object: &Object,
        data: &mut dyn Read,
        begun: Begun<'_>,
    ) -> Result<(), PlaceError> {
        let options = PutMultipartOptions {
            attributes: attributes(object),
            ..PutMultipartOptions::default()
        };
        let store = self.bucket.store();
        let created = store.create_multipart_opts(path, options);
        let id = self.wait(&format!("beginning {path}"), created)?;
        let noted = begun(&id).map_err(PlaceError::Failed);
        let put = noted.and_then(|()| self.parts(path, &id, object, data));
        let put = put.and_then(|parts| {
            // Parts become an object whatever is there.
            match self.find(path, object)? {
                Found::Another => return Err(PlaceError::Taken),
                Found::This => {}
                Found::Nothing => {
                    let completed = store.complete_multipart(path, &id, parts);
                    self.wait(&format!("completing {path}"), completed)?;
                    return Ok(true);
                }
            }
            Ok(false)
        });
        if !matches!(put, Ok(true)) {
            self.abort(path, &id);
        }
        put.map(drop)
    }

    fn abort(&self, path: &Path, id: &MultipartId) {
        // Its time is the runtime's.
        let _entered = self.runtime.enter();
        let aborted = timeout(ABORT_TIME, self.bucket.store().abort_multipart(path, id));
        match self.runtime.block_on(aborted) {
            Ok(Ok(()) | Err(Error::NotFound { .. })) => {}
            Ok(Err(error)) => log::info!("parts of {path} are left in the bucket: {error}"),
            Err(_) => log::info!("parts of {path} are left in the bucket"),
        }
    }

    fn parts(
        &self,
        path: &Path,
        id: &MultipartId,
        object: &Object,
        data: &mut dyn Read,
    ) -> Result<Vec<PartId>, PlaceError> {
        let bytes = self.part_bytes.max(object.size.div_ceil(PARTS_MAX));
        let mut parts = Vec::new();
        loop {
            let octets = read(data, bytes, path)?;
            let is_last = (octets.len() as u64) < bytes;
            if !octets.is_empty() {
                let what = format!("part {} of {path}", parts.len() + 1);
                let payload = PutPayload::from(octets);
                let put = self.bucket.store().put_part(path, id, parts.len(), payload);
                parts.push(self.wait(&what, put)?);
            }
            if is_last {
                return Ok(parts);
            }
        }
    }
}

impl<S: Store> Place for BucketPlace<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&self, key: &str, object: &Object) -> Result<Found, PlaceError> {
        self.find(&self.path(key)?, object)
    }

    fn put(
        &self,
        key: &str,
        object: &Object,
        data: &mut dyn Read,
        begun: Begun<'_>,
    ) -> Result<(), PlaceError> {
        let path = self.path(key)?;
        let put = match object.size <= self.part_bytes {
            true => self.put_whole(&path, object, data),
            false => self.put_parts(&path, object, data, begun),
        };
        match put {
            // The store may have taken it, said that it failed, and been asked once more by its
            // client.
            Err(PlaceError::Taken) if self.find(&path, object)? == Found::This => Ok(()),
            put => put,
        }
    }

    fn abandon(&self, key: &str, upload: &str) {
        if let Ok(path) = self.path(key) {
            self.abort(&path, &upload.to_owned());
        }
    }
}

fn attributes(object: &Object) -> Attributes {
    let all = object.attributes().into_iter();
    all.map(|(name, value)| {
        (
            Attribute::Metadata(name.into()),
            AttributeValue::from(value),
        )
    })
    .collect()
}

/// So many octets, less only at the end.
fn read(data: &mut dyn Read, bytes: u64, path: &Path) -> Result<Vec<u8>, PlaceError> {
    let mut octets = Vec::new();
    let read = data.take(bytes).read_to_end(&mut octets);
    read.map_err(|error| PlaceError::Failed(format!("{path}: {error}")))?;
    Ok(octets)
}

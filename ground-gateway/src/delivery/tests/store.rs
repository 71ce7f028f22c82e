//! A store in memory: it knows which parts lie in it, and its answers can be lost.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bucket_store::object_store::memory::InMemory;
use bucket_store::object_store::multipart::{MultipartStore, PartId};
use bucket_store::object_store::path::Path;
use bucket_store::object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use futures_util::stream::BoxStream;

#[derive(Debug, Default)]
pub(super) struct WatchedStore {
    memory: InMemory,
    /// Of which no object was made, and which nobody has taken back.
    pub(super) uploads: Mutex<BTreeSet<MultipartId>>,
    /// Of an object that is put as a whole, the first answer is lost, and the client asks again.
    pub(super) loses_answers: AtomicBool,
}

impl fmt::Display for WatchedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.memory.fmt(formatter)
    }
}

#[async_trait]
impl ObjectStore for WatchedStore {
    async fn put_opts(&self, at: &Path, octets: PutPayload, how: PutOptions) -> Result<PutResult> {
        if self.loses_answers.load(Ordering::SeqCst) {
            let lost = self.memory.put_opts(at, octets.clone(), how.clone());
            lost.await?;
        }
        self.memory.put_opts(at, octets, how).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.memory.put_multipart_opts(at, how).await
    }

    async fn get_opts(&self, at: &Path, how: GetOptions) -> Result<GetResult> {
        self.memory.get_opts(at, how).await
    }

    fn delete_stream(
        &self,
        all: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.memory.delete_stream(all)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.memory.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.memory.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.memory.copy_opts(from, to, how).await
    }
}

#[async_trait]
impl MultipartStore for WatchedStore {
    async fn create_multipart(&self, at: &Path) -> Result<MultipartId> {
        let how = PutMultipartOptions::default();
        self.create_multipart_opts(at, how).await
    }

    async fn create_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> Result<MultipartId> {
        let id = self.memory.create_multipart_opts(at, how).await?;
        self.uploads.lock().unwrap().insert(id.clone());
        Ok(id)
    }

    async fn put_part(
        &self,
        at: &Path,
        id: &MultipartId,
        number: usize,
        octets: PutPayload,
    ) -> Result<PartId> {
        self.memory.put_part(at, id, number, octets).await
    }

    async fn complete_multipart(
        &self,
        at: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        let completed = self.memory.complete_multipart(at, id, parts).await?;
        self.uploads.lock().unwrap().remove(id);
        Ok(completed)
    }

    async fn abort_multipart(&self, at: &Path, id: &MultipartId) -> Result<()> {
        self.memory.abort_multipart(at, id).await?;
        self.uploads.lock().unwrap().remove(id);
        Ok(())
    }
}

//! A bucket, and who looks into it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bucket_store::object_store::aws::AmazonS3;
use bucket_store::object_store::path::Path;
use bucket_store::object_store::{
    Error, GetOptions, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload,
};
use bucket_store::{Bucket, BucketSettings};
use futures_util::TryStreamExt as _;
use heliograph_tests::seaweedfs::{ACCESS_KEY, SECRET_KEY, SeaweedFs};
use tokio::runtime::Runtime;

pub(crate) const BUCKET: &str = "mission";

/// A server with one bucket.
pub(crate) struct Shelf {
    pub(crate) server: SeaweedFs,
    runtime: Runtime,
    bucket: Bucket,
}

impl Shelf {
    pub(crate) fn start() -> Shelf {
        let server = SeaweedFs::start();
        server.make_bucket(BUCKET);
        let (access, secret) = server.key_files(ACCESS_KEY, SECRET_KEY);
        let settings = BucketSettings {
            url: format!("s3://{BUCKET}/apps"),
            endpoint: Some(server.endpoint()),
            region: None,
            access_key_file: Some(access),
            secret_key_file: Some(secret),
            ca_file: None,
            allow_http: true,
            conditional_put: true,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let bucket = settings.open().unwrap();
        Shelf {
            server,
            runtime,
            bucket,
        }
    }

    /// `[[link-service.buckets]]`, called `shared`.
    pub(crate) fn table(&self) -> String {
        self.table_of(&format!("s3://{BUCKET}/apps"), ACCESS_KEY, SECRET_KEY)
    }

    pub(crate) fn table_of(&self, url: &str, access: &str, secret: &str) -> String {
        let (access, secret) = self.server.key_files(access, secret);
        format!(
            "[[link-service.buckets]]\nname = 'shared'\nurl = '{url}'\nendpoint = '{}'\n\
             access-key-file = '{}'\nsecret-key-file = '{}'\nallow-http = true\npoll-ms = 200\n",
            self.server.endpoint(),
            access.display(),
            secret.display(),
        )
    }

    fn store(&self) -> &Arc<AmazonS3> {
        self.bucket.store()
    }

    fn path(&self, key: &str) -> Path {
        self.bucket.key(key.split('/')).unwrap()
    }

    pub(crate) fn put(&self, key: &str, octets: &[u8]) {
        let payload = PutPayload::from(octets.to_vec());
        let path = self.path(key);
        let put = self.store().put(&path, payload);
        self.runtime.block_on(put).unwrap();
    }

    /// Puts an object where none is; whether the server did.
    pub(crate) fn create(&self, key: &str, octets: &[u8]) -> bool {
        let path = self.path(key);
        let payload = PutPayload::from(octets.to_vec());
        let put = self
            .store()
            .put_opts(&path, payload, PutMode::Create.into());
        match self.runtime.block_on(put) {
            Err(Error::AlreadyExists { .. }) => false,
            put => {
                put.unwrap();
                true
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.path(key);
        self.runtime.block_on(async {
            let got = self.store().get(&path).await.ok()?;
            Some(got.bytes().await.unwrap().to_vec())
        })
    }

    /// What an object carries beside its octets.
    pub(crate) fn metadata(&self, key: &str) -> BTreeMap<String, String> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let path = self.path(key);
        let found = self.store().get_opts(&path, options);
        let found = self.runtime.block_on(found).unwrap();
        let pairs = found
            .attributes
            .iter()
            .filter_map(|(name, value)| match name {
                bucket_store::object_store::Attribute::Metadata(name) => {
                    Some((name.to_string(), value.to_string()))
                }
                _ => None,
            });
        pairs.collect()
    }

    /// The keys beneath, without what they have in common, sorted.
    pub(crate) fn list(&self, beneath: &str) -> Vec<String> {
        let path = self.path(beneath);
        let listed = self.store().list(Some(&path)).try_collect::<Vec<_>>();
        let listed = self.runtime.block_on(listed).unwrap();
        let names = listed.iter().map(|object| {
            let key = object.location.as_ref();
            key[path.as_ref().len() + 1..].to_owned()
        });
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        names
    }
}

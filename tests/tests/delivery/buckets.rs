//! Buckets of a real server, and what is in them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bucket_store::BucketSettings;
use bucket_store::object_store::{Attribute, ObjectStore as _, ObjectStoreExt as _};
use futures_util::TryStreamExt as _;
use heliograph_tests::seaweedfs::{ACCESS_KEY, SECRET_KEY, SeaweedFs};
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Buckets {
    server: SeaweedFs,
    access: PathBuf,
    secret: PathBuf,
    runtime: Runtime,
}

/// An object as it is found.
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) octets: Vec<u8>,
    /// Its metadata.
    pub(crate) says: BTreeMap<String, String>,
}

impl Buckets {
    /// A server with these buckets.
    pub(crate) fn start(names: &[&str]) -> Self {
        let server = SeaweedFs::start();
        let (access, secret) = server.key_files(ACCESS_KEY, SECRET_KEY);
        names.iter().for_each(|name| server.make_bucket(name));
        Buckets {
            server,
            access,
            secret,
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    /// The bucket of a configuration.
    pub(crate) fn line(&self, url: &str) -> String {
        format!(
            "bucket = {{ url = \"{url}\", endpoint = \"{}\", allow-http = true, \
             access-key-file = \"{}\", secret-key-file = \"{}\" }}\n",
            self.server.endpoint(),
            self.access.display(),
            self.secret.display(),
        )
    }

    /// All that is in a bucket, by the keys that the ground calls them.
    pub(crate) fn list(&self, url: &str) -> Vec<Found> {
        let settings = BucketSettings {
            url: url.to_owned(),
            endpoint: Some(self.server.endpoint()),
            region: None,
            access_key_file: Some(self.access.clone()),
            secret_key_file: Some(self.secret.clone()),
            ca_file: None,
            allow_http: true,
            conditional_put: true,
        };
        let bucket = settings.open().unwrap();
        self.runtime.block_on(async {
            let listed = bucket.store().list(None);
            let listed: Vec<_> = listed.try_collect().await.unwrap();
            let mut all = Vec::new();
            for object in listed {
                let got = bucket.store().get(&object.location).await.unwrap();
                let says = got.attributes.iter();
                let says = says.filter_map(|(name, value)| match name {
                    Attribute::Metadata(name) => Some((name.to_string(), value.to_string())),
                    _ => None,
                });
                let says = says.collect();
                // Beneath the prefix of the bucket.
                let key = object.location.prefix_match(bucket.prefix()).unwrap();
                let key: Vec<String> = key.map(|part| part.as_ref().to_owned()).collect();
                all.push(Found {
                    key: key.join("/"),
                    octets: got.bytes().await.unwrap().to_vec(),
                    says,
                });
            }
            all
        })
    }
}

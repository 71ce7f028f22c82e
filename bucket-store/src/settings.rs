//! What a configuration says of a bucket.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{BackoffConfig, Certificate, ClientOptions, PutMode, RetryConfig};
use serde::Deserialize;

use crate::keys::{read_certificates, read_key};
use crate::{Bucket, BucketError};

/// From when a server that says nothing is given up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The same, once it was reached.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// For one request as a whole: 8 MiB in that time are 28 kB/s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// Whoever asks has longer pauses, and asks again.
const RETRIES_MAX: usize = 2;
const RETRY_PAUSE: Duration = Duration::from_millis(100);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);
const RETRY_TIME_MAX: Duration = Duration::from_secs(10);
const REGION: &str = "us-east-1";

/// A bucket, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BucketSettings {
    /// `s3://BUCKET` or `s3://BUCKET/PREFIX`.
    pub url: String,
    /// Where the server is; that of AWS without it.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The region that requests are signed for; `us-east-1` without it.
    #[serde(default)]
    pub region: Option<String>,
    /// The file of the access key; `AWS_ACCESS_KEY_ID` of the environment without it.
    #[serde(default)]
    pub access_key_file: Option<PathBuf>,
    /// The file of the secret key; `AWS_SECRET_ACCESS_KEY` of the environment without it.
    #[serde(default)]
    pub secret_key_file: Option<PathBuf>,
    /// Certificates as PEM that are trusted beside those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether the endpoint may be without TLS.
    #[serde(default)]
    pub allow_http: bool,
    /// Whether the server itself is asked not to replace an object (`If-None-Match: *`): some
    /// refuse that.
    #[serde(default = "yes")]
    pub conditional_put: bool,
}

fn yes() -> bool {
    true
}

impl BucketSettings {
    /// Whether they can be, as far as that is known without a file or the network.
    ///
    /// # Errors
    /// [`BucketError`].
    pub fn check(&self) -> Result<(), BucketError> {
        self.place()?;
        self.check_endpoint()?;
        match (&self.access_key_file, &self.secret_key_file) {
            (Some(_), None) => Err(BucketError::OneKey {
                there: "access-key-file",
                missing: "secret-key-file",
            }),
            (None, Some(_)) => Err(BucketError::OneKey {
                there: "secret-key-file",
                missing: "access-key-file",
            }),
            _ => Ok(()),
        }
    }

    /// Makes the client. Asks nobody on the network.
    ///
    /// # Errors
    /// [`BucketError`].
    pub fn open(&self) -> Result<Bucket, BucketError> {
        self.check()?;
        let (name, prefix) = self.place()?;
        let mut options = ClientOptions::new()
            .with_http1_only()
            .with_allow_http(self.allow_http)
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_read_timeout(READ_TIMEOUT)
            .with_timeout(REQUEST_TIMEOUT);
        if let Some(path) = &self.ca_file {
            let octets = read_certificates("ca-file", path)?;
            let unfit = |why: &str| BucketError::Unfit {
                setting: "ca-file",
                path: path.clone(),
                why: format!("holds no certificates: {why}"),
            };
            let found = Certificate::from_pem_bundle(&octets);
            let found = found.map_err(|error| unfit(&error.to_string()))?;
            if found.is_empty() {
                return Err(unfit("there is no PEM block of one"));
            }
            for certificate in found {
                options = options.with_root_certificate(certificate);
            }
        }
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: RETRY_PAUSE,
                max_backoff: RETRY_PAUSE_MAX,
                base: 2.0,
            },
            max_retries: RETRIES_MAX,
            retry_timeout: RETRY_TIME_MAX,
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(name)
            .with_region(self.region.as_deref().unwrap_or(REGION))
            .with_client_options(options)
            .with_retry(retry);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        let (access, secret, session) = self.keys()?;
        builder = builder
            .with_access_key_id(access)
            .with_secret_access_key(secret);
        if let Some(session) = session {
            builder = builder.with_token(session);
        }
        // A second one changes nothing: it may have been done by somebody else.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = builder.build();
        let store = store.map_err(|error| BucketError::Client(error.to_string()))?;
        let mut bucket = Bucket::new(store, prefix);
        if !self.conditional_put {
            bucket.create = PutMode::Overwrite;
        }
        Ok(bucket)
    }

    /// Bucket and prefix.
    fn place(&self) -> Result<(&str, Path), BucketError> {
        let refuse = |why| BucketError::Url {
            url: self.url.clone(),
            why,
        };
        let rest = self.url.strip_prefix("s3://");
        let rest = rest.ok_or_else(|| refuse("does not begin with s3://"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_letter = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(is_letter) {
            return Err(refuse(
                "has no bucket: 3 to 63 of a-z, 0-9, `-` and `.` are one",
            ));
        }
        let prefix = Path::parse(prefix.trim_end_matches('/'));
        let prefix = prefix.map_err(|_| refuse("has a prefix that is none"))?;
        Ok((bucket, prefix))
    }

    fn check_endpoint(&self) -> Result<(), BucketError> {
        let Some(endpoint) = &self.endpoint else {
            return Ok(());
        };
        let named = || endpoint.clone();
        let host = match (
            endpoint.strip_prefix("https://"),
            endpoint.strip_prefix("http://"),
        ) {
            (Some(host), _) => host,
            (None, Some(_)) if !self.allow_http => {
                return Err(BucketError::Http { endpoint: named() });
            }
            (None, Some(host)) => host,
            (None, None) => return Err(BucketError::Endpoint { endpoint: named() }),
        };
        let host = host.trim_end_matches('/');
        match host.is_empty() || host.contains(['/', '@', '?', '#', ' ']) {
            true => Err(BucketError::Endpoint { endpoint: named() }),
            false => Ok(()),
        }
    }

    /// Access key, secret key, and the token of a session.
    fn keys(&self) -> Result<(String, String, Option<String>), BucketError> {
        if let (Some(access), Some(secret)) = (&self.access_key_file, &self.secret_key_file) {
            let access = read_key("access-key-file", access)?;
            return Ok((access, read_key("secret-key-file", secret)?, None));
        }
        let of_environment = |name| env::var(name).ok().filter(|value| !value.is_empty());
        // Without keys the client would look for them at an address of the cloud.
        let access = of_environment("AWS_ACCESS_KEY_ID").ok_or(BucketError::NoKeys)?;
        let secret = of_environment("AWS_SECRET_ACCESS_KEY").ok_or(BucketError::NoKeys)?;
        Ok((access, secret, of_environment("AWS_SESSION_TOKEN")))
    }
}

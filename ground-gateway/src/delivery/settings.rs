//! `[delivery]`: where files go that came down from the agent.

use std::path::PathBuf;

use bucket_store::BucketSettings;
use serde::Deserialize;

use super::key::{DEFAULT, Template};

/// Topics that have a place of their own at most.
const TOPICS_MAX: usize = 64;
const TOPIC_BYTES_MAX: usize = 128;

/// The table, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeliverySettings {
    /// Where files go whose topic has no place of its own: a directory.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// Or a bucket.
    #[serde(default)]
    pub bucket: Option<BucketSettings>,
    /// What files are called there.
    #[serde(default = "usual_key")]
    pub key: String,
    /// The key that signs receipts; without it there are none.
    #[serde(default)]
    pub receipt_key_file: Option<PathBuf>,
    /// A manifest is written when contact is lost, and when so many minutes have gone by.
    #[serde(default = "usual_minutes")]
    pub manifest_minutes: u32,
    /// Topics that have a place of their own.
    #[serde(default)]
    pub topics: Vec<TopicSettings>,
}

/// `[[delivery.topics]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TopicSettings {
    /// Its name.
    pub topic: String,
    /// Its directory.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// Or its bucket.
    #[serde(default)]
    pub bucket: Option<BucketSettings>,
}

/// Where files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceSettings {
    /// Beneath it.
    Directory(PathBuf),
    /// Into it.
    Bucket(Box<BucketSettings>),
}

fn usual_key() -> String {
    DEFAULT.to_owned()
}

fn usual_minutes() -> u32 {
    10
}

impl DeliverySettings {
    /// Whether they can be, as far as that is known without a file or the network.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub fn check(&self) -> Result<(), String> {
        self.place()?;
        self.template()?;
        if self.manifest_minutes == 0 {
            return Err("`manifest-minutes` is 0: 1 is the least".to_owned());
        }
        is_absolute("receipt-key-file", self.receipt_key_file.as_ref())?;
        if self.topics.len() > TOPICS_MAX {
            let count = self.topics.len();
            return Err(format!("{count} topics; {TOPICS_MAX} are the most"));
        }
        for (index, topic) in self.topics.iter().enumerate() {
            let name = &topic.topic;
            if !is_topic(name) {
                return Err(format!(
                    "topic `{name}`: 1 to {TOPIC_BYTES_MAX} of A-Z, a-z, 0-9, `-` and `_` are one"
                ));
            }
            let before = self.topics.iter().take(index);
            if before.into_iter().any(|other| other.topic == *name) {
                return Err(format!("topic `{name}` is there twice"));
            }
            let place = place_of(topic.directory.as_ref(), topic.bucket.as_ref());
            place.map_err(|problem| format!("topic `{name}`: {problem}"))?;
        }
        Ok(())
    }

    /// Where files go whose topic has no place of its own.
    pub(crate) fn place(&self) -> Result<PlaceSettings, String> {
        place_of(self.directory.as_ref(), self.bucket.as_ref())
    }

    /// The topics that have one.
    pub(crate) fn places(&self) -> Result<Vec<(String, PlaceSettings)>, String> {
        let of = |topic: &TopicSettings| {
            let place = place_of(topic.directory.as_ref(), topic.bucket.as_ref())?;
            Ok((topic.topic.clone(), place))
        };
        self.topics.iter().map(of).collect()
    }

    pub(crate) fn template(&self) -> Result<Template, String> {
        let template = self.key.parse();
        template.map_err(|problem| format!("`key`: {problem}"))
    }
}

/// Whether an agent takes it for a topic.
pub(crate) fn is_topic(text: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    (1..=TOPIC_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits)
}

fn place_of(
    directory: Option<&PathBuf>,
    bucket: Option<&BucketSettings>,
) -> Result<PlaceSettings, String> {
    match (directory, bucket) {
        (Some(directory), None) => {
            is_absolute("directory", Some(directory))?;
            Ok(PlaceSettings::Directory(directory.clone()))
        }
        (None, Some(bucket)) => {
            let checked = bucket.check();
            checked.map_err(|error| format!("`bucket`: {error}"))?;
            Ok(PlaceSettings::Bucket(Box::new(bucket.clone())))
        }
        _ => Err("write either `directory` or `bucket`: files need one place".to_owned()),
    }
}

/// Commands run in folders of their own.
fn is_absolute(key: &str, path: Option<&PathBuf>) -> Result<(), String> {
    match path {
        Some(path) if !path.is_absolute() => Err(format!(
            "`{key}` is {}: write an absolute path",
            path.display()
        )),
        _ => Ok(()),
    }
}

//! Where files go.

mod bucket;
mod directory;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(crate) use bucket::BucketPlace;
pub(crate) use directory::DirectoryPlace;

use super::object::Object;
use super::settings::PlaceSettings;
use super::step::AtStep;

/// Who notes an upload.
pub(crate) type Begun<'b> = &'b mut dyn FnMut(&str) -> Result<(), String>;

/// A directory or a bucket.
pub(crate) trait Place: Send {
    /// As people and receipts call it.
    fn name(&self) -> &str;

    /// What is under a key.
    ///
    /// # Errors
    /// [`PlaceError`].
    fn look(&self, key: &str, object: &Object) -> Result<Found, PlaceError>;

    /// Puts an object where nothing is, or what an earlier try left of it. Where it goes in
    /// parts, `begun` notes their upload before the first.
    ///
    /// # Errors
    /// [`PlaceError`].
    fn put(
        &self,
        key: &str,
        object: &Object,
        data: &mut dyn Read,
        begun: Begun<'_>,
    ) -> Result<(), PlaceError>;

    /// Takes back the parts that an earlier try, noted as `upload`, left.
    fn abandon(&self, _key: &str, _upload: &str) {}
}

/// What is under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    /// This object, whole.
    This,
    Another,
}

/// Why an object is not at its place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// Another one came there meanwhile.
    #[error("another file has this key")]
    Taken,
    /// The process is to end.
    #[error("it is interrupted")]
    Stopped,
    /// The place does not work.
    #[error("{0}")]
    Failed(String),
}

/// Makes what the settings name. No bucket is asked for anything yet.
pub(crate) fn open(
    settings: &PlaceSettings,
    is_stopping: &Arc<AtomicBool>,
    at_step: &AtStep,
) -> Result<Box<dyn Place>, String> {
    match settings {
        PlaceSettings::Directory(path) => {
            let place = DirectoryPlace::open(path, Arc::clone(at_step));
            let place = place.map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(Box::new(place))
        }
        PlaceSettings::Bucket(settings) => {
            let bucket = settings.open();
            let bucket = bucket.map_err(|error| format!("{}: {error}", settings.url))?;
            let place = BucketPlace::new(settings.url.clone(), bucket, Arc::clone(is_stopping));
            let place = place.map_err(|error| format!("{}: {error}", settings.url))?;
            Ok(Box::new(place))
        }
    }
}

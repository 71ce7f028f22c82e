//! Which key what has.

use bucket_store::object_store::path::Path;
use bucket_store::{Bucket, BucketError};

use crate::code::Code;
use crate::dropbox::{REQUEST_SUFFIX, receipt_name};
use crate::mover::{Refused, batch_name};
use crate::names::{AppId, FileName, Subdirectory};
use crate::record::Transfer;

const INBOX: &str = "inbox";
const OUTBOX: &str = "outbox";
const RECEIPTS: &str = "receipts";
/// What says that a batch is whole. No file of one may have the name.
pub(super) const MANIFEST: &str = "batch.json";

/// Where a file of a transfer comes to.
pub(super) fn delivered<S>(
    bucket: &Bucket<S>,
    app: &AppId,
    transfer: &Transfer,
    name: &FileName,
) -> Result<Path, Refused> {
    if !is_batch(transfer) {
        return at(
            bucket,
            app,
            INBOX,
            &transfer.request.subdirectory,
            &[name.as_str()],
        );
    }
    if name.as_str() == MANIFEST {
        return Err(Refused {
            code: Code::InvalidName,
            text: format!("a file of a batch cannot be called {MANIFEST}: the batch's own is"),
        });
    }
    let batch = batch_name(transfer);
    let names = [batch.as_str(), name.as_str()];
    at(bucket, app, INBOX, &transfer.request.subdirectory, &names)
}

/// Where the manifest of a batch comes to.
pub(super) fn manifest<S>(
    bucket: &Bucket<S>,
    app: &AppId,
    transfer: &Transfer,
) -> Result<Path, Refused> {
    let names = [&batch_name(transfer), MANIFEST];
    at(bucket, app, INBOX, &transfer.request.subdirectory, &names)
}

pub(super) fn is_batch(transfer: &Transfer) -> bool {
    transfer.request.files.len() > 1
}

/// The outbox of an app.
pub(super) fn outbox<S>(bucket: &Bucket<S>, app: &AppId) -> Result<Path, BucketError> {
    bucket.key([app.as_str(), OUTBOX])
}

/// A file in the outbox of an app.
pub(super) fn source<S>(
    bucket: &Bucket<S>,
    app: &AppId,
    subdirectory: &Subdirectory,
    name: &FileName,
) -> Result<Path, Refused> {
    at(bucket, app, OUTBOX, subdirectory, &[name.as_str()])
}

/// The receipt of what was dropped for the file `stem`.
pub(super) fn receipt<S>(bucket: &Bucket<S>, app: &AppId, stem: &str) -> Result<Path, BucketError> {
    bucket.key([app.as_str(), RECEIPTS, &receipt_name(stem)])
}

/// For which file a request was dropped, if that is one: right in the outbox, and with no dot
/// before its name.
pub(super) fn stem_of<'k>(outbox: &Path, key: &'k Path) -> Option<&'k str> {
    let name = key.as_ref().strip_prefix(outbox.as_ref())?;
    let name = name.strip_prefix('/')?;
    let is_plain = !name.contains('/') && !name.starts_with('.');
    let stem = name.strip_suffix(REQUEST_SUFFIX)?;
    (is_plain && !stem.is_empty()).then_some(stem)
}

fn at<S>(
    bucket: &Bucket<S>,
    app: &AppId,
    side: &str,
    subdirectory: &Subdirectory,
    names: &[&str],
) -> Result<Path, Refused> {
    let of_app = [app.as_str(), side].into_iter();
    let components = of_app
        .chain(subdirectory.components())
        .chain(names.iter().copied());
    bucket.key(components).map_err(|error| Refused {
        code: Code::InvalidName,
        text: error.to_string(),
    })
}

//! The steps of windows and uploads: after each of them the process may end, and no window is
//! forgotten or offered after its start, and no upload is half there.

use std::sync::Arc;

/// A step that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A window is in the store.
    WindowTaken,
    /// It is noted that the spacecraft is about to be told of windows.
    OfferNoted,
    /// The spacecraft was told, and may have answered.
    Offered,
    /// The store knows what it answered.
    OfferAnswered,
    /// It is noted that a window is to be cancelled.
    CancelTaken,
    /// The spacecraft was told so.
    CancelSent,
    /// The store knows what it answered.
    CancelAnswered,
    /// The spacecraft was asked how windows stand.
    Asked,
    /// The store knows what it answered.
    AskAnswered,
    /// The octets of an upload are on the disk, by another name.
    UploadWritten,
    /// They have their name.
    UploadNamed,
    /// The upload is in the store.
    UploadTaken,
    /// It is noted that it is about to go up.
    UploadNoted,
    /// Its bundle is made.
    UploadBundled,
    /// Its transfer is ordered.
    UploadOrdered,
    /// The store knows how it ended.
    UploadEnded,
    /// Its octets are gone from the ground.
    UploadRemoved,
}

/// All of them.
#[cfg(test)]
pub(crate) const ALL: [Step; 17] = [
    Step::WindowTaken,
    Step::OfferNoted,
    Step::Offered,
    Step::OfferAnswered,
    Step::CancelTaken,
    Step::CancelSent,
    Step::CancelAnswered,
    Step::Asked,
    Step::AskAnswered,
    Step::UploadWritten,
    Step::UploadNamed,
    Step::UploadTaken,
    Step::UploadNoted,
    Step::UploadBundled,
    Step::UploadOrdered,
    Step::UploadEnded,
    Step::UploadRemoved,
];

/// Who is called after each step: tests.
pub(crate) type AtStep = Arc<dyn Fn(Step) + Send + Sync>;

/// Nobody.
pub(crate) fn unwatched() -> AtStep {
    Arc::new(|_| {})
}

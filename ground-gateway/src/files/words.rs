//! Condition codes in words.

use file_delivery::entity::Outcome;
use file_delivery::pdu::{ConditionCode, FileStatus};

/// Why a file did not get to an app, where its satellite says so.
pub(crate) fn of_app(outcome: &Outcome) -> Option<&'static str> {
    match (outcome.condition, outcome.file_status) {
        (ConditionCode::FilestoreRejection, FileStatus::Discarded) => Some(
            "the satellite does not take it: it knows no such app, its policy does not allow it, or \
             the app has a file of that name",
        ),
        (ConditionCode::FilestoreRejection, _) => {
            Some("the satellite has no room for it: the app's inbox or the disk is full")
        }
        _ => None,
    }
}

/// Why a transaction ended without its file.
pub(crate) fn of_outcome(outcome: &Outcome) -> &'static str {
    use ConditionCode as Code;
    match outcome.condition {
        Code::NoError => match outcome.file_status {
            FileStatus::RejectedByFilestore => "the store there refused the file",
            FileStatus::Discarded => "the other end discarded the file",
            _ => "it is not known whether all of it arrived",
        },
        Code::PositiveAckLimitReached => "the other end did not acknowledge the end of the file",
        Code::KeepAliveLimitReached => "the receiver lagged too far behind",
        Code::InvalidTransmissionMode => "the other end does not do this transmission mode",
        Code::FilestoreRejection if outcome.file_status == FileStatus::Discarded => {
            "the other end does not take such a file"
        }
        Code::FilestoreRejection => "the store refused the file",
        Code::FileChecksumFailure => "the checksum of what arrived is not the sender's",
        Code::FileSizeError => {
            "the file is larger than its receiver takes, or than it was said to be"
        }
        Code::NakLimitReached => "what was missing was asked for so often, and never came",
        Code::InactivityDetected => "the other end was silent for too long",
        Code::InvalidFileStructure => "the records of the file are not as they should be",
        Code::CheckLimitReached => "the file was not whole when the time for it was over",
        Code::UnsupportedChecksumType => "the other end does not know this checksum",
        Code::SuspendRequestReceived => "it was suspended",
        Code::CancelRequestReceived => "it was cancelled, or the other end had no room for it",
    }
}

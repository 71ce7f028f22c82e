//! Why a call fails that has no answer of its own to say so.

use tonic::metadata::MetadataValue;
use tonic::{Code as Grpc, Status};

use super::answer::CODE;
use crate::api::Busy;
use crate::api::json::refusal::Refusal;
use crate::code::Code;

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let mut status = Status::new(grpc(refusal.code), refusal.text);
        // Codes are ASCII.
        if let Ok(code) = MetadataValue::try_from(refusal.code.to_string()) {
            status.metadata_mut().insert(CODE, code);
        }
        status
    }
}

impl From<Busy> for Status {
    fn from(busy: Busy) -> Self {
        Refusal::from(busy).into()
    }
}

/// The service stops: nothing was decided by that.
pub(super) fn stopping() -> Status {
    Refusal::new(
        Code::Unavailable,
        "the service stops: ask again with the same trackingId once it runs",
    )
    .into()
}

/// What gRPC has for a code.
fn grpc(code: Code) -> Grpc {
    match code {
        Code::InvalidName | Code::InvalidArgument | Code::SourceNotRegular => Grpc::InvalidArgument,
        Code::UnknownSender => Grpc::Unauthenticated,
        Code::Forbidden => Grpc::PermissionDenied,
        Code::UnknownRecipient | Code::SourceNotFound | Code::UnknownRequest => Grpc::NotFound,
        Code::AlreadyExists => Grpc::AlreadyExists,
        Code::QuotaExceeded | Code::NoSpace | Code::TooLarge => Grpc::ResourceExhausted,
        Code::Unavailable => Grpc::Unavailable,
        Code::Expired => Grpc::DeadlineExceeded,
        Code::Cancelled => Grpc::Cancelled,
        Code::Conflict | Code::SourceChanged => Grpc::FailedPrecondition,
        Code::HashMismatch => Grpc::DataLoss,
        Code::Ok | Code::Accepted | Code::IoError | Code::Internal => Grpc::Internal,
    }
}

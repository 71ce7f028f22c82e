//! What is told. No answer is without a status: 0 would say that it succeeded.

use std::time::Duration;

use prost_types::Timestamp;

use super::messages::{LinkRequest, LinkResponse, RequestHeader, ResponseHeader};
use super::messages::{Priority, link_request::LinkType};
use crate::api::json::refusal::Refusal;
use crate::code::{Code, StatusCode};
use crate::desk::TransferView;
use crate::names::AppId;
use crate::request::{self, Expiry};

/// The precise code, in the metadata of an answer.
pub(super) const CODE: &str = "heliograph-code";
/// The number of the request.
const ID: &str = "heliograph-id";
/// Octets of all files.
const BYTES: &str = "heliograph-bytes";
/// Of the octets of the file, in hexadecimal, once they were read.
const BLAKE3: &str = "heliograph-blake3";
/// How many files there are, where it is not one.
const FILES: &str = "heliograph-files";
/// How many recipients there are, where it is not one.
const RECIPIENTS: &str = "heliograph-recipients";

/// How a request stands.
pub(super) fn standing(view: &TransferView) -> LinkResponse {
    let TransferView { transfer, .. } = view;
    let request = &transfer.request;
    let mut metadata = request.metadata.clone();
    let mut tell = |key: &str, value: String| metadata.insert(key.to_owned(), value);
    tell(CODE, view.code.to_string());
    tell(ID, transfer.id.to_string());
    tell(BYTES, transfer.bytes().to_string());
    if let [file] = &*transfer.files
        && let Some(hash) = file.hash
    {
        tell(BLAKE3, blake3::Hash::from_bytes(hash).to_hex().to_string());
    }
    for (key, count) in [
        (FILES, request.files.len()),
        (RECIPIENTS, request.recipients.len()),
    ] {
        if count != 1 {
            tell(key, count.to_string());
        }
    }
    let sender = &transfer.sender;
    let outcome = transfer.outcome();
    LinkResponse {
        response_header: Some(ResponseHeader {
            tracking_id: request.request_id.clone(),
            correlation_id: request.correlation_id.clone(),
            status: view.status() as i32,
            message: view.text.clone(),
            app_id: sender.to_string(),
            metadata,
            origin_app_id: sender.to_string(),
        }),
        link_request: Some(link_request(sender, request)),
        file_size_kb: i64::try_from(transfer.bytes().div_ceil(1024)).unwrap_or(i64::MAX),
        link_processed_time: outcome.and_then(|outcome| time(outcome.ended_at)),
    }
}

/// That a request is accepted, however far it is meanwhile.
pub(super) fn accepted(view: &TransferView) -> LinkResponse {
    let mut answer = standing(view);
    answer.link_processed_time = None;
    if let Some(header) = &mut answer.response_header {
        header.status = StatusCode::Pending as i32;
        header.message.clear();
        let code = Code::Accepted.to_string();
        header.metadata.insert(CODE.to_owned(), code);
    }
    answer
}

/// Why it is no.
pub(super) fn refused(refusal: Refusal, sender: &AppId, of: Option<LinkRequest>) -> LinkResponse {
    let header = of
        .as_ref()
        .and_then(|request| request.request_header.clone());
    let header = header.unwrap_or_default();
    let mut metadata = header.metadata;
    // What is the service's to say, nobody else says.
    metadata.retain(|key, _| !key.starts_with("heliograph-"));
    metadata.insert(CODE.to_owned(), refusal.code.to_string());
    LinkResponse {
        response_header: Some(ResponseHeader {
            tracking_id: header.tracking_id,
            correlation_id: header.correlation_id,
            status: refusal.code.status() as i32,
            message: refusal.text,
            app_id: sender.to_string(),
            metadata,
            origin_app_id: sender.to_string(),
        }),
        link_request: of,
        file_size_kb: 0,
        link_processed_time: None,
    }
}

/// Since 1970; nothing where the clock was not to be believed then.
pub(super) fn time(since_1970: Duration) -> Option<Timestamp> {
    if since_1970.is_zero() {
        return None;
    }
    Some(Timestamp {
        seconds: i64::try_from(since_1970.as_secs()).ok()?,
        nanos: i32::try_from(since_1970.subsec_nanos()).ok()?,
    })
}

/// A request that was made. Of several files and recipients, made another way, the first.
fn link_request(sender: &AppId, request: &request::LinkRequest) -> LinkRequest {
    let first = request.files.first().map(ToString::to_string);
    let to = request.recipients.first().map(ToString::to_string);
    LinkRequest {
        request_header: Some(RequestHeader {
            tracking_id: request.request_id.clone(),
            correlation_id: request.correlation_id.clone(),
            app_id: sender.to_string(),
            metadata: request.metadata.clone(),
            origin_app_id: sender.to_string(),
        }),
        link_type: match request.link_type {
            request::LinkType::Uplink => LinkType::Uplink,
            request::LinkType::Crosslink => LinkType::Crosslink,
            request::LinkType::App2App => LinkType::App2app,
            request::LinkType::Downlink => LinkType::Downlink,
        }
        .into(),
        priority: match request.priority {
            request::Priority::Low => Priority::Low,
            request::Priority::Medium => Priority::Medium,
            request::Priority::High => Priority::High,
            request::Priority::Critical => Priority::Critical,
        }
        .into(),
        file_name: first.unwrap_or_default(),
        subdirectory: request.subdirectory.to_string(),
        destination_app_id: to.unwrap_or_default(),
        overwrite: request.overwrite,
        leave_source_file: request.leave_source,
        expiration_time: match request.expires {
            Some(Expiry::At(at)) => time(at),
            Some(Expiry::After(_)) | None => None,
        },
    }
}

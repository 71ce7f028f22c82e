//! What is asked: the message, taken as the same in JSON is.

use std::time::Duration;

use prost_types::Timestamp;

use super::messages::{self, link_request};
use crate::api::json::body::{LinkTypeName, PriorityName, RequestBody, RequestHeader};
use crate::api::json::refusal::Refusal;
use crate::names::AppId;
use crate::request::{Expiry, LinkRequest};

/// The request that is meant, where `sender` asks.
pub(super) fn request(
    message: messages::LinkRequest,
    sender: &AppId,
) -> Result<LinkRequest, Refusal> {
    let header = message.request_header.unwrap_or_default();
    let mut named = [header.app_id, header.origin_app_id].into_iter();
    let body = RequestBody {
        request_header: Some(RequestHeader {
            tracking_id: Some(header.tracking_id),
            correlation_id: Some(header.correlation_id),
            // Another one is refused, wherever it stands.
            app_id: named.find(|app| !app.is_empty() && app != sender.as_str()),
            metadata: Some(header.metadata),
        }),
        link_type: Some(link_type(message.link_type)?),
        priority: Some(priority(message.priority)?),
        file_name: said(message.file_name),
        file_names: None,
        subdirectory: said(message.subdirectory),
        destination_app_id: said(message.destination_app_id),
        destination_app_ids: None,
        overwrite: Some(message.overwrite),
        leave_source_file: Some(message.leave_source_file),
        expiration_time: None,
        expires_in_seconds: None,
    };
    let expires = message.expiration_time.map(expiry).transpose()?;
    let request = body.into_request(sender)?;
    Ok(LinkRequest { expires, ..request })
}

/// What is empty was left out: the two are one on the wire.
fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn link_type(number: i32) -> Result<LinkTypeName, Refusal> {
    use link_request::LinkType;
    match LinkType::try_from(number) {
        Ok(LinkType::Uplink) => Ok(LinkTypeName::Uplink),
        Ok(LinkType::Crosslink) => Ok(LinkTypeName::Crosslink),
        Ok(LinkType::App2app) => Ok(LinkTypeName::App2App),
        Ok(LinkType::Downlink) => Ok(LinkTypeName::Downlink),
        Ok(LinkType::Unknown) => Err(Refusal::invalid("linkType: say which way it is to go")),
        Err(_) => Err(Refusal::invalid(format!("linkType: there is no {number}"))),
    }
}

fn priority(number: i32) -> Result<PriorityName, Refusal> {
    use messages::Priority;
    match Priority::try_from(number) {
        Ok(Priority::Low) => Ok(PriorityName::Low),
        Ok(Priority::Medium) => Ok(PriorityName::Medium),
        Ok(Priority::High) => Ok(PriorityName::High),
        Ok(Priority::Critical) => Ok(PriorityName::Critical),
        Err(_) => Err(Refusal::invalid(format!("priority: there is no {number}"))),
    }
}

/// What was before 1970, is as then: both are over.
fn expiry(at: Timestamp) -> Result<Expiry, Refusal> {
    match (u64::try_from(at.seconds), u32::try_from(at.nanos)) {
        (_, Err(_) | Ok(1_000_000_000..)) => {
            let text = "expirationTime: nanos are to be from 0 to 999999999";
            Err(Refusal::invalid(text))
        }
        (Err(_), Ok(_)) => Ok(Expiry::At(Duration::ZERO)),
        (Ok(seconds), Ok(nanoseconds)) => Ok(Expiry::At(Duration::new(seconds, nanoseconds))),
    }
}

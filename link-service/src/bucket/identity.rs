//! Whose an object is: what it carries beside its octets.

use bucket_store::object_store::{Attribute, Attributes};
use form_urlencoded::byte_serialize;

use crate::record::Transfer;

const TRANSFER: &str = "heliograph-transfer";
const SENDER: &str = "heliograph-sender";
const REQUEST: &str = "heliograph-request";
const CORRELATION: &str = "heliograph-correlation";
const METADATA: &str = "heliograph-metadata";
pub(super) const HASH: &str = "heliograph-blake3";
/// Of what the sender's own metadata may be, encoded: S3 has 2 KB for all of an object.
const METADATA_BYTES_MAX: usize = 1024;

/// What the objects of a transfer carry; text of the sender is encoded as in a form.
pub(super) fn attributes(transfer: &Transfer, hash: &[u8; 32]) -> Attributes {
    let request = &transfer.request;
    let mut attributes = Attributes::new();
    let mut set = |name: &'static str, value: String| {
        attributes.insert(Attribute::Metadata(name.into()), value.into());
    };
    set(TRANSFER, transfer.id.to_string());
    set(SENDER, transfer.sender.to_string());
    set(REQUEST, encoded(&request.request_id));
    set(HASH, hex(hash));
    if !request.correlation_id.is_empty() {
        set(CORRELATION, encoded(&request.correlation_id));
    }
    if !request.metadata.is_empty() {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(&request.metadata);
        let pairs = pairs.finish();
        if pairs.len() <= METADATA_BYTES_MAX {
            set(METADATA, pairs);
        }
    }
    attributes
}

/// Whether an object is of a transfer, whatever its octets are.
pub(super) fn is_of(attributes: &Attributes, transfer: &Transfer) -> bool {
    let is = |name: &'static str, value: &str| of(attributes, name) == Some(value);
    is(TRANSFER, &transfer.id.to_string())
        && is(SENDER, transfer.sender.as_str())
        && is(REQUEST, &encoded(&transfer.request.request_id))
}

/// The hash that an object carries.
pub(super) fn hash(attributes: &Attributes) -> Option<&str> {
    of(attributes, HASH)
}

pub(super) fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

fn of<'a>(attributes: &'a Attributes, name: &'static str) -> Option<&'a str> {
    let value = attributes.get(&Attribute::Metadata(name.into()))?;
    Some(value.as_ref())
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

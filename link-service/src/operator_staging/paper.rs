//! `request.json`: what the operator's program is told of a request.

use serde_json::{Value, json};

use crate::record::Transfer;

/// The hash of one file, of all its octets.
pub(super) type Hash = [u8; 32];

pub(super) fn paper(transfer: &Transfer, hashes: &[Hash]) -> String {
    let request = &transfer.request;
    let files = request.files.iter().zip(&transfer.files).zip(hashes);
    let files = files.map(|((name, record), hash)| {
        json!({
            "name": name.as_str(),
            "sizeBytes": record.size,
            "blake3": blake3::Hash::from_bytes(*hash).to_hex().as_str(),
        })
    });
    let directory = [transfer.sender.to_string()].into_iter();
    let directory = directory.chain(request.subdirectory.components().map(str::to_owned));
    let paper = json!({
        "id": transfer.id.to_string(),
        "sender": transfer.sender.as_str(),
        "directory": directory.collect::<Vec<_>>().join("/"),
        "files": files.collect::<Vec<Value>>(),
        "priority": request.priority.to_string(),
        "overwrite": request.overwrite,
        "requestId": request.request_id,
        "correlationId": request.correlation_id,
        "metadata": request.metadata,
    });
    format!("{paper:#}\n")
}

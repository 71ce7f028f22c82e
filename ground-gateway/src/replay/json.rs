//! Frames and summary as JSON objects.

use std::time::Duration;

use comms_service::accounting::{Flow, Statistics};
use serde_json::{Map, Value, json};

use super::fate::Fate;
use super::{Replayed, Summary};

/// The object of one frame.
pub(crate) fn json_frame(frame: &Replayed) -> String {
    let mut object = Map::new();
    object.insert("frame".to_owned(), frame.number.into());
    object.insert("time".to_owned(), seconds(frame.since_epoch));
    let direction = frame.direction.map(|direction| direction.as_str());
    object.insert("direction".to_owned(), direction.into());
    object.insert("bytes".to_owned(), frame.octets.into());
    if frame.original_bytes > frame.octets {
        object.insert("original_bytes".to_owned(), frame.original_bytes.into());
    }
    if let Some((destination, source)) = frame.callsigns {
        object.insert("from".to_owned(), source.to_string().into());
        object.insert("to".to_owned(), destination.to_string().into());
    }
    object.insert("fate".to_owned(), frame.fate.name().into());
    if let Fate::Dropped { reason, .. } = &frame.fate {
        object.insert("reason".to_owned(), (*reason).into());
    }
    let detail = frame.fate.detail();
    if !detail.is_empty() {
        object.insert("detail".to_owned(), detail.into());
    }
    Value::Object(object).to_string()
}

/// The object of the summary.
pub(crate) fn json_summary(summary: &Summary) -> String {
    json!({
        "summary": {
            "frames": summary.frames(),
            "delivered": summary.delivered,
            "dropped": summary.dropped,
            "held": summary.open,
            "ground": engine(&summary.ground),
            "satellite": engine(&summary.satellite),
        }
    })
    .to_string()
}

fn engine(statistics: &Statistics) -> Value {
    json!({
        "packets": flow(&statistics.packets_in),
        "messages": flow(&statistics.messages_in),
        "sequence_gaps": statistics.sequence_gaps,
        "sender_restarts": statistics.sender_restarts,
        "surplus_bytes": statistics.surplus_bytes,
    })
}

fn flow(flow: &Flow) -> Value {
    let dropped: Map<_, _> = flow
        .dropped
        .iter()
        .map(|(reason, count)| (reason.as_str().to_owned(), count.into()))
        .collect();
    json!({
        "offered": flow.offered,
        "delivered": flow.delivered,
        "held": flow.queued + flow.in_flight,
        "dropped": dropped,
    })
}

/// To the microsecond, which is as much as a number of JSON carries surely.
fn seconds(time: Duration) -> Value {
    (time.as_micros() as f64 / 1e6).into()
}

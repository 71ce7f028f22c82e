//! What a service answers by GraphQL.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::snapshot::{FeedError, SNAPSHOT_OCTETS_MAX, Snapshot};

/// Letters of an error that are told.
const ERROR_LETTERS_MAX: usize = 200;

/// The body of an answer; more than this of it is of no interest here.
#[derive(Deserialize)]
struct Answer {
    data: Option<Map<String, Value>>,
    #[serde(default)]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

/// What an answer tells, and the first error where it says one beside it.
///
/// What is null is not told: a group, its value, or anything in it. A group without a `value` in
/// it is the value, of now.
pub(super) fn read(body: &[u8]) -> Result<(Snapshot, Option<String>), FeedError> {
    if body.len() > SNAPSHOT_OCTETS_MAX {
        return Err(FeedError::TooLong);
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| FeedError::Malformed(error.to_string()))?;
    let failure = answer.errors.into_iter().next();
    let failure = failure.map(|failure| failure.message.chars().take(ERROR_LETTERS_MAX).collect());
    let groups = answer.data.unwrap_or_default().into_iter();
    let groups = groups.filter_map(|(name, group)| Some((name, told(group)?)));
    let groups: Map<_, _> = groups.collect();
    match failure {
        Some(failure) if groups.is_empty() => Err(FeedError::Refused(failure)),
        failure => {
            let snapshot = serde_json::from_value(Value::Object(groups));
            Ok((Snapshot::checked(snapshot)?, failure))
        }
    }
}

fn told(mut group: Value) -> Option<Value> {
    let value = group.get("value");
    if group.is_null() || value.is_some_and(Value::is_null) {
        return None;
    }
    let has_value = value.is_some();
    without_nulls(&mut group);
    Some(match has_value {
        true => group,
        false => Value::Object(Map::from_iter([("value".to_owned(), group)])),
    })
}

/// As deep as the parser goes.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

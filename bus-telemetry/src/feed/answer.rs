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
/// A group that is null is not told. One without a `value` in it is the value, of now.
pub(super) fn read(body: &[u8]) -> Result<(Snapshot, Option<String>), FeedError> {
    if body.len() > SNAPSHOT_OCTETS_MAX {
        return Err(FeedError::TooLong);
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| FeedError::Malformed(error.to_string()))?;
    let failure = answer.errors.into_iter().next();
    let failure = failure.map(|failure| failure.message.chars().take(ERROR_LETTERS_MAX).collect());
    let groups = answer.data.unwrap_or_default().into_iter();
    let groups = groups.filter(|(_, group)| !group.is_null());
    let groups: Map<_, _> = groups.map(|(name, group)| (name, told(group))).collect();
    match failure {
        Some(failure) if groups.is_empty() => Err(FeedError::Refused(failure)),
        failure => {
            let snapshot = serde_json::from_value(Value::Object(groups));
            Ok((Snapshot::checked(snapshot)?, failure))
        }
    }
}

fn told(group: Value) -> Value {
    match group.get("value") {
        Some(_) => group,
        None => Value::Object(Map::from_iter([("value".to_owned(), group)])),
    }
}

//! The GraphQL error document that goes down when a service gives no answer.

use serde_json::{Value, json};

use crate::accounting::DropReason;

/// The code by which an error document of this framework is known from one of
/// a service: `errors[0].extensions.code` begins with it.
pub const CODE_PREFIX: &str = "heliograph/";

/// `{"errors":[{"message":…,"extensions":{"code":"heliograph/<reason>"}}]}`
/// (GraphQL, October 2021 edition, §7.1.2 "Error result format").
pub(crate) fn document(reason: DropReason, message: &str) -> String {
    let code = format!("{CODE_PREFIX}{}", reason.as_str());
    json!({"errors": [{"message": message, "extensions": {"code": code}}]}).to_string()
}

/// The message of an error document of this framework; none for anything else,
/// so for what a service itself answered.
pub fn link_error(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let error = answer.get("errors")?.get(0)?;
    let code = error.get("extensions")?.get("code")?.as_str()?;
    let message = error.get("message")?.as_str()?;
    code.starts_with(CODE_PREFIX).then(|| message.to_string())
}

/// Whether `body` is a GraphQL response: a JSON object with `data` or with a
/// list of `errors`.
pub(crate) fn is_graphql_response(body: &[u8]) -> bool {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => {
            fields.contains_key("data") || fields.get("errors").is_some_and(Value::is_array)
        }
        _ => false,
    }
}

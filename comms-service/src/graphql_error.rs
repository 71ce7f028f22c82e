//! The GraphQL error document that goes down when a service gives no answer.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
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
/// list of `errors`. Looks only, so that a large body costs no memory.
pub(crate) fn is_graphql_response(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Response {
        #[serde(default, deserialize_with = "is_there")]
        data: bool,
        errors: Option<Vec<IgnoredAny>>,
    }
    fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(value).map(|_| true)
    }
    // Serde would take an array for a structure, too.
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    let response = serde_json::from_slice::<Response>(body);
    is_object && response.is_ok_and(|response| response.data || response.errors.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graphql_response_has_data_or_a_list_of_errors() {
        for body in [
            r#"{"data":null}"#,
            r#"{"data":{"a":1},"x":2}"#,
            r#"{"errors":[{}]}"#,
        ] {
            assert!(is_graphql_response(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"errors":"oops"}"#,
            "oops",
            r#"{"data":"#,
        ] {
            assert!(!is_graphql_response(body.as_bytes()), "{body}");
        }
    }
}

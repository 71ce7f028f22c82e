//! Refusals, in the form in which a GraphQL client expects its errors.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request refused: `{"errors":[{"message":…}]}` under an HTTP status.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The request is not a GraphQL request.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let document = serde_json::json!({ "errors": [{ "message": self.message }] });
        let headers = [(header::CONTENT_TYPE, JSON)];
        (self.status, headers, Body::from(document.to_string())).into_response()
    }
}

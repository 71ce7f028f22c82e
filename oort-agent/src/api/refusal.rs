//! A request that is refused: `{"message":…,"status":…}`.

use serde_json::json;
use service_host::http::axum::body::Body;
use service_host::http::axum::http::{HeaderValue, StatusCode, header};
use service_host::http::axum::response::{IntoResponse, Response};

use crate::agent::AgentError;
use crate::item::TopicError;
use crate::store::StoreError;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why, and under which status.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    /// The same request may be done soon.
    is_for_now: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Refusal {
            status,
            message: message.into(),
            is_for_now: false,
        }
    }

    pub(super) fn for_now(self) -> Self {
        Refusal {
            is_for_now: true,
            ..self
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<AgentError> for Refusal {
    fn from(error: AgentError) -> Self {
        use AgentError as Agent;
        use StoreError as Store;
        let status = match &error {
            Agent::Store(Store::NoRoom | Store::Full(_)) => StatusCode::INSUFFICIENT_STORAGE,
            Agent::Store(Store::TooLong(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Agent::Store(Store::System { .. }) | Agent::Journal(_) => {
                log::error!("{error}");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Agent::KeyOfAnother(_)
            | Agent::KeyOfOtherOctets(_)
            | Agent::KeyUnderWay(_)
            | Agent::HasEnded(..) => StatusCode::CONFLICT,
            Agent::NoItem(_) => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        let refusal = Refusal::new(status, error.to_string());
        match error {
            Agent::KeyUnderWay(_) => refusal.for_now(),
            _ => refusal,
        }
    }
}

impl From<TopicError> for Refusal {
    fn from(error: TopicError) -> Self {
        AgentError::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let document = json!({"message": self.message, "status": self.status.as_u16()});
        let headers = [(header::CONTENT_TYPE, JSON)];
        let text = Body::from(document.to_string());
        let mut response = (self.status, headers, text).into_response();
        if self.is_for_now {
            let second = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, second);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

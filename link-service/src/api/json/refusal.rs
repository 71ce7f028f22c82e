//! No, as JSON: the shape of an answer, without a number.

use std::collections::BTreeMap;

use service_host::http::axum::http::{HeaderValue, StatusCode as Http, header};
use service_host::http::axum::response::{IntoResponse, Response};

use super::answer::{LinkResponse, ResponseHeader};
use super::body::RequestBody;
use super::query::json;
use crate::api::Busy;
use crate::code::Code;
use crate::desk::{AcknowledgeError, AskError};
use crate::mover::Refused;

/// When to try again, in seconds; nobody knows.
const RETRY_AFTER_SECONDS: u32 = 5;

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As what.
    pub code: Code,
    /// What there is to say beside it.
    pub text: String,
    http: Http,
    request: Option<Box<RequestBody>>,
}

impl Refusal {
    /// With what HTTP has for the code.
    #[must_use]
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Refusal {
            code,
            text: text.into(),
            http: http(code),
            request: None,
        }
    }

    /// What cannot be meant.
    #[must_use]
    pub fn invalid(text: impl Into<String>) -> Self {
        Refusal::new(Code::InvalidArgument, text)
    }

    /// With a status of its own.
    pub(super) fn with_http(self, http: Http) -> Self {
        Refusal { http, ..self }
    }

    /// Of this request.
    pub(crate) fn of_request(self, request: &RequestBody) -> Self {
        Refusal {
            request: Some(Box::new(request.clone())),
            ..self
        }
    }

    /// Nobody knows who asks.
    pub(super) fn nobody(text: &str) -> Self {
        Refusal::new(Code::UnknownSender, text).with_http(Http::UNAUTHORIZED)
    }
}

/// What HTTP has for a code.
fn http(code: Code) -> Http {
    match code {
        Code::Ok => Http::OK,
        Code::Accepted => Http::ACCEPTED,
        Code::InvalidName | Code::InvalidArgument | Code::SourceNotRegular => Http::BAD_REQUEST,
        Code::Forbidden => Http::FORBIDDEN,
        Code::UnknownSender
        | Code::UnknownRecipient
        | Code::SourceNotFound
        | Code::UnknownRequest => Http::NOT_FOUND,
        Code::Conflict
        | Code::AlreadyExists
        | Code::SourceChanged
        | Code::Expired
        | Code::Cancelled => Http::CONFLICT,
        Code::TooLarge => Http::PAYLOAD_TOO_LARGE,
        Code::Unavailable => Http::TOO_MANY_REQUESTS,
        Code::QuotaExceeded | Code::NoSpace => Http::INSUFFICIENT_STORAGE,
        Code::HashMismatch | Code::IoError | Code::Internal => Http::INTERNAL_SERVER_ERROR,
    }
}

impl From<Refused> for Refusal {
    fn from(Refused { code, text }: Refused) -> Self {
        Refusal::new(code, text)
    }
}

impl From<AcknowledgeError> for Refusal {
    fn from(error: AcknowledgeError) -> Self {
        Refused::from(error).into()
    }
}

impl From<AskError> for Refusal {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Unknown => Refusal::new(Code::UnknownRequest, error.to_string()),
            AskError::Ended => Refusal::new(Code::Conflict, error.to_string()),
            AskError::NotKept(_) => Refusal::new(Code::IoError, error.to_string()),
            AskError::Forbidden => Refusal::new(Code::Forbidden, error.to_string()),
        }
    }
}

impl From<Busy> for Refusal {
    fn from(busy: Busy) -> Self {
        let code = match busy {
            Busy::Full => Code::Unavailable,
            Busy::Failed => Code::Internal,
        };
        Refusal::new(code, busy.to_string())
    }
}

impl Refusal {
    /// In the shape of an answer.
    #[must_use]
    pub fn into_answer(self) -> LinkResponse {
        let header = self.request.as_ref();
        let header = header.and_then(|request| request.request_header.clone());
        let header = header.unwrap_or_default();
        LinkResponse {
            response_header: ResponseHeader {
                tracking_id: header.tracking_id.unwrap_or_default(),
                correlation_id: header.correlation_id.unwrap_or_default(),
                status: self.code.status(),
                message: self.text,
                metadata: BTreeMap::new(),
            },
            link_request: self.request.map(|request| *request),
            file_size_kb: 0,
            link_processed_time: None,
            code: self.code,
            id: None,
            file_size_bytes: 0,
            files: Vec::new(),
            recipients: Vec::new(),
            standing: None,
            is_known: false,
            returned: Vec::new(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let http = self.http;
        let mut response = json(http, &self.into_answer());
        let headers = response.headers_mut();
        if http == Http::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        if http == Http::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

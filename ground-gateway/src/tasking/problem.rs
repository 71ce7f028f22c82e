//! What is answered where it is no: RFC 9457.

use serde_json::{Map, Value, json};

use super::rules::Refused;
use super::store::StoreError;

/// Why, and under which HTTP status.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    /// What kind of problem it is, for programs.
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    /// Members of the document beside these.
    pub(crate) more: Map<String, Value>,
    /// After so many seconds the same request may be done.
    pub(crate) retry_after_s: Option<u32>,
}

impl Problem {
    fn new(
        status: u16,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        Problem {
            status,
            kind,
            title,
            detail: detail.into(),
            more: Map::new(),
            retry_after_s: None,
        }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(400, "malformed", "The request is not understood", detail)
    }

    pub(crate) fn no_token(detail: impl Into<String>) -> Problem {
        Problem::new(401, "token", "A token that holds is to be shown", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(403, "forbidden", "The token does not allow it", detail)
    }

    pub(crate) fn foreign_page(detail: impl Into<String>) -> Problem {
        let title = "Pages of other origins may not ask";
        Problem::new(403, "foreign-page", title, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(404, "not-found", "There is no such thing", detail)
    }

    pub(crate) fn method(detail: impl Into<String>) -> Problem {
        Problem::new(405, "method", "The path has no such method", detail)
    }

    pub(crate) fn too_slow(detail: impl Into<String>) -> Problem {
        Problem::new(408, "too-slow", "The request did not come in time", detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(409, "conflict", "It does not go with what there is", detail)
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Problem {
        Problem::new(413, "too-large", "The request is too large", detail)
    }

    pub(crate) fn media_type(detail: impl Into<String>) -> Problem {
        Problem::new(415, "media-type", "The body is of another type", detail)
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Problem {
        Problem::new(422, "invalid", "It cannot be done so", detail)
    }

    pub(crate) fn too_many(detail: impl Into<String>, retry_after_s: u32) -> Problem {
        let title = "There are as many as there may be";
        Problem {
            retry_after_s: Some(retry_after_s),
            ..Problem::new(429, "too-many", title, detail)
        }
    }

    pub(crate) fn failed() -> Problem {
        let detail = "the ground failed while answering; see the log of `ground serve`";
        Problem::new(500, "failed", "The ground failed", detail)
    }

    /// The satellite's end of the link says that there is no answer.
    pub(crate) fn no_service(detail: impl Into<String>) -> Problem {
        Problem::new(502, "no-service", "The service does not answer", detail)
    }

    pub(crate) fn busy(detail: impl Into<String>, retry_after_s: u32) -> Problem {
        Problem {
            retry_after_s: Some(retry_after_s),
            ..Problem::new(503, "busy", "Not now", detail)
        }
    }

    pub(crate) fn no_answer(detail: impl Into<String>) -> Problem {
        Problem::new(504, "no-answer", "No answer came", detail)
    }

    pub(crate) fn no_room(detail: impl Into<String>) -> Problem {
        Problem::new(507, "no-room", "There is no room", detail)
    }

    /// With one member more.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Problem {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// The document.
    pub(crate) fn document(&self) -> Value {
        let mut document = json!({
            "type": format!("urn:heliograph:tasking:{}", self.kind),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        });
        if let Value::Object(members) = &mut document {
            members.extend(self.more.clone());
        }
        document
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        log::error!("{error}");
        match error.is_full() {
            true => Problem::no_room("the disk of the ground is full"),
            false => Problem::failed(),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let detail = refused.to_string();
        match refused {
            Refused::NoSatellite(_) => Problem::not_found(detail),
            Refused::Full(_) => Problem::too_many(detail, 60),
            Refused::Overlaps(overlaps) => {
                let conflicts: Vec<Value> = overlaps
                    .into_iter()
                    .map(|one| {
                        json!({
                            "window": one.window.to_string(), "type": one.window_type,
                            "start": one.start_s, "duration": one.duration_s,
                            "explanation": one.explanation,
                        })
                    })
                    .collect();
                let title = "Another window of the payload is in the way";
                let problem = Problem::new(409, "overlap", title, detail);
                problem.with("conflicts", conflicts.into())
            }
            _ => Problem::invalid(detail),
        }
    }
}

//! The interface: `/sdk/v1` for clients and `/collector/v1` for the bus, as the original has
//! them, `/sdk/v2` for what it has not, and `/metrics`.
//!
//! Every answer but the metrics page is JSON, and what is no HTTP has none. What is refused is
//! `{"message":…,"status":…}` under that status: 400, 401 (no token), 403 (a page of another
//! origin), 404 and 409 (v2), 405, 408, 413, 500, 501 (no such path), 503 and 507.

mod access;
mod body;
mod collector;
mod metrics;
mod places;
mod refusal;
mod stream;
mod v1;
mod v2;

use std::sync::Arc;

use service_host::http::axum::Router;
use service_host::http::axum::body::Body;
use service_host::http::axum::extract::rejection::PathRejection;
use service_host::http::axum::extract::{Path, Request, State};
use service_host::http::axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use service_host::http::axum::middleware;
use service_host::http::axum::response::{IntoResponse as _, Response};
use service_host::http::axum::routing::{get, post};

pub use access::{Token, TokenError};
use places::Places;
use refusal::{JSON, Refusal};

use crate::agent::{Agent, AgentError, KeyUse};
use crate::limits::{REQUESTS_MAX, STREAMS_MAX, UPLOAD_REQUESTS_MAX};
use crate::telemetry::Telemetry;

/// Threads that the routes wait for the disk in: for requests, for bodies that are files, and
/// one for the metrics page.
pub const THREADS: usize = REQUESTS_MAX + STREAMS_MAX + 1;

/// Where files are handed over in bodies.
const FILES: &str = "/sdk/v2/files";

/// What the interface is of.
pub struct Api {
    /// The agent.
    pub agent: Arc<Agent>,
    /// What answers of the spacecraft.
    pub telemetry: Arc<dyn Telemetry>,
    /// What a client is to show.
    pub token: Option<Token>,
    /// What the collector is to show instead, where there is one.
    pub collector_token: Option<Token>,
}

/// What the routes share.
struct Shared {
    api: Api,
    requests: Places,
    uploads: Places,
    streams: Places,
    /// For the one command to the spacecraft that may be under way.
    command: Places,
    page: Places,
}

type Served = State<Arc<Shared>>;
/// The part of a path that names something; none where it is not UTF-8.
type Named = Result<Path<String>, PathRejection>;
type Answer = Result<Response, Refusal>;

impl Api {
    /// Its routes.
    pub fn routes(self) -> Router {
        let shared = Arc::new(Shared {
            api: self,
            requests: Places::new(REQUESTS_MAX),
            uploads: Places::new(UPLOAD_REQUESTS_MAX),
            streams: Places::new(STREAMS_MAX),
            command: Places::new(1),
            page: Places::new(1),
        });
        Router::new()
            .route("/sdk/v1/send_file", post(v1::send_file))
            .route("/sdk/v1/query_available_files/{topic}", get(v1::query))
            .route("/sdk/v1/retrieve_file", post(v1::retrieve_file))
            .route("/sdk/v1/adcs", get(v1::adcs).post(v1::command_adcs))
            .route("/sdk/v1/tfrs", get(v1::tfrs))
            .route("/collector/v1/ping", get(collector::ping))
            .route("/collector/v1/info", post(collector::info))
            .route("/collector/v1/meta/{uuid}", get(collector::meta))
            .route(FILES, get(v2::list).post(stream::hand_over))
            .route("/sdk/v2/files/{uuid}", get(v2::status))
            .route("/sdk/v2/files/{uuid}/cancel", post(v2::cancel))
            .route("/sdk/v2/files/{uuid}/priority", post(v2::priority))
            .route("/sdk/v2/files/{uuid}/receipt", get(v2::receipt))
            .route("/sdk/v2/openapi.json", get(v2::openapi))
            .route("/metrics", get(metrics::page))
            .fallback(unknown_path)
            .method_not_allowed_fallback(unknown_method)
            .layer(middleware::from_fn_with_state(Arc::clone(&shared), admit))
            .with_state(shared)
    }
}

/// Lets in who may ask, and reads what is asked: all of it, so that the connection stays
/// whatever becomes of the request. A body that is a file is read by whoever takes it.
async fn admit(State(shared): Served, request: Request<Body>, next: middleware::Next) -> Response {
    let (head, body) = request.into_parts();
    let admitted = admitted(&shared.api, &head.method, &head.uri, &head.headers);
    let is_file = head.method == Method::POST && head.uri.path() == FILES;
    if let Err(refusal) = admitted {
        body::discard(body).await;
        return refusal.into_response();
    }
    let body = match is_file {
        true => body,
        false => match body::octets(&head.headers, body).await {
            Ok(octets) => octets.into(),
            Err(refusal) => return refusal.into_response(),
        },
    };
    next.run(Request::from_parts(head, body)).await
}

fn admitted(api: &Api, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    if method != Method::GET {
        service_host::http::foreign_page(headers)
            .map_err(|why| Refusal::new(StatusCode::FORBIDDEN, why))?;
    }
    let token = match uri.path().starts_with("/collector/") {
        true => api.collector_token.as_ref().or(api.token.as_ref()),
        false => api.token.as_ref(),
    };
    match token.is_none_or(|token| token.is_shown(headers)) {
        true => Ok(()),
        false => {
            let text = "a token is to be shown: Authorization: Bearer TOKEN";
            Err(Refusal::new(StatusCode::UNAUTHORIZED, text))
        }
    }
}

async fn unknown_path() -> Refusal {
    Refusal::new(StatusCode::NOT_IMPLEMENTED, "Method not implemented")
}

async fn unknown_method(method: Method, uri: Uri) -> Refusal {
    log::debug!("{method} {uri}: not allowed");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
}

fn json(value: &impl serde::Serialize) -> Answer {
    // Its keys in order, as the original writes them.
    let value = serde_json::to_value(value);
    let text = value.map(|value| value.to_string()).map_err(|error| {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("no answer: {error}"),
        )
    })?;
    Ok(([(header::CONTENT_TYPE, JSON)], text).into_response())
}

/// The idempotency key of a request that asks this.
fn key_of(headers: &HeaderMap, asked: &[&str]) -> Result<Option<KeyUse>, AgentError> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key.to_str().ok().and_then(|key| KeyUse::new(key, asked));
    key.ok_or(AgentError::NoKey).map(Some)
}

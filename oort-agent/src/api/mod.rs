//! The interface: `/sdk/v1` for clients and `/collector/v1` for the bus, as the original has
//! them, `/sdk/v2` for what it has not, and `/metrics`.
//!
//! Every answer but the metrics page is JSON. What is refused is
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
use service_host::http::axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use service_host::http::axum::response::{IntoResponse as _, Response};
use service_host::http::axum::routing::{get, post};
use service_host::http::axum::{extract::Request, extract::State, middleware};

pub use access::{Token, TokenError};
use places::Places;
use refusal::{JSON, Refusal};

use crate::agent::{Agent, AgentError, KeyUse};
use crate::limits::{REQUESTS_MAX, STREAMS_MAX};
use crate::telemetry::Telemetry;

/// Threads that the routes wait for the disk in: for requests, for bodies that are files, and
/// one for the metrics page.
pub const THREADS: usize = REQUESTS_MAX + STREAMS_MAX + 1;

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
    streams: Places,
    page: Places,
}

type Served = State<Arc<Shared>>;
type Answer = Result<Response, Refusal>;

impl Api {
    /// Its routes.
    pub fn routes(self) -> Router {
        let shared = Arc::new(Shared {
            api: self,
            requests: Places::new(REQUESTS_MAX),
            streams: Places::new(STREAMS_MAX),
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
            .route("/sdk/v2/files", get(v2::list).post(stream::hand_over))
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

/// Lets in who may ask.
async fn admit(State(shared): Served, request: Request<Body>, next: middleware::Next) -> Response {
    if request.method() != Method::GET
        && let Err(why) = service_host::http::foreign_page(request.headers())
    {
        return Refusal::new(StatusCode::FORBIDDEN, why).into_response();
    }
    let api = &shared.api;
    let is_collector = request.uri().path().starts_with("/collector/");
    let token = match is_collector {
        true => api.collector_token.as_ref().or(api.token.as_ref()),
        false => api.token.as_ref(),
    };
    if token.is_some_and(|token| !token.is_shown(request.headers())) {
        let text = "a token is to be shown: Authorization: Bearer TOKEN";
        let mut response = Refusal::new(StatusCode::UNAUTHORIZED, text).into_response();
        let bearer = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, bearer);
        return response;
    }
    next.run(request).await
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
fn key_of(headers: &HeaderMap, asked: &[&str]) -> Result<Option<KeyUse>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key.to_str().ok().and_then(|key| KeyUse::new(key, asked));
    Ok(Some(key.ok_or(AgentError::NoKey)?))
}

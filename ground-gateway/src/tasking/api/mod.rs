//! The API: HTTP with JSON, at `[tasking] listen`.
//!
//! | request | who may |
//! |---|---|
//! | `GET /tasking/satellites`, `/availability`, `/windows`, `/uploads` | viewer |
//! | `POST` and `DELETE /tasking/window`, `/upload` | tasker |
//! | `POST /graphql/SATELLITE/PORT` | operator |
//! | `GET /openapi.json`, `/health` | everybody |
//!
//! What is answered is `{"data": …}`, and a problem (RFC 9457) where it is no.

mod access;
mod body;
mod graphql;
mod keyed;
mod places;
mod query;
mod refusal;
mod satellites;
mod server;
mod uploads;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

pub(crate) use server::ApiServer;

use super::desk::{Answer, Desk};
use super::limits::{FORWARDS_MAX, REQUESTS_MAX, UPLOADS_MAX};
use super::moment::Now;
use super::problem::Problem;
use crate::client::LinkClient;
use places::Places;
use refusal::Refusal;

/// Threads that requests wait in: for the disk, for a satellite, and two to look who asks.
const THREADS: usize = REQUESTS_MAX + UPLOADS_MAX + FORWARDS_MAX + ADMISSIONS_MAX;
const ADMISSIONS_MAX: usize = 2;
const DOCUMENT: &str = include_str!("openapi.json");

/// What the routes share.
pub(crate) struct Shared {
    desk: Arc<Desk>,
    /// Of each link that a satellite has.
    links: BTreeMap<String, Arc<LinkClient>>,
    admissions: Places,
    requests: Places,
    uploads: Places,
    forwards: Places,
}

type Served = State<Arc<Shared>>;
type Answered = Result<Response, Refusal>;

/// The response says for itself that it is in the log.
#[derive(Clone, Copy, Debug)]
struct IsLogged;

fn routes(desk: Arc<Desk>, links: BTreeMap<String, Arc<LinkClient>>) -> Router {
    let shared = Arc::new(Shared {
        desk,
        links,
        admissions: Places::new(ADMISSIONS_MAX),
        requests: Places::new(REQUESTS_MAX),
        uploads: Places::new(UPLOADS_MAX),
        forwards: Places::new(FORWARDS_MAX),
    });
    let admitted = Router::new()
        .route("/tasking/satellites", get(satellites::list))
        .route("/tasking/availability", get(windows::availability))
        .route("/tasking/windows", get(windows::list))
        .route(
            "/tasking/window",
            post(windows::order).delete(windows::cancel),
        )
        .route("/tasking/uploads", get(uploads::list))
        .route(
            "/tasking/upload",
            post(uploads::upload).delete(uploads::cancel),
        )
        .route("/graphql/{satellite}/{port}", post(graphql::forward))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            access::admit,
        ))
        .with_state(shared);
    Router::new()
        .route("/openapi.json", get(document).fallback(unknown_method))
        .route("/health", get(health).fallback(unknown_method))
        .merge(admitted)
}

async fn document() -> Response {
    let content_type = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, content_type)], DOCUMENT).into_response()
}

async fn health() -> Response {
    json(Answer::data(&serde_json::json!({ "status": "ok" })))
}

async fn unknown_path() -> Refusal {
    Problem::not_found("there is no such path: see /openapi.json").into()
}

async fn unknown_method() -> Refusal {
    Problem::method("the path has no such method: see /openapi.json").into()
}

/// An answer as it is sent.
fn json(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static("application/json");
    let headers = [(header::CONTENT_TYPE, content_type)];
    (status, headers, Body::from(answer.body)).into_response()
}

/// The same of one that is in the log already.
fn logged(answer: Answer) -> Response {
    let mut response = json(answer);
    response.extensions_mut().insert(IsLogged);
    response
}

fn now() -> Now {
    Now::of_system()
}

//! Which path does what.

use std::sync::Arc;
use std::time::Duration;

use service_host::http::axum::Router;
use service_host::http::axum::body::Body;
use service_host::http::axum::extract::{Path, State};
use service_host::http::axum::http::{Method, StatusCode as Http, Uri, header};
use service_host::http::axum::response::{IntoResponse as _, Response};
use service_host::http::axum::routing::{get, post};

use super::answer::{Directories, Health, LinkResponse, Links};
use super::body::{NothingBody, PriorityBody, RequestBody};
use super::inbox;
use super::query::{Query, json, read};
use super::refusal::Refusal;
use super::sender::{Asks, Way};
use crate::api::Pool;
use crate::api::waiting::Waiting;
use crate::code::{Code, StatusCode};
use crate::desk::{AskError, Desk, Event, TransferView};
use crate::folders::Folders;
use crate::journal::Journal;
use crate::names::AppId;
use crate::record::TransferId;

/// Requests of one page, where nothing is said, and at most.
pub(super) const PAGE: usize = 100;
pub(super) const PAGE_MAX: usize = 1000;

/// The document that describes all of it.
const OPENAPI: &str = include_str!("openapi.json");

/// The interface, for one way in.
pub struct Api<F: Folders + 'static, J: Journal + 'static> {
    /// Who knows.
    pub desk: Arc<Desk<F, J>>,
    /// What waits for the disk, does so there.
    pub pool: Arc<Pool>,
    /// How it is known who asks.
    pub way: Way,
}

pub(super) type Shared<F, J> = State<Arc<Api<F, J>>>;
pub(super) type Answer = Result<Response, Refusal>;

impl<F: Folders + 'static, J: Journal + 'static> Api<F, J> {
    /// Its routes; all are beneath `/v1`.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/v1/links", post(submit::<F, J>).get(list::<F, J>))
            .route("/v1/links/{id}", get(status::<F, J>))
            .route("/v1/links/{id}/cancel", post(cancel::<F, J>))
            .route("/v1/links/{id}/hold", post(hold::<F, J>))
            .route("/v1/links/{id}/release", post(release::<F, J>))
            .route("/v1/links/{id}/priority", post(priority::<F, J>))
            .route("/v1/directories", get(directories::<F, J>))
            .route("/v1/inbox", get(inbox::list::<F, J>))
            .route("/v1/inbox/{id}/ack", post(inbox::acknowledge::<F, J>))
            .route("/v1/health", get(health))
            .route("/v1/openapi.json", get(openapi))
            .method_not_allowed_fallback(unknown_method)
            .with_state(Arc::new(self))
    }

    /// The same where nothing else is served.
    pub fn alone(self) -> Router {
        self.routes().fallback(unknown_path)
    }

    pub(super) fn sender(&self, asks: &Asks) -> Result<AppId, Refusal> {
        self.way.sender(asks, self.desk.access())
    }

    /// Waits for it at most so long, without a thread.
    pub(super) async fn wait(&self, event: Event, time: Duration) {
        if time.is_zero() {
            return;
        }
        let waiting = Waiting::for_event(&self.desk, event);
        // It happens, or the time is over: what is told then, says which.
        let _ = tokio::time::timeout(time, waiting.over()).await;
    }
}

async fn submit<F: Folders, J: Journal>(
    State(api): Shared<F, J>,
    asks: Asks,
    uri: Uri,
    body: Body,
) -> Answer {
    let sender = api.sender(&asks)?;
    Query::read(&uri, &[])?;
    let body: RequestBody = read(body).await?;
    let echo = body.clone();
    let request = body.into_request(&sender);
    let request = request.map_err(|refusal| refusal.of_request(&echo))?;
    let desk = Arc::clone(&api.desk);
    let submitted = api.pool.run(move || {
        let receipt = desk.submit(&sender, request)?;
        let view = desk.status(&sender, receipt.id)?;
        Ok::<_, Refusal>((view, receipt.is_known))
    });
    let (view, is_known) = submitted
        .await?
        .map_err(|refusal| refusal.of_request(&echo))?;
    let http = match is_known && view.has_ended() {
        true => Http::OK,
        false => Http::ACCEPTED,
    };
    Ok(json(http, &LinkResponse::of(&view, is_known)))
}

async fn list<F: Folders, J: Journal>(State(api): Shared<F, J>, asks: Asks, uri: Uri) -> Answer {
    let sender = api.sender(&asks)?;
    let query = Query::read(&uri, &["from", "limit", "state"])?;
    let from = match &query.from {
        None => TransferId(0),
        Some(from) => TransferId::of_name(from)
            .ok_or_else(|| Refusal::invalid("from is to be the id of a request"))?,
    };
    let has_ended = match query.state.as_deref() {
        None => None,
        Some("open") => Some(false),
        Some("ended") => Some(true),
        Some(_) => return Err(Refusal::invalid("state is to be `open` or `ended`")),
    };
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let desk = Arc::clone(&api.desk);
    let page = api.pool.run(move || {
        let is_wanted =
            |view: &TransferView| has_ended.is_none_or(|ended| ended == view.has_ended());
        // One more says where the next page begins.
        let mut views = desk.list_where(&sender, from, limit + 1, is_wanted);
        let next = views.get(limit).map(|view| view.transfer.id.to_string());
        views.truncate(limit);
        let links = views.iter().map(|view| LinkResponse::of(view, true));
        Links {
            links: links.collect(),
            next,
        }
    });
    Ok(json(Http::OK, &page.await?))
}

async fn status<F: Folders, J: Journal>(
    State(api): Shared<F, J>,
    Path(id): Path<String>,
    asks: Asks,
    uri: Uri,
) -> Answer {
    let sender = api.sender(&asks)?;
    let query = Query::read(&uri, &["waitSeconds"])?;
    let id = find(&api, &sender, &id)?;
    // Only its sender hears when it ends.
    api.desk.status(&sender, id)?;
    api.wait(Event::Ended(id), query.wait).await;
    let view = api.desk.status(&sender, id)?;
    Ok(json(Http::OK, &LinkResponse::of(&view, true)))
}

async fn cancel<F: Folders, J: Journal>(
    state: Shared<F, J>,
    id: Path<String>,
    asks: Asks,
    body: Body,
) -> Answer {
    let NothingBody {} = read(body).await?;
    ask(state, id, asks, |desk, sender, id| desk.cancel(sender, id))
}

async fn hold<F: Folders, J: Journal>(
    state: Shared<F, J>,
    id: Path<String>,
    asks: Asks,
    body: Body,
) -> Answer {
    let NothingBody {} = read(body).await?;
    ask(state, id, asks, |desk, sender, id| desk.hold(sender, id))
}

async fn release<F: Folders, J: Journal>(
    state: Shared<F, J>,
    id: Path<String>,
    asks: Asks,
    body: Body,
) -> Answer {
    let NothingBody {} = read(body).await?;
    ask(state, id, asks, |desk, sender, id| desk.release(sender, id))
}

async fn priority<F: Folders, J: Journal>(
    state: Shared<F, J>,
    id: Path<String>,
    asks: Asks,
    body: Body,
) -> Answer {
    state.sender(&asks)?;
    let PriorityBody { priority } = read(body).await?;
    ask(state, id, asks, |desk, sender, id| {
        desk.reprioritise(sender, id, priority.into())
    })
}

/// What needs no disk.
fn ask<F: Folders, J: Journal>(
    State(api): Shared<F, J>,
    Path(id): Path<String>,
    asks: Asks,
    does: impl FnOnce(&Desk<F, J>, &AppId, TransferId) -> Result<(), AskError>,
) -> Answer {
    let sender = api.sender(&asks)?;
    let id = find(&api, &sender, &id)?;
    does(&api.desk, &sender, id)?;
    let view = api.desk.status(&sender, id)?;
    Ok(json(Http::OK, &LinkResponse::of(&view, true)))
}

/// Our number, or `tracking:` and that of whoever asked.
fn find<F: Folders, J: Journal>(
    api: &Api<F, J>,
    sender: &AppId,
    id: &str,
) -> Result<TransferId, AskError> {
    let found = match id.strip_prefix("tracking:") {
        Some(tracking_id) => api.desk.find(sender, tracking_id),
        None => TransferId::of_name(id),
    };
    found.ok_or(AskError::Unknown)
}

async fn directories<F: Folders, J: Journal>(State(api): Shared<F, J>, asks: Asks) -> Answer {
    let sender = api.sender(&asks)?;
    let access = api.desk.access().current();
    Ok(json(Http::OK, &Directories::of(&sender, &access)?))
}

async fn health() -> Response {
    let status = StatusCode::Healthy;
    json(Http::OK, &Health { status })
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn unknown_path(uri: Uri) -> Refusal {
    let text = format!("there is no {}; see /v1/openapi.json", uri.path());
    Refusal::invalid(text).with_http(Http::NOT_FOUND)
}

async fn unknown_method(method: Method, uri: Uri) -> Refusal {
    let text = format!("{method} is not possible at {}", uri.path());
    Refusal::new(Code::InvalidArgument, text).with_http(Http::METHOD_NOT_ALLOWED)
}

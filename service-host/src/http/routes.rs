//! Which request is answered by what.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use juniper::http::GraphQLBatchRequest;

use super::endpoint::Endpoint;
use super::error_document::Refusal;
use super::execution::Places;
use super::limits::{EXECUTIONS_MAX, Limits};
use super::{body, graphiql, graphql, origin};

/// What the routes share.
#[derive(Clone)]
struct Served {
    endpoint: Endpoint,
    /// Places for queries.
    executions: Places,
    /// A place of its own for the metrics page, which must be readable just
    /// when all queries hang.
    metrics: Places,
    limits: Limits,
}

pub(super) fn routes(endpoint: Endpoint, limits: Limits) -> Router {
    let own = endpoint.routes.clone();
    Router::new()
        .route("/", get(root).post(post))
        .route("/graphql", get(query_string).post(post))
        .route("/graphiql", get(async || graphiql::page()))
        .route(
            "/graphiql/{file}",
            get(async |Path(file): Path<String>| graphiql::asset(&file)),
        )
        .route("/metrics", get(metrics))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .with_state(Served {
            endpoint,
            executions: Places::new(EXECUTIONS_MAX, limits.execution_timeout),
            metrics: Places::new(1, limits.execution_timeout),
            limits,
        })
        .merge(own)
}

async fn root(state: State<Served>, headers: HeaderMap, uri: Uri) -> Response {
    if graphiql::wants_page(&headers) {
        return graphiql::page();
    }
    query_string(state, uri).await
}

async fn query_string(State(served): State<Served>, uri: Uri) -> Response {
    match graphql::from_query_string(uri.query().unwrap_or_default()) {
        Ok(request) => execute(&served, request).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn post(State(served): State<Served>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    if let Err(refusal) = origin::refuse_foreign_page(&head.headers) {
        return refusal.into_response();
    }
    let request = match body::read(&head.headers, body, served.limits.read_timeout).await {
        Ok(bytes) => graphql::from_body(&head.headers, bytes),
        Err(refusal) => Err(refusal),
    };
    match request {
        Ok(request) => execute(&served, request).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn execute(served: &Served, request: GraphQLBatchRequest) -> Response {
    let graphql = Arc::clone(&served.endpoint.graphql);
    let answered = served
        .executions
        .run(move || graphql::answer(&graphql(request)));
    answered.await.unwrap_or_else(Refusal::into_response)
}

async fn metrics(State(served): State<Served>) -> Response {
    let metrics = Arc::clone(&served.endpoint.metrics);
    let page = match served.metrics.run(move || metrics()).await {
        Ok(page) => page,
        Err(refusal) => return refusal.into_response(),
    };
    let content_type = HeaderValue::from_static(crate::prometheus::CONTENT_TYPE);
    ([(header::CONTENT_TYPE, content_type)], page).into_response()
}

async fn unknown_path(uri: Uri) -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        format!(
            "there is no {}; this service answers at /, /graphql, /graphiql and /metrics",
            uri.path()
        ),
    )
}

async fn unknown_method(method: Method, uri: Uri) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not possible at {}", uri.path()),
    )
}

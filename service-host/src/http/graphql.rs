//! GraphQL requests out of HTTP requests, and their answers.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use juniper::http::{GraphQLBatchRequest, GraphQLBatchResponse, GraphQLRequest, GraphQLResponse};

use super::error_document::{JSON, Refusal};
use super::limits::BATCH_QUERIES_MAX;

/// The request in the body of a POST: JSON, one request or an array of them,
/// unless the content type is `application/graphql`.
pub(super) fn from_body(
    headers: &HeaderMap,
    body: Vec<u8>,
) -> Result<GraphQLBatchRequest, Refusal> {
    if is_bare_query(headers) {
        let query = String::from_utf8(body)
            .map_err(|_| Refusal::bad_request("the query in the request body is not UTF-8"))?;
        return Ok(single(query));
    }
    let is_batch = body.trim_ascii_start().first() == Some(&b'[');
    if !is_batch {
        let request = serde_json::from_slice(&body).map_err(|error| not_a_request(&error))?;
        return Ok(GraphQLBatchRequest::Single(request));
    }
    let requests: Vec<GraphQLRequest> =
        serde_json::from_slice(&body).map_err(|error| not_a_request(&error))?;
    if requests.is_empty() {
        return Err(Refusal::bad_request("the batch holds no request"));
    }
    if requests.len() > BATCH_QUERIES_MAX {
        return Err(Refusal::bad_request(format!(
            "the batch holds {} requests, {BATCH_QUERIES_MAX} are allowed",
            requests.len()
        )));
    }
    Ok(GraphQLBatchRequest::Batch(requests))
}

/// The request in the query string of a GET: `query`, `variables` (JSON) and
/// `operationName`.
pub(super) fn from_query_string(text: &str) -> Result<GraphQLBatchRequest, Refusal> {
    let mut query = None;
    let mut variables = None;
    let mut operation_name = None;
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        match key.as_ref() {
            "query" => query = Some(value.into_owned()),
            "operationName" if !value.is_empty() => operation_name = Some(value.into_owned()),
            "variables" if !value.is_empty() => {
                variables = Some(serde_json::from_str(&value).map_err(|error| {
                    Refusal::bad_request(format!(
                        "the parameter \"variables\" is not JSON: {error}"
                    ))
                })?);
            }
            // A GraphQL endpoint must ignore parameters it does not know.
            _ => {}
        }
    }
    let query = query.ok_or_else(|| {
        Refusal::bad_request(
            "this is a GraphQL endpoint: POST {\"query\": \"…\"} here, or GET /graphql?query=…; \
             a browser shows GraphiQL at /",
        )
    })?;
    if may_mutate(&query) {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "a query with the word \"mutation\" must be sent by POST",
        ));
    }
    Ok(GraphQLBatchRequest::Single(GraphQLRequest::new(
        query,
        operation_name,
        variables,
    )))
}

/// The answer as an HTTP response: 200 if anything was executed, 400 if
/// nothing was because no query was valid.
pub(super) fn answer(response: &GraphQLBatchResponse) -> Response {
    let executed = match response {
        GraphQLBatchResponse::Single(response) => response.is_ok(),
        GraphQLBatchResponse::Batch(responses) => responses.iter().any(GraphQLResponse::is_ok),
    };
    let status = if executed {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    match serde_json::to_vec(response) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, JSON)], Body::from(bytes)).into_response(),
        Err(error) => Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the answer cannot be written as JSON: {error}"),
        )
        .into_response(),
    }
}

fn single(query: String) -> GraphQLBatchRequest {
    GraphQLBatchRequest::Single(GraphQLRequest::new(query, None, None))
}

fn is_bare_query(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/graphql"))
}

fn not_a_request(error: &serde_json::Error) -> Refusal {
    Refusal::bad_request(format!(
        "the request body is not a GraphQL request in JSON: {error}"
    ))
}

/// Whether the query could hold a mutation. A GET must not change anything,
/// since links are followed and pages prefetched without a thought. Looking for
/// the bare word refuses a few harmless queries but cannot be tricked.
fn may_mutate(query: &str) -> bool {
    query
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|word| word == "mutation")
}

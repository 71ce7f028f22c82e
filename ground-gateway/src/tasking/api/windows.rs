//! Windows.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::access::Admitted;
use super::query::Query;
use super::refusal::Refusal;
use super::{Answered, Served, body, json, keyed, logged};
use crate::tasking::desk::{Answer, AvailabilityQuery};
use crate::tasking::limits::WINDOW_BYTES_MAX;
use crate::tasking::problem::Problem;
use crate::tasking::store::WindowFilter;
use crate::tasking::window::{Window, WindowOrder};

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowBody {
    #[serde(rename = "type")]
    window_type: String,
    satellite_id: String,
    start: i64,
    duration: i64,
    #[serde(default)]
    parameters: Option<Box<RawValue>>,
}

/// How one stands.
#[derive(Serialize)]
struct Told<'w> {
    id: String,
    #[serde(rename = "type")]
    window_type: &'w str,
    satellite_id: &'w str,
    payload: &'w str,
    state: &'static str,
    start: i64,
    duration: i64,
    parameters: &'w RawValue,
    reason: &'w str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'w RawValue>,
}

pub(super) async fn order(
    State(shared): Served,
    admitted: Admitted,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    let is_try = Query::read(&uri, &["dry_run"])
        .and_then(|query| Ok(query.flag("dry_run")?.unwrap_or(false)));
    let octets = body::json(&headers, body, WINDOW_BYTES_MAX).await?;
    let is_try = is_try?;
    let order = read(&octets)?;
    let key = keyed::key(&headers, &[b"window", &octets])?;
    let desk = Arc::clone(&shared.desk);
    let run = move || desk.order_window(&admitted.asked(key.as_ref()), &order, is_try);
    let answer = shared.requests.run(run).await?;
    Ok(match is_try {
        true => json(answer),
        false => logged(answer),
    })
}

fn read(octets: &[u8]) -> Result<WindowOrder, Refusal> {
    // Else a list of the values would be taken as well.
    if octets.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::malformed("the body is to be a JSON object").into());
    }
    let window: WindowBody = serde_json::from_slice(octets)
        .map_err(|error| Problem::malformed(format!("the window: {error}")))?;
    let parameters = window.parameters.as_deref().map_or("{}", RawValue::get);
    let object: Result<Map<String, Value>, _> = serde_json::from_str(parameters);
    object.map_err(|error| Problem::malformed(format!("`parameters`: {error}")))?;
    Ok(WindowOrder {
        window_type: window.window_type,
        satellite: window.satellite_id,
        start_s: window.start,
        duration_s: window.duration,
        parameters: parameters.to_owned(),
    })
}

pub(super) async fn cancel(
    State(shared): Served,
    admitted: Admitted,
    uri: Uri,
    body: Body,
) -> Answered {
    body::discard(body).await;
    let query = Query::read(&uri, &["id"])?;
    let id = window_id(query.needed("id")?)?;
    let desk = Arc::clone(&shared.desk);
    let run = move || desk.cancel_window(&admitted.asked(None), id);
    Ok(logged(shared.requests.run(run).await?))
}

fn window_id(text: &str) -> Result<i64, Refusal> {
    let id = text.parse().ok().filter(|id: &i64| id.to_string() == text);
    Ok(id.ok_or_else(|| Problem::not_found(format!("there is no window {text:?}")))?)
}

pub(super) async fn list(State(shared): Served, admitted: Admitted, uri: Uri) -> Answered {
    let query = Query::read(&uri, &["satellite_id", "state", "before", "limit"])?;
    let state = query.text("state").map(str::parse).transpose();
    let filter = WindowFilter {
        satellite: query.text("satellite_id").map(str::to_owned),
        satellites: Vec::new(),
        state: state.map_err(|problem: String| Problem::malformed(problem))?,
        before: query.number("before")?,
        limit: query.limit()?,
    };
    let desk = Arc::clone(&shared.desk);
    let run = move || {
        let (windows, next) = desk.windows(&admitted.caller, filter)?;
        told(&windows, next.map(|id| id.to_string()))
    };
    Ok(json(shared.requests.run(run).await?))
}

/// A list, and where the next begins, if there is one.
fn told(windows: &[Window], next: Option<String>) -> Result<Answer, Problem> {
    #[derive(Serialize)]
    struct Listed<'w> {
        data: Vec<Told<'w>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    }
    let data = windows.iter().map(tell).collect::<Result<_, _>>();
    let data = data.map_err(|error| {
        log::error!("a window of the store is no JSON: {error}");
        Problem::failed()
    })?;
    let body = serde_json::to_string(&Listed { data, next });
    Ok(Answer {
        status: 200,
        body: body.map_err(|_| Problem::failed())?,
    })
}

fn tell(window: &Window) -> serde_json::Result<Told<'_>> {
    let result = window.result.as_deref();
    Ok(Told {
        id: window.id.to_string(),
        window_type: &window.order.window_type,
        satellite_id: &window.order.satellite,
        payload: &window.payload,
        state: window.state.as_str(),
        start: window.order.start_s,
        duration: window.order.duration_s,
        parameters: serde_json::from_str(&window.order.parameters)?,
        reason: &window.reason,
        result: result.map(serde_json::from_str).transpose()?,
    })
}

pub(super) async fn availability(State(shared): Served, admitted: Admitted, uri: Uri) -> Answered {
    let known = [
        "satellite_id",
        "window_type",
        "start",
        "duration",
        "paired_satellite_id",
    ];
    let query = Query::read(&uri, &known)?;
    let asked = AvailabilityQuery {
        satellite: query.needed("satellite_id")?.to_owned(),
        paired_satellite: query.text("paired_satellite_id").map(str::to_owned),
        window_type: query.needed("window_type")?.to_owned(),
        start_s: query.needed_number("start")?,
        duration_s: query.needed_number("duration")?,
    };
    let desk = Arc::clone(&shared.desk);
    let run = move || desk.availability(&admitted.asked(None), &asked);
    let free = shared.requests.run(run).await?;
    let told: Vec<Value> = free
        .iter()
        .map(|free| serde_json::json!({ "start": free.start_s, "end": free.end_s }))
        .collect();
    Ok(super::json(Answer::data(
        &serde_json::json!({ "available": told }),
    )))
}

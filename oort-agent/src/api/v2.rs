//! `/sdk/v2`: how an item stands, and what may be done about it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json as value;
use service_host::http::axum::body::Bytes;
use service_host::http::axum::extract::{Path, State};
use service_host::http::axum::http::{StatusCode, Uri, header};
use service_host::http::axum::response::IntoResponse as _;

use super::body;
use super::refusal::{JSON, Refusal};
use super::{Answer, Named, Served, json};
use crate::agent::{AgentError, End, Filter};
use crate::item::Uuid;
use crate::limits::PAGE;
use crate::queue::Stage;

/// The document that describes all of it.
const OPENAPI: &str = include_str!("openapi.json");

#[derive(Deserialize)]
struct Priority {
    stage: Stage,
}

pub(super) async fn openapi() -> Answer {
    Ok(([(header::CONTENT_TYPE, JSON)], OPENAPI).into_response())
}

pub(super) async fn list(State(shared): Served, uri: Uri) -> Answer {
    let mut filter = Filter::default();
    let mut limit = PAGE;
    let mut after = None;
    let query = uri.query().unwrap_or_default();
    for (key, text) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "topic" => filter.topic = Some(text.parse()?),
            "state" => {
                let states = End::ALL.iter().map(|end| end.as_str());
                let is_one = states.chain(["waiting", "out"]).any(|state| state == text);
                if !is_one {
                    return Err(Refusal::bad_request(format!("state: there is no {text:?}")));
                }
                filter.state = Some(text.into_owned());
            }
            "limit" => {
                let number = text.parse().ok().filter(|number| *number > 0);
                limit = number.ok_or_else(|| Refusal::bad_request("limit is to be a number"))?;
            }
            "cursor" => {
                let place = text.split_once('.');
                let place =
                    place.and_then(|(time, id)| Some((time.parse().ok()?, id.parse().ok()?)));
                let no_cursor = || Refusal::bad_request("cursor is to be `next` of a page");
                after = Some(place.ok_or_else(no_cursor)?);
            }
            _ => {
                return Err(Refusal::bad_request(format!(
                    "there is no parameter {key:?}"
                )));
            }
        }
    }
    let agent = Arc::clone(&shared.api.agent);
    let page = shared.requests.run(move || {
        let (files, next) = agent.list(after, &filter, limit);
        let mut page = value!({"files": files});
        if let (Some((time, id)), Some(page)) = (next, page.as_object_mut()) {
            page.insert("next".to_owned(), format!("{time}.{id}").into());
        }
        Ok::<_, Refusal>(page)
    });
    json(&page.await?)
}

pub(super) async fn status(State(shared): Served, uuid: Named) -> Answer {
    let id = id_of(uuid)?;
    let agent = Arc::clone(&shared.api.agent);
    let answer = shared.requests.run(move || {
        let view = agent.status(id)?;
        let meta = agent.meta(id).ok();
        Ok::<_, AgentError>((view, meta))
    });
    let (view, meta) = answer.await?;
    let mut answer = value!(view);
    if let (Some(meta), Some(answer)) = (meta, answer.as_object_mut()) {
        answer.insert("meta".to_owned(), value!(meta));
    }
    json(&answer)
}

pub(super) async fn cancel(State(shared): Served, uuid: Named) -> Answer {
    let id = id_of(uuid)?;
    let agent = Arc::clone(&shared.api.agent);
    json(&shared.requests.run(move || agent.cancel(id)).await?)
}

pub(super) async fn priority(State(shared): Served, uuid: Named, body: Bytes) -> Answer {
    let id = id_of(uuid)?;
    let Priority { stage } = body::typed(body::json(&body, None)?)?;
    let agent = Arc::clone(&shared.api.agent);
    json(
        &shared
            .requests
            .run(move || agent.set_stage(id, stage))
            .await?,
    )
}

pub(super) async fn receipt(State(shared): Served, uuid: Named) -> Answer {
    let id = id_of(uuid)?;
    let agent = Arc::clone(&shared.api.agent);
    let receipt = shared.requests.run(move || {
        let view = agent.status(id)?;
        view.receipt.ok_or_else(|| {
            let text = format!("there is no receipt of {id}: it is {}", view.state);
            Refusal::new(StatusCode::NOT_FOUND, text)
        })
    });
    json(&receipt.await?)
}

fn id_of(named: Named) -> Result<Uuid, Refusal> {
    let unknown =
        |text: &str| Refusal::new(StatusCode::NOT_FOUND, format!("there is no item {text}"));
    let Path(text) = named.map_err(|_| unknown("of that name"))?;
    text.parse().map_err(|_| unknown(&format!("{text:?}")))
}

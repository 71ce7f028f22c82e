//! `/sdk/v1`: what clients of the original ask.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json as value};
use service_host::http::axum::body::Bytes;
use service_host::http::axum::extract::{Path, State};
use service_host::http::axum::http::{HeaderMap, StatusCode};

use super::body;
use super::refusal::Refusal;
use super::{Answer, Named, Served, json, key_of};
use crate::agent::{AgentError, Words};
use crate::item::{SendOptions, Topic};
use crate::telemetry::NoTelemetry;

#[derive(Deserialize)]
struct SendFile {
    destination: String,
    filepath: String,
    topic: String,
    #[serde(default)]
    options: Value,
}

#[derive(Deserialize)]
struct RetrieveFile {
    id: String,
    save_path: String,
}

pub(super) async fn send_file(State(shared): Served, headers: HeaderMap, body: Bytes) -> Answer {
    if body::is_form(&headers) {
        return Err(Refusal::bad_request("File path  is not absolute"));
    }
    let written = body::json(&body, None)?;
    let SendFile {
        destination,
        filepath,
        topic,
        options,
    } = body::typed(written)?;
    let asked = [
        "send_file",
        &destination,
        &filepath,
        &topic,
        &options.to_string(),
    ];
    let agent = Arc::clone(&shared.api.agent);
    let key = agent.counted(key_of(&headers, &asked))?;
    let sent = shared.requests.run(move || {
        let options = SendOptions::of_client(options).map_err(AgentError::from);
        let (options, odd) = agent.counted(options)?;
        let words = Words {
            topic,
            destination,
            options,
            key,
        };
        let id = agent.send_file(&filepath, words)?;
        odd.iter().for_each(|odd| log::warn!("{id}: {odd}"));
        Ok::<_, AgentError>(id)
    });
    json(&value!({"UUID": sent.await?}))
}

pub(super) async fn query(State(shared): Served, topic: Named) -> Answer {
    // The original knows no such path then.
    let not_implemented = || Refusal::new(StatusCode::NOT_IMPLEMENTED, "Method not implemented");
    let Path(topic) = topic.map_err(|_| not_implemented())?;
    let topic: Topic = topic.parse().map_err(|_| not_implemented())?;
    let agent = Arc::clone(&shared.api.agent);
    let page = shared.uploads.run(move || agent.query(&topic)).await?;
    let mut answer = value!({"files": page.files});
    if page.overflows
        && let Some(answer) = answer.as_object_mut()
    {
        answer.insert("overflow".to_owned(), true.into());
    }
    json(&answer)
}

pub(super) async fn retrieve_file(State(shared): Served, body: Bytes) -> Answer {
    let written = body::json(&body, None)?;
    let RetrieveFile { id, save_path } = body::typed(written)?;
    let agent = Arc::clone(&shared.api.agent);
    json(
        &shared
            .uploads
            .run(move || agent.retrieve(&id, &save_path))
            .await?,
    )
}

pub(super) async fn adcs(State(shared): Served) -> Answer {
    let telemetry = Arc::clone(&shared.api.telemetry);
    json(&shared.requests.run(move || telemetry.adcs()).await?)
}

pub(super) async fn command_adcs(State(shared): Served, body: Bytes) -> Answer {
    let command = body::json(&body, None)?;
    let in_progress = || Refusal::bad_request("Request in progress");
    let place = shared.command.try_take().ok_or_else(in_progress)?;
    let telemetry = Arc::clone(&shared.api.telemetry);
    let commanded = shared.requests.run(move || {
        let _place = place;
        telemetry.command_adcs(&command)
    });
    json(&commanded.await?)
}

pub(super) async fn tfrs(State(shared): Served) -> Answer {
    let telemetry = Arc::clone(&shared.api.telemetry);
    json(&shared.requests.run(move || telemetry.tfrs()).await?)
}

impl From<NoTelemetry> for Refusal {
    fn from(error: NoTelemetry) -> Self {
        Refusal::bad_request(error.to_string())
    }
}

//! `/collector/v1`: what the bus asks.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json as value;
use service_host::http::axum::body::Bytes;
use service_host::http::axum::extract::{Path, State};

use super::body;
use super::refusal::Refusal;
use super::{Answer, Named, Served, json};
use crate::agent::AgentError;
use crate::item::{Topic, Uuid};

#[derive(Deserialize)]
struct Info {
    topics: Option<Vec<String>>,
}

pub(super) async fn ping() -> Answer {
    json(&value!({"response": "PONG"}))
}

pub(super) async fn info(State(shared): Served, body: Bytes) -> Answer {
    let asked: Info = body::typed(body::json(&body, Some(value!({})))?)?;
    let topics: Option<Result<Vec<Topic>, _>> = asked
        .topics
        .map(|topics| topics.iter().map(|topic| topic.parse()).collect());
    let topics = topics.transpose()?;
    let agent = Arc::clone(&shared.api.agent);
    let answer = shared.requests.run(move || {
        if let Some(topics) = topics {
            agent.allow(topics)?;
        }
        let store = agent.store();
        let places = store.work_directory();
        let system = rustix::system::uname();
        Ok::<_, AgentError>(value!({
            "available": {"files": agent.queued_ids(), "dead": store.dead_ids()},
            "sysinfo": {
                "version": env!("CARGO_PKG_VERSION"),
                "build": env!("CARGO_PKG_NAME"),
                "diskfree": agent.free_bytes(),
                "workdir": places.transfers,
                "uploads": places.uploads,
                "agent_upgrades": places.upgrades,
                "dead": places.dead,
                "username": user_name(),
                "nodename": system.nodename().to_string_lossy(),
                "machine": system.machine().to_string_lossy(),
            },
            "topics": agent.topics(),
        }))
    });
    json(&answer.await?)
}

pub(super) async fn meta(State(shared): Served, uuid: Named) -> Answer {
    // The original says the same of all that it does not know.
    let unknown = || Refusal::bad_request("error reading metadata");
    let Path(uuid) = uuid.map_err(|_| unknown())?;
    let id: Uuid = uuid.parse().map_err(|_| unknown())?;
    let agent = Arc::clone(&shared.api.agent);
    let meta = shared
        .requests
        .run(move || agent.meta(id).map_err(|_| unknown()));
    json(&meta.await?)
}

/// Whose process this is, by the system's list of users; its number where it has no name.
fn user_name() -> String {
    let number = rustix::process::geteuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    named.unwrap_or(number)
}

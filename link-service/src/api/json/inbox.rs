//! What has arrived, and that it was taken.

use std::sync::Arc;

use serde::Serialize;
use service_host::http::axum::body::Body;
use service_host::http::axum::extract::{Path, State};
use service_host::http::axum::http::{StatusCode as Http, Uri};

use super::answer::FileAnswer;
use super::body::AckBody;
use super::query::{Query, json, read};
use super::routes::{Answer, PAGE, PAGE_MAX, Shared};
use super::sender::Asks;
use super::time;
use crate::desk::{AskError, Delivery, Event};
use crate::folders::Folders;
use crate::journal::Journal;
use crate::record::TransferId;
use crate::registry::App;
use std::collections::BTreeMap;

/// What has arrived and is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Deliveries {
    /// The oldest first.
    deliveries: Vec<DeliveryAnswer>,
}

/// What came with one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryAnswer {
    /// The number of the request.
    id: String,
    /// Who sent it.
    from_app_id: String,
    /// Each file.
    files: Vec<FileAnswer>,
    /// Where in the inbox they are.
    subdirectory: String,
    /// The sender's.
    tracking_id: String,
    /// The sender's.
    correlation_id: String,
    /// The sender's.
    metadata: BTreeMap<String, String>,
    /// When it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_time: Option<String>,
}

#[derive(Serialize)]
struct Done {}

pub(super) async fn list<F: Folders, J: Journal>(
    State(api): Shared<F, J>,
    asks: Asks,
    uri: Uri,
) -> Answer {
    let app = api.sender(&asks)?;
    let query = Query::read(&uri, &["waitSeconds", "limit"])?;
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    api.wait(Event::Arrived(app.clone()), query.wait).await;
    let desk = Arc::clone(&api.desk);
    let deliveries = api.pool.run(move || {
        let access = desk.access().current();
        let own = access.registry().app(&app);
        let deliveries = desk.deliveries(&app, limit);
        let answers = deliveries
            .iter()
            .map(|delivery| DeliveryAnswer::of(delivery, own));
        Deliveries {
            deliveries: answers.collect(),
        }
    });
    Ok(json(Http::OK, &deliveries.await?))
}

pub(super) async fn acknowledge<F: Folders, J: Journal>(
    State(api): Shared<F, J>,
    Path(id): Path<String>,
    asks: Asks,
    body: Body,
) -> Answer {
    let app = api.sender(&asks)?;
    let AckBody { remove } = read(body).await?;
    let id = TransferId::of_name(&id).ok_or(AskError::Unknown)?;
    let desk = Arc::clone(&api.desk);
    let remove = remove.unwrap_or(true);
    let done = api.pool.run(move || desk.acknowledge(&app, id, remove));
    done.await??;
    Ok(json(Http::OK, &Done {}))
}

impl DeliveryAnswer {
    fn of(delivery: &Delivery, app: Option<&App>) -> Self {
        let inbox = app.map(|app| std::path::absolute(&app.inbox));
        let inbox = inbox.and_then(Result::ok);
        let files = delivery.files.iter().map(|file| FileAnswer {
            name: file.name.clone(),
            path: inbox
                .as_ref()
                .map(|inbox| inbox.join(&file.path).to_string_lossy().into_owned()),
            size: file.size,
            blake3: file
                .hash
                .map(|hash| blake3::Hash::from_bytes(hash).to_hex().to_string()),
        });
        DeliveryAnswer {
            id: delivery.id.to_string(),
            from_app_id: delivery.sender.to_string(),
            files: files.collect(),
            subdirectory: delivery.subdirectory.to_string(),
            tracking_id: delivery.request_id.clone(),
            correlation_id: delivery.correlation_id.clone(),
            metadata: delivery.metadata.clone(),
            delivered_time: time::text(delivery.delivered_at),
        }
    }
}

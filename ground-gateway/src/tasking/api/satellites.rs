//! Which satellites there are.

use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};

use super::access::Admitted;
use super::query::Query;
use super::{Answered, Served};
use crate::tasking::desk::Answer;
use crate::tasking::plan::Satellite;

pub(super) async fn list(State(shared): Served, admitted: Admitted, uri: Uri) -> Answered {
    Query::read(&uri, &[])?;
    let all = shared.desk.plan.satellites.iter();
    let seen = all.filter(|one| admitted.caller.may_ask_of(&one.id).is_ok());
    let told: Vec<Value> = seen.map(tell).collect();
    Ok(super::json(Answer::data(&told.into())))
}

fn tell(satellite: &Satellite) -> Value {
    let payloads: Vec<&str> = satellite
        .payloads
        .iter()
        .map(|payload| &*payload.name)
        .collect();
    json!({
        "id": satellite.id,
        "norad_id": satellite.norad_id.map(|id| id.to_string()),
        "supported_windows": satellite.supported_windows,
        "supported_payloads": payloads,
    })
}

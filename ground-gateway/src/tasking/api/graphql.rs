//! A query goes to a service of a satellite, and its answer comes back as it is.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::access::Admitted;
use super::query::Query;
use super::refusal::Refusal;
use super::{Answered, Served, Shared, body, keyed, logged};
use crate::client::LinkClient;
use crate::error::{GroundError, beginning, one_line};
use crate::patience::{Patience, retries_default};
use crate::tasking::audit::DETAIL_BYTES_MAX;
use crate::tasking::desk::{Answer, Asked, Desk, Key};
use crate::tasking::limits::{ANSWER_TIMEOUT_MAX_S, ANSWER_TIMEOUT_S};
use crate::tasking::problem::Problem;
use crate::tasking::token::Role;

/// Of the document that is asked, in the log.
const TOLD_BYTES_MAX: usize = DETAIL_BYTES_MAX / 2;

/// A GraphQL request, as far as it is looked at here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct GraphQl {
    query: String,
    #[serde(default)]
    #[allow(dead_code, reason = "it is passed on as it is")]
    variables: Option<Box<RawValue>>,
    #[serde(default)]
    #[allow(dead_code, reason = "it is passed on as it is")]
    operation_name: Option<String>,
    #[serde(default)]
    #[allow(dead_code, reason = "it is passed on as it is")]
    extensions: Option<Box<RawValue>>,
}

/// All that is needed to ask.
struct Forward {
    desk: Arc<Desk>,
    link: Arc<LinkClient>,
    admitted: Admitted,
    key: Option<Key>,
    satellite: String,
    port: u16,
    body: Vec<u8>,
    document: String,
    timeout: Duration,
}

pub(super) async fn forward(
    State(shared): Served,
    admitted: Admitted,
    Path((satellite, port)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    let target = target(&shared, &admitted, &satellite, &port, &uri);
    let (link, port, timeout) = match target {
        Ok(target) => target,
        Err(refusal) => {
            body::discard(body).await;
            return Err(refusal);
        }
    };
    let octets = body::json(&headers, body, link.config().message_bytes_max()).await?;
    let request: GraphQl = serde_json::from_slice(&octets)
        .map_err(|error| Problem::malformed(format!("the GraphQL request: {error}")))?;
    let place = uri.path().as_bytes();
    let forward = Forward {
        desk: Arc::clone(&shared.desk),
        link,
        admitted,
        key: keyed::key(&headers, &[b"graphql", place, &octets])?,
        satellite,
        port,
        body: octets.to_vec(),
        document: request.query,
        timeout,
    };
    // It may take as long as the satellite does.
    let place = shared.forwards.take_now()?;
    let (answer, _) = place.run(move || forward.run()).await;
    Ok(logged(answer?))
}

fn target(
    shared: &Shared,
    admitted: &Admitted,
    satellite: &str,
    port: &str,
    uri: &Uri,
) -> Result<(Arc<LinkClient>, u16, Duration), Refusal> {
    admitted.caller.may(Role::Operator)?;
    admitted.caller.may_ask_of(satellite)?;
    let none = |what: &str| Problem::not_found(what.to_owned());
    let found = shared.desk.plan.satellite(satellite);
    let found = found.ok_or_else(|| none(&format!("there is no satellite `{satellite}`")))?;
    let number: Option<u16> = port.parse().ok().filter(|number: &u16| *number > 0);
    let is_open = |number: &u16| {
        let ports = found.graphql_ports.as_ref();
        ports.is_none_or(|ports| ports.contains(number))
    };
    let number = number.filter(is_open);
    let number = number.ok_or_else(|| {
        none(&format!(
            "satellite `{satellite}` has no service {port:?} that may be asked"
        ))
    })?;
    let link = shared.links.get(&found.link);
    let link = link.ok_or_else(|| none(&format!("there is no link to `{satellite}`")))?;
    let query = Query::read(uri, &["timeout_s"])?;
    let asked_s = query.number("timeout_s")?;
    let timeout_s = match asked_s {
        None => ANSWER_TIMEOUT_S,
        Some(seconds) => {
            let fits = u64::try_from(seconds).ok();
            let fits = fits.filter(|seconds| (1..=ANSWER_TIMEOUT_MAX_S).contains(seconds));
            fits.ok_or_else(|| {
                Problem::malformed(format!(
                    "`timeout_s` is {seconds}: choose 1 to {ANSWER_TIMEOUT_MAX_S}"
                ))
            })?
        }
    };
    Ok((Arc::clone(link), number, Duration::from_secs(timeout_s)))
}

impl Forward {
    fn run(self) -> Result<Answer, Problem> {
        let asked = self.admitted.asked(self.key.as_ref());
        if let Some(answer) = self.desk.begin_once(&asked)? {
            return Ok(answer);
        }
        self.note(&asked, 0)?;
        let patience = Patience {
            timeout: self.timeout,
            retries: retries_default(self.link.config().comms.format),
        };
        let answered = self.link.query(self.port, &self.body, patience);
        let asked = self.admitted.asked(self.key.as_ref());
        match answered.map_err(|error| self.problem(&error)) {
            Ok(octets) => {
                let answer = self.answer(&octets)?;
                self.desk.end_once(&asked, &answer)?;
                self.note(&asked, answer.status)?;
                Ok(answer)
            }
            Err((problem, is_done)) => {
                // What may have been done is not done again with the same key.
                if !is_done {
                    self.desk.withdraw_once(&asked)?;
                }
                self.note(&asked, problem.status)?;
                Err(problem)
            }
        }
    }

    /// The query is in the log before it goes up, under status 0, and again with what came.
    fn note(&self, asked: &Asked, status: u16) -> Result<(), Problem> {
        let told = beginning(&self.document, TOLD_BYTES_MAX);
        let hash = blake3::hash(&self.body).to_hex();
        let detail = format!("{} octets, blake3 {hash}: {told}", self.body.len());
        let subject = format!("{}:{}", self.satellite, self.port);
        let entry = asked.entry(status, subject, detail);
        Ok(self.desk.log_now(&entry)?)
    }

    fn answer(&self, octets: &[u8]) -> Result<Answer, Problem> {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(octets).is_ok();
        let text = String::from_utf8(octets.to_vec()).ok().filter(|_| is_json);
        let body = text.ok_or_else(|| {
            Problem::no_service(format!(
                "port {} of satellite `{}` answered {} octets that are no JSON",
                self.port,
                self.satellite,
                octets.len()
            ))
        })?;
        Ok(Answer { status: 200, body })
    }

    /// What it is for who asked, and whether it may have been done.
    fn problem(&self, error: &GroundError) -> (Problem, bool) {
        let detail = one_line(&error.to_string());
        match error {
            // A service that took too long may have done it.
            GroundError::LinkAnswer { .. } => (Problem::no_service(detail), true),
            GroundError::TooLarge { .. } => (Problem::too_large(detail), false),
            GroundError::Radio { .. } => (Problem::busy(detail, 10), false),
            GroundError::HubSilent { .. } => (Problem::busy(detail, 10), true),
            _ => (Problem::no_answer(detail), true),
        }
    }
}

//! A file comes in the body of a request.

use std::sync::Arc;

use service_host::http::axum::body::{Body, Bytes, HttpBody as _};
use service_host::http::axum::extract::State;
use service_host::http::axum::http::{HeaderMap, StatusCode, Uri, header};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::body;
use super::refusal::Refusal;
use super::{Answer, Served, Shared, json, key_of};
use crate::agent::{Agent, AgentError, Begun, Words};
use crate::item::{SendOptions, Uuid};
use crate::limits::{STREAM_BYTES_MAX, STREAM_STALL_TIMEOUT};

/// Pieces that wait for the disk.
const PIECES_MAX: usize = 4;
/// Longest name, in octets.
const NAME_BYTES_MAX: usize = 255;

/// What the query says.
struct Asked {
    name: String,
    words: Words,
    odd: Vec<String>,
}

pub(super) async fn hand_over(
    State(shared): Served,
    uri: Uri,
    headers: HeaderMap,
    mut body: Body,
) -> Answer {
    let mut is_invited = !headers.contains_key(header::EXPECT);
    let handed_over = hand_over_body(&shared, &uri, &headers, &mut body, &mut is_invited).await;
    if handed_over.is_err() && is_invited {
        // So that its sender gets to read why.
        body::discard_file(&mut body).await;
    }
    handed_over
}

async fn hand_over_body(
    shared: &Shared,
    uri: &Uri,
    headers: &HeaderMap,
    body: &mut Body,
    is_invited: &mut bool,
) -> Answer {
    let asked = read(&shared.api.agent, uri, headers)?;
    let announced = body.size_hint().lower();
    if announced > STREAM_BYTES_MAX {
        let text = format!("a file of a body has at most {STREAM_BYTES_MAX} octets");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let place = shared.streams.take().await?;
    let (pieces, waiting) = channel(PIECES_MAX);
    let (begin, begun) = oneshot::channel();
    let agent = Arc::clone(&shared.api.agent);
    let taking = spawn_blocking(move || {
        let _place = place;
        take(&agent, asked, announced, begin, waiting)
    });
    // The first look at the body invites a sender that asks before it sends.
    let is_begun = begun.await.is_ok();
    *is_invited |= is_begun;
    let failed = match is_begun {
        true => pass_on(body, &pieces).await.err(),
        false => None,
    };
    drop(pieces);
    let taken = taking.await.map_err(|_| {
        let text = "the agent failed while answering; see its log";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    })?;
    match (taken, failed) {
        (Ok(Some(id)), _) => json(&serde_json::json!({"UUID": id})),
        (Err(error), _) => Err(error.into()),
        (Ok(None), Some(refusal)) => Err(refusal),
        (Ok(None), None) => Err(Refusal::bad_request("the request body has no end")),
    }
}

/// Passes a body on, as far as somebody takes it.
async fn pass_on(body: &mut Body, pieces: &Sender<Piece>) -> Result<(), Refusal> {
    loop {
        let (piece, is_last) = match body::next(body, STREAM_STALL_TIMEOUT).await? {
            Some(octets) => (Piece::Octets(octets), false),
            None => (Piece::End, true),
        };
        // It is refused already, where nobody takes more: its answer says why.
        if pieces.send(piece).await.is_err() || is_last {
            return Ok(());
        }
    }
}

/// The end is said: a body that breaks off has none.
enum Piece {
    Octets(Bytes),
    End,
}

/// None where the body broke off. Says `begin` once the body may come.
fn take(
    agent: &Agent,
    asked: Asked,
    bytes: u64,
    begin: oneshot::Sender<()>,
    pieces: Receiver<Piece>,
) -> Result<Option<Uuid>, AgentError> {
    let begun = agent.begin(asked.words, bytes)?;
    // Whoever asked may be gone: the body breaks off then.
    let _ = begin.send(());
    match begun {
        // The body is read in any case: a sender that is still sending reads no answer.
        Begun::Again(mut again) => match all(pieces, |octets| again.write(octets))? {
            true => again.finish().map(Some),
            false => Ok(None),
        },
        Begun::Incoming(mut incoming) => match all(pieces, |octets| incoming.write(octets))? {
            true => {
                let id = incoming.finish(format!("/{}", asked.name))?;
                asked.odd.iter().for_each(|odd| log::warn!("{id}: {odd}"));
                Ok(Some(id))
            }
            false => Ok(None),
        },
    }
}

/// Takes each piece; false where the body broke off.
fn all(
    mut pieces: Receiver<Piece>,
    mut take: impl FnMut(&[u8]) -> Result<(), AgentError>,
) -> Result<bool, AgentError> {
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Octets(octets)) => take(&octets)?,
            Some(Piece::End) => return Ok(true),
            None => return Ok(false),
        }
    }
}

fn read(agent: &Agent, uri: &Uri, headers: &HeaderMap) -> Result<Asked, Refusal> {
    let (mut topic, mut name) = (None, "file".to_owned());
    let mut destination = "ground".to_owned();
    let mut options = serde_json::Value::Null;
    let query = uri.query().unwrap_or_default();
    for (key, text) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "topic" => topic = Some(text.into_owned()),
            "destination" => destination = text.into_owned(),
            "name" => name = text.into_owned(),
            "options" => {
                let parsed = serde_json::from_str(&text);
                options =
                    parsed.map_err(|error| Refusal::bad_request(format!("options: {error}")))?;
            }
            _ => {
                return Err(Refusal::bad_request(format!(
                    "there is no parameter {key:?}"
                )));
            }
        }
    }
    let topic = topic.ok_or_else(|| Refusal::bad_request("topic is to be said: ?topic=NAME"))?;
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len())
        && !name.contains(['/', '\0'])
        && ![".", ".."].contains(&name.as_str());
    if !is_name {
        return Err(Refusal::bad_request(
            "name is to be the name of a file, without /",
        ));
    }
    let asked = ["files", &topic, &name, &destination, &options.to_string()];
    let key = agent.counted(key_of(headers, &asked))?;
    let options = SendOptions::of_client(options).map_err(AgentError::from);
    let (options, odd) = agent.counted(options)?;
    Ok(Asked {
        name,
        words: Words {
            topic,
            destination,
            options,
            key,
        },
        odd,
    })
}

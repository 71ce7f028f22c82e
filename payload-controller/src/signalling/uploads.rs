//! Files that came up for a payload go from the agent to the payload's inbox.
//!
//! The agent gives a file away once. It comes to a directory of ours first, with what is known
//! of it beside it, and goes from there to the inbox as often as it takes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::payload::{SignalledPayload, UploadSource};
use super::transport::Delivery;
use crate::core::Setback;

/// The time of a request to the agent.
const ASK: Duration = Duration::from_secs(30);
/// Queries for one window: the agent names 50 files by each.
const QUERIES_MAX: usize = 20;
/// Octets of an answer of the agent.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Octets of a file's name.
const NAME_BYTES_MAX: usize = 255 - ".part".len() - 1;

#[derive(Debug, Deserialize)]
struct Available {
    files: Vec<Offered>,
}

#[derive(Debug, Deserialize)]
struct Offered {
    id: String,
    path: String,
    delivery_hints: Option<Hints>,
}

#[derive(Debug, Deserialize)]
struct Hints {
    dest_path: Option<String>,
    mode: Option<String>,
}

/// A file on its way to an inbox.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    name: String,
    mode: u32,
}

/// Puts all that came up for a payload in the inbox of a user.
pub(super) fn deliver(
    payload: &SignalledPayload,
    source: &UploadSource,
    spool: &Path,
    user: &str,
) -> Result<(), Setback> {
    let at = |error: io::Error| Setback::for_now(format!("{}: {error}", spool.display()));
    fs::create_dir_all(spool).map_err(at)?;
    // What came before goes on, also where the agent is away.
    let fetched = fetch(source, spool);
    let inbox = format!("{}/inbox/{user}", payload.signaling_dir);
    for (id, waiting) in waiting(spool).map_err(at)? {
        let data = spool.join(&id);
        let file = File::open(&data).map_err(at)?;
        payload.transport.deliver(Delivery {
            directory: &inbox,
            makes_directory: true,
            name: &waiting.name,
            mode: waiting.mode,
            bytes: file.metadata().map_err(at)?.len(),
            data: Box::new(file),
        })?;
        fs::remove_file(&data).map_err(at)?;
        fs::remove_file(note_of(spool, &id)).map_err(at)?;
    }
    fetched
}

fn note_of(spool: &Path, id: &str) -> PathBuf {
    spool.join(format!("{id}.json"))
}

/// Those that are here whole, by their ids.
fn waiting(spool: &Path) -> io::Result<Vec<(String, Waiting)>> {
    let mut waiting = Vec::new();
    for entry in fs::read_dir(spool)? {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
        let Some(id) = id.filter(|id| spool.join(id).is_file()) else {
            continue;
        };
        let note = fs::read(note_of(spool, id))?;
        waiting.push((id.to_owned(), serde_json::from_slice(&note)?));
    }
    waiting.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(waiting)
}

fn fetch(source: &UploadSource, spool: &Path) -> Result<(), Setback> {
    for _ in 0..QUERIES_MAX {
        let offered = query(source)?;
        if offered.is_empty() {
            return Ok(());
        }
        for file in offered {
            retrieve(source, spool, &file)?;
        }
    }
    Ok(())
}

fn client() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(ASK));
    config.build().into()
}

fn asked(
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Vec<u8>, Setback> {
    let failed = |error: ureq::Error| Setback::for_now(format!("the agent: {error}"));
    let mut answer = answer.map_err(failed)?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let body = body.read_to_vec().map_err(failed)?;
    match status {
        200 => Ok(body),
        status => {
            let said: String = String::from_utf8_lossy(&body).chars().take(200).collect();
            Err(Setback::for_now(format!("the agent: {status}: {said}")))
        }
    }
}

fn query(source: &UploadSource) -> Result<Vec<Offered>, Setback> {
    let UploadSource { agent, topic } = source;
    let url = format!("{agent}/sdk/v1/query_available_files/{topic}");
    let answer = asked(client().get(&url).call())?;
    let available: Available = serde_json::from_slice(&answer)
        .map_err(|error| Setback::for_now(format!("the agent: {error}")))?;
    Ok(available.files)
}

fn retrieve(source: &UploadSource, spool: &Path, file: &Offered) -> Result<(), Setback> {
    let id = &file.id;
    let is_id = |octet: &u8| octet.is_ascii_hexdigit() || *octet == b'-';
    if id.is_empty() || id.len() > 36 || !id.as_bytes().iter().all(is_id) {
        let id = id.escape_debug();
        return Err(Setback::for_good(format!(
            "the agent: `{id}` is no file's id"
        )));
    }
    let at = |error: io::Error| Setback::for_now(format!("{}: {error}", spool.display()));
    // It is known before it is here.
    note(spool, id, &known(file)).map_err(at)?;
    let path = std::path::absolute(spool.join(id)).map_err(at)?;
    let request = json!({"id": id, "save_path": path}).to_string();
    let url = format!("{}/sdk/v1/retrieve_file", source.agent);
    let post = client()
        .post(&url)
        .header("Content-Type", "application/json");
    match asked(post.send(request)) {
        Err(setback) if !path.is_file() => Err(setback),
        // An answer that was lost leaves the file all the same.
        _ => Ok(()),
    }
}

/// By what name and with which permissions it goes to the inbox.
fn known(file: &Offered) -> Waiting {
    let hints = file.delivery_hints.as_ref();
    let wanted = hints.and_then(|hints| hints.dest_path.as_deref());
    let of = |path: &str| {
        let name = Path::new(path).file_name()?.to_str()?;
        let is_name = name.len() <= NAME_BYTES_MAX && !name.contains('\0');
        is_name.then(|| name.to_owned())
    };
    let name = wanted.and_then(of).or_else(|| of(&file.path));
    let mode = hints.and_then(|hints| u32::from_str_radix(hints.mode.as_deref()?, 8).ok());
    Waiting {
        name: name.unwrap_or_else(|| file.id.clone()),
        mode: mode.unwrap_or(0o644) & 0o777,
    }
}

fn note(spool: &Path, id: &str, waiting: &Waiting) -> io::Result<()> {
    let part = spool.join(format!(".{id}.part"));
    let mut file = File::create(&part)?;
    file.write_all(&serde_json::to_vec(waiting)?)?;
    file.sync_all()?;
    fs::rename(&part, note_of(spool, id))?;
    File::open(spool)?.sync_all()
}

//! What the spacecraft calls of a payload that has no service of its own: first to make itself
//! ready for a window, then to work until the window's end.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use serde_json::{Value, json};

use crate::show::line;

/// What it fetches before a window, and what it hands over afterwards.
pub(crate) const SETTINGS: &str = "settings.json";
pub(crate) const PICTURE: &str = "tasked.raw";
pub(crate) const UPLOADS: &str = "camera-settings";
pub(crate) const PICTURES: &str = "pictures";

#[derive(Debug, Parser)]
struct Arguments {
    /// Where the agent is.
    #[arg(long)]
    agent: String,
    /// The payload's own directory.
    #[arg(long)]
    folder: PathBuf,
    /// Who asked for the window.
    #[arg(short)]
    user: String,
    /// Get ready, and return.
    #[arg(short = 'e')]
    configure: bool,
    /// The window.
    #[arg(short)]
    window: String,
    /// When this call is to have returned.
    #[arg(short = 't')]
    until_s: Option<u64>,
}

pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<()> {
    let arguments = Arguments::parse_from(arguments);
    match arguments.configure {
        true => configure(&arguments),
        false => work(&arguments),
    }
}

/// Fetches what came up for it. The time that it has is counted by who calls.
fn configure(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = arguments.folder.join(SETTINGS);
    while !settings.exists() {
        let available = ask(arguments, &format!("query_available_files/{UPLOADS}"), None)?;
        match available["files"][0]["id"].as_str() {
            Some(id) => {
                let body = json!({ "id": id, "save_path": settings });
                ask(arguments, "retrieve_file", Some(&body))?;
            }
            None => thread::sleep(Duration::from_millis(100)),
        }
    }
    line(&format!("ready for {}", arguments.user));
    Ok(())
}

/// Takes a picture as the window and the settings say, and hands it to the agent.
fn work(arguments: &Arguments) -> anyhow::Result<()> {
    let window = read(&arguments.folder.join(format!(
        "signaling/window_configs/{}.json",
        arguments.window
    )))?;
    let exposure = &window["signal_parameters"]["tasking_parameters"]["exposure"];
    let settings = read(&arguments.folder.join(SETTINGS))?;
    let pixels = settings["pixels"].as_u64().context("no `pixels`")?;
    let path = arguments.folder.join(PICTURE);
    fs::write(&path, picture(exposure.as_u64().unwrap_or(0), pixels))?;
    let body = json!({ "destination": "ground", "filepath": path, "topic": PICTURES,
                       "options": { "tags": { "window": arguments.window } } });
    let sent = ask(arguments, "send_file", Some(&body))?;
    ensure!(
        sent["UUID"].is_string(),
        "the agent did not take it: {sent}"
    );
    line(&format!("{PICTURE} is handed over"));
    Ok(())
}

/// What such a picture is.
pub(crate) fn picture(exposure: u64, pixels: u64) -> Vec<u8> {
    (0..pixels)
        .map(|at| ((at / 211) ^ (at * exposure)) as u8)
        .collect()
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let text = fs::read(path).with_context(|| format!("no {}", path.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

fn ask(arguments: &Arguments, call: &str, body: Option<&Value>) -> anyhow::Result<Value> {
    let url = format!("{}/sdk/v1/{call}", arguments.agent);
    let mut answer = match body {
        None => ureq::get(&url).call()?,
        Some(body) => {
            let post = ureq::post(&url).header("Content-Type", "application/json");
            post.send(body.to_string())?
        }
    };
    Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
}

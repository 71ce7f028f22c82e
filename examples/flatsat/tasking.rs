//! The step of tasking: a customer orders a window of time of a payload, over HTTP, and finds
//! what the payload made of it in its directory on the ground.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::parties::Flatsat;
use crate::payload_exec::{PICTURE, SETTINGS, UPLOADS, picture};
use crate::payloads::wait;
use crate::show::Show;
use crate::spacecraft;

/// From the order to the start: the upload and the window go up meanwhile, if need be in the
/// second pass only.
const AHEAD_S: u64 = 20;
const DURATION_S: u64 = 3;
const EXPOSURE: u64 = 5;
const PIXELS: u64 = 60_000;

/// The whole way: HTTP, contact, window, `payload_exec`, agent, contact, directory.
pub(crate) fn window(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    write_payload_exec(flatsat)?;
    let told = ["token", "add", "john", "--role", "tasker"];
    let token = flatsat.ground(&[&told[..], &["--satellite", "FM1"]].concat())?;
    let token = token.trim();
    spacecraft::start(flatsat, "link-service", "helio-1")?;
    start_agent(flatsat)?;
    let config = flatsat.file("payloads.toml");
    flatsat.spawn("payload-controller", &["-l", "error", "-c", &config])?;
    let ground = flatsat.ground_in_background(&["--link", "link", "serve"])?;
    let api = Api {
        url: format!("http://127.0.0.1:{}", flatsat.ports.tasking),
        token,
    };
    wait(flatsat, "the tasking API", |_| {
        Ok(api.get("/tasking/satellites").is_ok())
    })?;

    let query = format!(
        "satellite_id=FM1&payload=CAMERA&destination_path=/inbox/{SETTINGS}&executable=false"
    );
    show.note(&format!("customer:  POST /tasking/upload?{query}"));
    let settings = json!({ "pixels": PIXELS }).to_string();
    let upload = api.upload(&format!("/tasking/upload?{query}"), &settings)?;
    let start = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + AHEAD_S;
    let order = json!({
        "type": "PAYLOAD_CAMERA", "satellite_id": "FM1", "start": start, "duration": DURATION_S,
        "parameters": { "exposure": EXPOSURE },
    });
    show.note(&format!("customer:  POST /tasking/window {order}"));
    let ordered = api.post("/tasking/window", &order)?;
    let id = ordered["data"]["id"].as_str().context("no id")?.to_owned();
    show.note(&format!("           {ordered}"));

    let mut said = String::new();
    wait(flatsat, "the window", |_| {
        let uploads = api.get("/tasking/uploads")?;
        let windows = api.get("/tasking/windows?satellite_id=FM1")?;
        let states = (
            of(&uploads, &upload)["status"].clone(),
            of(&windows, &id)["state"].clone(),
        );
        let now = format!("upload {}, window {}", text(&states.0), text(&states.1));
        if now != said {
            show.note(&format!("           {now}"));
            said = now;
        }
        ensure!(states.1 != "FAILED", "the window failed: {windows}");
        Ok(states.1 == "EXECUTED")
    })?;
    let delivered = PathBuf::from(flatsat.file("delivered"));
    let mut there = None;
    wait(flatsat, "the picture", |_| {
        there = find(&delivered, PICTURE)?;
        Ok(there.is_some())
    })?;
    let there = there.context("no picture")?;
    let came = fs::read(&there)?;
    ensure!(came == picture(EXPOSURE, PIXELS), "another picture came");
    show.down(&format!(
        "{}: {} octets, whole",
        there.strip_prefix(&delivered)?.display(),
        came.len()
    ));
    ground.stop();
    for party in ["payload-controller", "oort-agent", "link-service"] {
        flatsat.end(party);
    }
    Ok(())
}

/// What a customer sends, with its token.
struct Api<'a> {
    url: String,
    token: &'a str,
}

impl Api<'_> {
    fn get(&self, path: &str) -> anyhow::Result<Value> {
        let get = ureq::get(format!("{}{path}", self.url));
        let mut answer = get.header("Authorization", self.bearer()).call()?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(path, "application/json", &body.to_string())
    }

    /// The identifier of the upload.
    fn upload(&self, path: &str, file: &str) -> anyhow::Result<String> {
        let body = format!(
            "--part\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{SETTINGS}\"\r\n\
             \r\n{file}\r\n--part--\r\n"
        );
        let answer = self.send(path, "multipart/form-data; boundary=part", &body)?;
        let id = answer["data"]["id"].as_str();
        Ok(id.context("the upload has no id")?.to_owned())
    }

    fn send(&self, path: &str, kind: &str, body: &str) -> anyhow::Result<Value> {
        let post = ureq::post(format!("{}{path}", self.url)).config();
        let post = post.http_status_as_error(false).build();
        let post = post.header("Authorization", self.bearer());
        let mut answer = post.header("Content-Type", kind).send(body)?;
        let said = answer.body_mut().read_to_string()?;
        ensure!(answer.status().is_success(), "{path}: {said}");
        Ok(serde_json::from_str(&said)?)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

/// That of a list which has an identifier.
fn of<'a>(list: &'a Value, id: &str) -> &'a Value {
    let all = list["data"].as_array().into_iter().flatten();
    let mut those = all.filter(|it| it["id"] == id);
    those.next().unwrap_or(&Value::Null)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

/// The file beneath a directory whose name ends so.
fn find(directory: &Path, ending: &str) -> anyhow::Result<Option<PathBuf>> {
    if !directory.exists() {
        return Ok(None);
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find(&path, ending)? {
                return Ok(Some(found));
            }
        } else if path.to_string_lossy().ends_with(ending) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn start_agent(flatsat: &mut Flatsat) -> anyhow::Result<()> {
    let work = flatsat.file("oort");
    fs::create_dir_all(&work)?;
    let (port, link) = (
        flatsat.ports.agent.to_string(),
        flatsat.file("helio-1/apps/oort/link.sock"),
    );
    let told = ["-w", &work, "-p", &port, "-m", "0M", "--telemetry", "none"];
    flatsat.spawn("oort-agent", &[&told[..], &["--link", &link]].concat())?;
    Ok(())
}

/// The executable that the spacecraft calls.
fn write_payload_exec(flatsat: &Flatsat) -> anyhow::Result<()> {
    let folder = flatsat.file("camera");
    fs::create_dir_all(format!("{folder}/signaling/window_configs"))?;
    let path = flatsat.file("payload_exec");
    let program = std::env::current_exe()?;
    let script = format!(
        "#!/bin/sh\nexec '{}' --party payload-exec -- --agent http://127.0.0.1:{} \
         --folder '{folder}' \"$@\"\n",
        program.display(),
        flatsat.ports.agent
    );
    fs::write(&path, script)?;
    Ok(fs::set_permissions(
        &path,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// The payload, for the configuration of the payload controller.
pub(crate) fn signalled(flatsat: &Flatsat) -> String {
    format!(
        r#"
[[payload-controller.signalled]]
name = "camera-2"
version = 2
pre-buffer-s = 3
post-buffer-s = 1
executable = '{}'
signaling-dir = '{}'
"#,
        flatsat.file("payload_exec"),
        flatsat.file("camera/signaling"),
    )
}

/// The API, and where files go, for the configuration of the ground.
pub(crate) fn ground_tasking(flatsat: &Flatsat) -> String {
    format!(
        r#"
[delivery]
directory = '{delivered}'

[tasking]
listen = "127.0.0.1:{api}"
directory = '{tasking}'
lead-time-s = 1

[[tasking.window-types]]
name = "PAYLOAD_CAMERA"
pre-buffer-s = 3
post-buffer-s = 1
duration-min-s = 1

[[tasking.satellites]]
id = "FM1"
norad-id = 51099
link = "link"

[[tasking.satellites.payloads]]
name = "CAMERA"
topic = "{UPLOADS}"
service-port = {controller}
signalled = "camera-2"
"#,
        delivered = flatsat.file("delivered"),
        tasking = flatsat.file("tasking"),
        api = flatsat.ports.tasking,
        controller = flatsat.ports.payloads_graphql,
    )
}

/// What the link service has to know of the agent.
pub(crate) const AGENT_APP: &str = r#"
[[link-service.apps]]
id = "oort"

[[link-service.policy]]
from = "oort"
to = "ground"

[[link-service.policy]]
from = "ground"
to = "oort"
"#;

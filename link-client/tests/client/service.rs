//! A service of two apps that moves files at once, and answers as the service does.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use link_client::LinkClient;
use serde_json::{Value, json};

pub(crate) const APPS: [&str; 2] = ["camera", "analyser"];

pub(crate) struct Service {
    root: tempfile::TempDir,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    /// What was asked, as `METHOD path`.
    pub(crate) asked: Vec<String>,
    pub(crate) links: Vec<Link>,
    /// Requests are accepted, and stay where they are.
    pub(crate) is_held: bool,
    /// So many answers are not given: what was asked was done.
    pub(crate) answers_lost: u32,
    /// What is said to whoever comes anew.
    pub(crate) refuses: Option<(u16, &'static str)>,
    by_tracking_id: BTreeMap<(String, String), usize>,
}

pub(crate) struct Link {
    pub(crate) sender: String,
    pub(crate) body: Value,
    pub(crate) code: &'static str,
    is_acknowledged: bool,
    is_claimed: bool,
}

impl Service {
    pub(crate) fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        for app in APPS {
            for side in ["inbox", "outbox"] {
                fs::create_dir_all(root.path().join(app).join(side)).unwrap();
            }
            let listener = UnixListener::bind(root.path().join(app).join("link.sock")).unwrap();
            let (path, state) = (root.path().to_path_buf(), Arc::clone(&state));
            thread::spawn(move || {
                while let Ok((stream, _)) = listener.accept() {
                    let (path, state) = (path.clone(), Arc::clone(&state));
                    thread::spawn(move || answer(&path, app, &state, stream));
                }
            });
        }
        Service { root, state }
    }

    pub(crate) fn client(&self, app: &str) -> LinkClient {
        let client = LinkClient::connect(self.path(&format!("{app}/link.sock")));
        client.with_patience(Duration::from_millis(300))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// A file that is not in an outbox.
    pub(crate) fn file(&self, path: &str, octets: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, octets).unwrap();
        path
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// What is held goes on.
    pub(crate) fn go_on(&self) {
        let mut state = self.state();
        state.is_held = false;
        for link in &mut state.links {
            deliver(self.root.path(), link);
        }
    }

    /// How many requests there were.
    pub(crate) fn count(&self) -> usize {
        self.state().links.len()
    }

    pub(crate) fn outbox(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("camera/outbox")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != ".link").collect();
        names.sort();
        names
    }
}

fn answer(root: &Path, app: &str, state: &Mutex<State>, stream: UnixStream) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let asked = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut bytes = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap() == 0 || header == "\r\n" {
            break;
        }
        if let Some(length) = header.to_lowercase().strip_prefix("content-length:") {
            bytes = length.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; bytes];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (status, value) = wait(root, app, state, &asked, &body);
    let mut state = state.lock().unwrap();
    state.asked.push(asked);
    if state.answers_lost > 0 {
        state.answers_lost -= 1;
        return;
    }
    let value = value.to_string();
    let bytes = value.len();
    let head = format!("HTTP/1.1 {status} X\r\nretry-after: 7\r\ncontent-length: {bytes}\r\n\r\n");
    let _ = reader.get_mut().write_all((head + &value).as_bytes());
}

/// Long polls wait until there is something to say.
fn wait(root: &Path, app: &str, state: &Mutex<State>, asked: &str, body: &Value) -> (u16, Value) {
    let seconds = asked
        .split_once("waitSeconds=")
        .map_or("0", |(_, rest)| rest.split('&').next().unwrap_or_default());
    let until = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
    loop {
        let (status, value) = state.lock().unwrap().answer(root, app, asked, body);
        let is_nothing = value["code"] == "ACCEPTED" || value["deliveries"] == json!([]);
        if !is_nothing || Instant::now() >= until {
            return (status, value);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

impl State {
    fn answer(&mut self, root: &Path, app: &str, asked: &str, body: &Value) -> (u16, Value) {
        let path = asked.split('?').next().unwrap();
        let parts: Vec<&str> = path
            .split(['/', ' '])
            .filter(|part| !part.is_empty())
            .collect();
        match parts.as_slice() {
            ["POST", "v1", "links"] => self.submit(root, app, body),
            ["GET", "v1", "links"] => {
                // Two a page.
                let from = asked.split_once("from=").map_or(0, |(_, from)| {
                    from.split('&').next().unwrap().parse().unwrap()
                });
                let is_open_only = asked.contains("state=open");
                let numbers = from..self.links.len().min(from + 2);
                let links = numbers
                    .filter(|number| !is_open_only || self.links[*number].code == "ACCEPTED");
                let links: Vec<Value> = links.map(|number| self.link(number, true)).collect();
                let next = (from + 2 < self.links.len()).then(|| (from + 2).to_string());
                (200, json!({"links": links, "next": next}))
            }
            ["GET", "v1", "links", id] => match self.find(app, id) {
                Some(number) => (200, self.link(number, true)),
                None => refusal(404, "UNAVAILABLE", "there is no such request of yours"),
            },
            ["POST", "v1", "links", id, "cancel"] => {
                let number = self.find(app, id).unwrap();
                self.links[number].code = "CANCELLED";
                give_back(root, &self.links[number]);
                (200, self.link(number, true))
            }
            ["GET", "v1", "directories"] => {
                let root = root.join(app);
                let (inbox, outbox) = (root.join("inbox"), root.join("outbox"));
                (200, json!({"root": root, "inbox": inbox, "outbox": outbox}))
            }
            ["GET", "v1", "inbox"] => (200, self.inbox(root, app)),
            ["POST", "v1", "inbox", id, "ack"] => {
                let link = &mut self.links[id.parse::<usize>().unwrap()];
                link.is_acknowledged = true;
                if body["remove"] == true {
                    let _ = fs::remove_file(delivered(root, app, link));
                }
                (200, json!({}))
            }
            _ => refusal(404, "INVALID_ARGUMENT", asked),
        }
    }

    fn find(&self, app: &str, id: &str) -> Option<usize> {
        match id.strip_prefix("tracking:") {
            Some(id) => {
                let key = (app.to_owned(), id.to_owned());
                self.by_tracking_id.get(&key).copied()
            }
            None => id.parse().ok().filter(|number| *number < self.links.len()),
        }
    }

    fn submit(&mut self, root: &Path, app: &str, body: &Value) -> (u16, Value) {
        let id = body["requestHeader"]["trackingId"].as_str().unwrap();
        if let Some(number) = self.find(app, &format!("tracking:{id}")) {
            return (200, self.link(number, true));
        }
        if let Some((status, code)) = self.refuses {
            return refusal(status, code, "it is refused");
        }
        let source = root.join(app).join("outbox").join(sub_path(body));
        if !source.is_file() {
            return refusal(404, "SOURCE_NOT_FOUND", "there is no such file");
        }
        let mut link = Link {
            sender: app.to_owned(),
            body: body.clone(),
            code: "ACCEPTED",
            is_acknowledged: false,
            is_claimed: false,
        };
        if !self.is_held {
            deliver(root, &mut link);
        }
        let number = self.links.len();
        self.links.push(link);
        let key = (app.to_owned(), id.to_owned());
        self.by_tracking_id.insert(key, number);
        (202, self.link(number, false))
    }

    fn link(&self, number: usize, is_known: bool) -> Value {
        let Link {
            body, code, sender, ..
        } = &self.links[number];
        let mut asked = body.clone();
        asked["requestHeader"]["appId"] = sender.clone().into();
        let to = body["destinationAppIds"].as_array().unwrap().iter();
        let to: Vec<Value> = to
            .map(|app| json!({"appId": app, "code": code, "status": "PENDING", "octets": 0}))
            .collect();
        json!({
            "responseHeader": {
                "trackingId": body["requestHeader"]["trackingId"], "correlationId": "",
                "status": "PENDING", "message": "", "metadata": {},
            },
            "linkRequest": asked, "fileSizeKB": 1, "code": code, "id": number.to_string(),
            "fileSizeBytes": 6, "files": [{"name": body["fileNames"][0], "size": 6}],
            "recipients": to, "isKnown": is_known, "returned": [],
        })
    }

    fn inbox(&self, root: &Path, app: &str) -> Value {
        let links = self.links.iter().enumerate();
        let open = links.filter(|(_, link)| {
            let is_to = link.body["destinationAppIds"][0] == app;
            is_to && link.code == "OK" && !link.is_acknowledged
        });
        let deliveries: Vec<Value> = open
            .map(|(number, link)| {
                json!({
                    "id": number.to_string(), "fromAppId": link.sender,
                    "files": [{
                        "name": link.body["fileNames"][0], "path": delivered(root, app, link),
                        "size": 6, "blake3": "00",
                    }],
                    "subdirectory": "", "trackingId": link.body["requestHeader"]["trackingId"],
                    "correlationId": "", "metadata": link.body["requestHeader"]["metadata"],
                    "deliveredTime": "2026-12-01T00:00:00Z",
                })
            })
            .collect();
        json!({"deliveries": deliveries})
    }
}

fn sub_path(body: &Value) -> PathBuf {
    Path::new(body["subdirectory"].as_str().unwrap_or_default())
        .join(body["fileNames"][0].as_str().unwrap())
}

fn delivered(root: &Path, app: &str, link: &Link) -> PathBuf {
    root.join(app).join("inbox").join(sub_path(&link.body))
}

fn claim(root: &Path, link: &Link) -> PathBuf {
    root.join(&link.sender).join("outbox/.link")
}

fn deliver(root: &Path, link: &mut Link) {
    if link.code != "ACCEPTED" {
        return;
    }
    let source = root
        .join(&link.sender)
        .join("outbox")
        .join(sub_path(&link.body));
    fs::rename(&source, claim(root, link)).unwrap();
    link.is_claimed = true;
    let to = link.body["destinationAppIds"][0].as_str().unwrap();
    if to == "ground" {
        link.code = "OK";
        return;
    }
    let path = delivered(root, to, link);
    if path.exists() && link.body["overwrite"] != true {
        link.code = "ALREADY_EXISTS";
        give_back(root, link);
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::rename(claim(root, link), path).unwrap();
    link.code = "OK";
}

fn give_back(root: &Path, link: &Link) {
    if link.is_claimed {
        let source = root
            .join(&link.sender)
            .join("outbox")
            .join(sub_path(&link.body));
        fs::rename(claim(root, link), source).unwrap();
    }
}

fn refusal(status: u16, code: &str, message: &str) -> (u16, Value) {
    let header = json!({"status": "REJECTED", "message": message});
    (status, json!({"responseHeader": header, "code": code}))
}

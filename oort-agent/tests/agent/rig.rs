//! An agent with its interface, in a directory of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use oort_agent::agent::{Agent, AgentError, AgentSettings, Words};
use oort_agent::api::{self, Api, Token};
use oort_agent::clock::{Clock, VirtualClock};
use oort_agent::item::{SendOptions, TtlParams, Uuid};
use oort_agent::queue::Ms;
use oort_agent::store::{Floor, Store};
use oort_agent::telemetry::{Telemetry, Unavailable};
use serde_json::{Value, json};
use service_host::http::{Doors, HttpServer, Limits};
use tempfile::TempDir;

/// 2026-11-27.
pub(crate) const NOW: u64 = 1_795_795_200;

/// A work directory, and one for the files of a payload.
pub(crate) struct Site {
    _root: Option<TempDir>,
    pub(crate) work: PathBuf,
    pub(crate) payload: PathBuf,
}

impl Site {
    pub(crate) fn new() -> Site {
        Site::within(TempDir::new().unwrap())
    }

    pub(crate) fn within(root: TempDir) -> Site {
        let mut site = Site::at(root.path());
        fs::create_dir(&site.work).unwrap();
        fs::create_dir(&site.payload).unwrap();
        site._root = Some(root);
        site
    }

    /// One that is there, of another process.
    pub(crate) fn at(root: &Path) -> Site {
        Site {
            _root: None,
            work: root.join("work"),
            payload: root.join("payload"),
        }
    }

    /// A file of the payload.
    pub(crate) fn file(&self, name: &str, octets: impl AsRef<[u8]>) -> String {
        let path = self.payload.join(name);
        fs::write(&path, octets).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.work).unwrap().without_sync()
    }

    pub(crate) fn start(&self) -> Rig {
        self.start_with(self.store(), settings())
    }

    /// With something that answers of the spacecraft.
    pub(crate) fn start_of(&self, telemetry: Arc<dyn Telemetry>) -> Rig {
        self.start_all(self.store(), settings(), NOW, None, telemetry)
    }

    pub(crate) fn start_with(&self, store: Store, settings: AgentSettings) -> Rig {
        self.start_at(store, settings, NOW, None)
    }

    pub(crate) fn start_at(
        &self,
        store: Store,
        settings: AgentSettings,
        seconds: u64,
        token: Option<Token>,
    ) -> Rig {
        self.start_all(store, settings, seconds, token, Arc::new(Unavailable))
    }

    fn start_all(
        &self,
        store: Store,
        settings: AgentSettings,
        seconds: u64,
        token: Option<Token>,
        telemetry: Arc<dyn Telemetry>,
    ) -> Rig {
        let clock = Arc::new(VirtualClock::at(seconds));
        let shared = Box::new(SharedClock(Arc::clone(&clock)));
        let agent = Arc::new(Agent::open(store, settings, shared).unwrap());
        let routes = Api {
            agent: Arc::clone(&agent),
            telemetry,
            token: None,
            collector_token: token,
        }
        .routes();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let (doors, limits) = (Doors::default(), Limits::default());
        let server = HttpServer::start_routes(address, routes, &doors, limits, api::THREADS);
        Rig {
            agent,
            clock,
            server: server.unwrap(),
        }
    }

    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        names(&self.work.join(directory))
    }
}

/// As a test wants it: whatever the disk of whoever runs it has left.
pub(crate) fn settings() -> AgentSettings {
    AgentSettings {
        floor: Floor::Bytes(0),
        sync: false,
        ..AgentSettings::default()
    }
}

struct SharedClock(Arc<VirtualClock>);

impl Clock for SharedClock {
    fn now(&self) -> Ms {
        self.0.now()
    }
    fn wall(&self) -> Option<Duration> {
        self.0.wall()
    }
    fn seconds(&self) -> i64 {
        self.0.seconds()
    }
}

pub(crate) struct Rig {
    pub(crate) agent: Arc<Agent>,
    pub(crate) clock: Arc<VirtualClock>,
    server: HttpServer,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) body: Value,
}

impl Rig {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.local_addr())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        answer(client().get(self.url(path)).call())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_octets(path, body.to_string().as_bytes(), &[])
    }

    pub(crate) fn post_octets(
        &self,
        path: &str,
        octets: &[u8],
        headers: &[(&str, &str)],
    ) -> Answer {
        let request = client().post(self.url(path));
        let request = request.content_type("application/json");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        answer(request.send(octets))
    }

    /// Hands a file over by the interface.
    pub(crate) fn send(&self, path: &str) -> Answer {
        self.send_with(path, &Value::Null)
    }

    pub(crate) fn send_with(&self, path: &str, options: &Value) -> Answer {
        let mut body = json!({"destination": "ground", "filepath": path, "topic": "images"});
        if !options.is_null() {
            body["options"] = options.clone();
        }
        self.post("/sdk/v1/send_file", &body)
    }

    /// Hands a file over without the interface.
    pub(crate) fn take(&self, path: &str, ttl: [u64; 3]) -> Uuid {
        self.agent.send_file(path, words(ttl)).unwrap()
    }

    pub(crate) fn try_take(&self, path: &str) -> Result<Uuid, AgentError> {
        self.agent.send_file(path, words([9, 9, 9]))
    }

    /// In which state an item is.
    pub(crate) fn state(&self, id: Uuid) -> &'static str {
        self.agent.status(id).unwrap().state
    }

    pub(crate) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.agent.tick();
    }
}

pub(crate) fn words([urgent, bulk, surplus]: [u64; 3]) -> Words {
    let ttl = TtlParams {
        urgent,
        bulk,
        surplus,
    };
    Words {
        topic: "images".to_owned(),
        destination: "ground".to_owned(),
        options: SendOptions {
            ttl,
            ..SendOptions::default()
        },
        key: None,
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn id(&self) -> Uuid {
        assert_eq!(self.status, 200, "{self:?}");
        self.body["UUID"].as_str().unwrap().parse().unwrap()
    }

    /// It is refused with that status, in JSON whose words have this among them.
    #[track_caller]
    pub(crate) fn is_refused(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.kind, "application/json");
        assert_eq!(self.body["status"], status);
        let message = self.body["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
}

pub(crate) fn client() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.build().into()
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = response.unwrap();
    let kind = response
        .headers()
        .get("content-type")
        .map(|kind| kind.to_str().unwrap());
    let kind = kind.unwrap_or_default().to_owned();
    let text = response.body_mut().read_to_string().unwrap();
    Answer {
        status: response.status().as_u16(),
        kind,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

/// Puts a pair into `uploads/` as a collector does.
pub(crate) fn upload(site: &Site, number: u8, time: i64, octets: &[u8]) -> Uuid {
    let id = Uuid::of_random([number; 16]);
    upload_meta(site, id, time, octets);
    fs::write(site.work.join(format!("uploads/{id}.data.oort")), octets).unwrap();
    id
}

pub(crate) fn upload_meta(site: &Site, id: Uuid, time: i64, octets: &[u8]) {
    let sum = crc32(octets);
    let meta = json!({
        "meta_version": "1.3", "topic": "logs", "node": "ground", "time": time,
        "file_info": {
            "id": id, "path": "/ground/up", "size": octets.len(), "modified": time,
            "created": time, "crc32": sum, "extra": {"more": "said"},
        },
        "send_options": {},
    });
    let path = site.work.join(format!("uploads/{id}.meta.oort"));
    fs::write(path, meta.to_string()).unwrap();
}

/// By the definition: IEEE 802.3, bit by bit.
pub(crate) fn crc32(octets: &[u8]) -> String {
    let mut sum = u32::MAX;
    for octet in octets {
        sum ^= u32::from(*octet);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
        }
    }
    format!("{:08x}", !sum)
}

//! Where a service of these tests is.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::free_udp_port;
use heliograph_tests::unix_http::UnixHttp;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Who there is in all of these tests: two who may send each other what they like.
pub(crate) const APPS: &str = "
[[link-service.apps]]
id = 'camera'
token-file = 'camera.token'
[[link-service.apps]]
id = 'analyser'
[[link-service.policy]]
from = '*'
to = '*'
";

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct Site {
    folder: TempDir,
    radio: u16,
    ground: u16,
    downlink: u16,
}

impl Site {
    /// A folder with a configuration, and a token for the camera.
    pub(crate) fn new() -> Site {
        let site = Site {
            folder: TempDir::new().unwrap(),
            radio: free_udp_port(),
            ground: free_udp_port(),
            downlink: free_udp_port(),
        };
        site.write_token(0o600);
        site.configure(APPS);
        site
    }

    pub(crate) fn write_token(&self, mode: u32) {
        let token = self.path("camera.token");
        fs::write(&token, TOKEN).unwrap();
        fs::set_permissions(token, Permissions::from_mode(mode)).unwrap();
    }

    /// Writes the configuration, with these apps and rules.
    pub(crate) fn configure(&self, apps: &str) {
        let (radio, ground, downlink) = (self.radio, self.ground, self.downlink);
        let text = format!(
            "[link-service]\napps-root = 'apps'\njournal = 'state/link.redb'\n\
             free-bytes-min = 0\nreserved-critical-bytes = 0\n\
             [link-service.addr]\nport = 0\n\
             [link-service.radio]\nkind = 'udp'\nbind = '127.0.0.1:{radio}'\n\
             peer = '127.0.0.1:{ground}'\n\
             [link-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{downlink}]\nground-port = {ground}\n{apps}"
        );
        fs::write(self.path("config.toml"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a service, ready or not.
    pub(crate) fn launch(&self) -> ChildGuard {
        let mut command = Command::new(binary("link-service"));
        command.current_dir(self.folder.path());
        ChildGuard::spawn(command.args(["-c", "config.toml"]))
    }

    pub(crate) fn start(&self) -> Service {
        Service::of(self.launch())
    }

    pub(crate) fn at(&self, app: &str) -> UnixHttp {
        UnixHttp::at(&self.path(&format!("apps/{app}/link.sock")))
    }

    pub(crate) fn put(&self, file: &str, octets: &[u8]) {
        fs::write(self.path("apps/camera/outbox").join(file), octets).unwrap();
    }

    /// Hands in a file of the camera for the analyser: its number.
    #[track_caller]
    pub(crate) fn send(&self, file: &str) -> String {
        let request = json!({
            "requestHeader": {"trackingId": file},
            "fileName": file, "destinationAppId": "analyser",
        });
        let answer = self.at("camera").post("/v1/links", &request);
        assert!(matches!(answer.status, 200 | 202), "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// How it ended.
    pub(crate) fn ended(&self, id: &str) -> Value {
        let path = format!("/v1/links/{id}?waitSeconds=60");
        self.at("camera").get(&path).body
    }

    /// What has arrived at the analyser, but for what is the service's own.
    pub(crate) fn arrived(&self) -> Vec<String> {
        names(&self.path("apps/analyser/inbox"))
    }

    /// What is left of what the camera sends.
    pub(crate) fn left(&self) -> Vec<String> {
        names(&self.path("apps/camera/outbox"))
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort_unstable();
    names
}

/// A service that runs.
pub(crate) struct Service {
    pub(crate) process: ChildGuard,
    pub(crate) url: String,
}

impl Service {
    /// A process, once it is ready.
    pub(crate) fn of(process: ChildGuard) -> Service {
        let line = process.wait_for_line("metrics (/metrics) at ", PATIENCE);
        let url = line.rsplit(' ').next().unwrap();
        Service {
            url: url.trim_end_matches('/').to_owned(),
            process,
        }
    }

    /// GET by TCP, with a token or without.
    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .new_agent();
        let mut request = agent.get(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut answer = request.call().unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), body)
    }

    /// POST by TCP.
    pub(crate) fn post(&self, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .new_agent();
        let mut request = agent.post(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut answer = request.send(body.to_string()).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        let body = serde_json::from_str(&body).unwrap_or(Value::Null);
        (answer.status().as_u16(), body)
    }

    /// What a query of GraphQL gives.
    #[track_caller]
    pub(crate) fn graphql(&self, query: &str) -> Value {
        let (status, body) = self.post("/graphql", None, &json!({"query": query}));
        assert_eq!(status, 200, "{query}: {body}");
        assert!(body["errors"].is_null(), "{query}: {body}");
        body["data"].clone()
    }

    pub(crate) fn stop(mut self) {
        self.process.signal("TERM");
        assert!(self.process.wait_for_exit(PATIENCE).success());
    }
}

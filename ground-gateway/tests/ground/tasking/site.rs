//! A ground that serves the API, a satellite, and customers.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::spacecraft::Spacecraft;
use crate::rig::{Child, PATIENCE, Rig, Service, wait_until};

/// Of windows here, in seconds.
pub(crate) const PRE_BUFFER_S: i64 = 2;

/// What a request came to.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn id(&self) -> String {
        let id = self.body["data"]["id"].as_str();
        id.unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}

pub(crate) struct Site {
    pub(crate) rig: Rig,
    pub(crate) spacecraft: Arc<Spacecraft>,
    pub(crate) service: Service,
    pub(crate) port: u16,
}

pub(crate) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

impl Site {
    pub(crate) fn new() -> Site {
        Self::with("")
    }

    /// With these lines under `[tasking]`.
    pub(crate) fn with(more: &str) -> Site {
        Self::made("127.0.0.1", |_| more.to_owned(), None)
    }

    /// At that address, with lines that name files in the folder of the site.
    pub(crate) fn with_files(listen: &str, more: impl Fn(&Path) -> String) -> Site {
        Self::made(listen, more, None)
    }

    /// With FM2 at the other end of a link of its own.
    pub(crate) fn with_second_link(other: &Rig) -> Site {
        Self::made("127.0.0.1", |_| String::new(), Some(other))
    }

    fn made(listen: &str, more: impl Fn(&Path) -> String, other: Option<&Rig>) -> Site {
        let rig = Rig::with_satellite();
        let more = more(rig.config.parent().unwrap());
        let spacecraft = Spacecraft::new(rig.file("spacecraft.json"), PRE_BUFFER_S);
        let spacecraft = Arc::new(spacecraft);
        let answering = Arc::clone(&spacecraft);
        let service = Service::start(move |body| {
            let answer = answering.answer(body.as_bytes(), now_s());
            String::from_utf8(answer).unwrap()
        });
        let port = free_tcp_port();
        rig.configure(&format!(
            "[link.files]\nroot = '{root}'\njournal = '{root}.redb'\n\
             [tasking]\nlisten = '{listen}:{port}'\ndirectory = '{directory}'\nlead-time-s = 0\n\
             {more}\n\
             [[tasking.window-types]]\nname = 'PAYLOAD_CAM'\npre-buffer-s = {PRE_BUFFER_S}\n\
             post-buffer-s = 1\n\
             [[tasking.satellites]]\nid = 'FM1'\nnorad-id = 51099\nlink = 'uhf'\n\
             graphql-ports = [{service}]\n\
             [[tasking.satellites.payloads]]\nname = 'CAM'\ntopic = 'cam'\n\
             service-port = {service}\n\
             [[tasking.satellites]]\nid = 'FM2'\nlink = '{second}'\n\
             [[tasking.satellites.payloads]]\nname = 'CAM'\nservice-port = {service}\n",
            root = rig.file("files").display(),
            directory = rig.file("tasking").display(),
            service = service.port,
            second = other.map_or("uhf", |_| "s-band"),
        ));
        if let Some(other) = other {
            rig.add_link("s-band", other);
        }
        Site {
            rig,
            spacecraft,
            service,
            port,
        }
    }

    pub(crate) fn start(&self) -> Child {
        let serving = self.rig.start(&["-l", "info", "serve"]);
        serving.wait_for_stderr("the tasking API is at");
        serving
    }

    /// A token of that name, which `ground token add` prints.
    #[track_caller]
    pub(crate) fn token(&self, name: &str, more: &[&str]) -> String {
        let arguments = [&["token", "add", name], more].concat();
        let (code, stdout, stderr) = self.rig.run(&arguments);
        assert_eq!(code, 0, "{stderr}");
        stdout
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Reply {
        let request = agent().get(self.url(path));
        reply(request.header("Authorization", bearer(token)).call())
    }

    pub(crate) fn delete(&self, token: &str, path: &str) -> Reply {
        let request = agent().delete(self.url(path));
        reply(request.header("Authorization", bearer(token)).call())
    }

    pub(crate) fn post(&self, token: &str, path: &str, body: &Value) -> Reply {
        self.post_with(
            token,
            path,
            &[("Content-Type", "application/json")],
            body.to_string(),
        )
    }

    pub(crate) fn post_with(
        &self,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Reply {
        let mut request = agent()
            .post(self.url(path))
            .header("Authorization", bearer(token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        reply(request.send(body.into()))
    }

    /// A file, as `curl --form file=@…` sends it.
    pub(crate) fn upload(&self, token: &str, query: &str, octets: &[u8]) -> Reply {
        let head = "--x-boundary\r\nContent-Disposition: form-data; name=\"file\"; \
                    filename=\"a.py\"\r\nContent-Type: application/octet-stream\r\n\r\n";
        let body = [head.as_bytes(), octets, b"\r\n--x-boundary--\r\n"].concat();
        let kind = ("Content-Type", "multipart/form-data; boundary=x-boundary");
        self.post_with(token, &format!("/tasking/upload?{query}"), &[kind], body)
    }

    /// A window of so many seconds that starts then.
    pub(crate) fn order(&self, token: &str, start_s: i64, duration_s: i64) -> Reply {
        self.post(token, "/tasking/window", &window(start_s, duration_s))
    }

    /// How that window stands.
    pub(crate) fn window(&self, token: &str, id: &str) -> Value {
        let listed = self.get(token, "/tasking/windows").body;
        let windows = listed["data"].as_array().unwrap();
        let found = windows.iter().find(|window| window["id"] == id);
        found.unwrap_or_else(|| panic!("{listed}")).clone()
    }

    #[track_caller]
    pub(crate) fn wait_for_state(&self, token: &str, id: &str, state: &str) {
        wait_until(state, || self.window(token, id)["state"] == state);
    }
}

pub(crate) fn window(start_s: i64, duration_s: i64) -> Value {
    json!({
        "type": "PAYLOAD_CAM", "satellite_id": "FM1", "start": start_s, "duration": duration_s,
        "parameters": {"filename": "picture.raw"},
    })
}

fn bearer(token: &str) -> String {
    match token {
        "" => String::new(),
        token => format!("Bearer {token}"),
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE));
    config.build().into()
}

fn reply(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Reply {
    let mut response = response.unwrap();
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let text = response.body_mut().read_to_string().unwrap();
    Reply {
        status: response.status().as_u16(),
        headers,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
    }
}

fn free_tcp_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

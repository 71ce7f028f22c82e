//! From the order of a customer, by HTTP, to the picture on the ground: the ground's tasking, the
//! link service with the agent, the payload controller, and a payload in Python that knows none of
//! them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::free_tcp_port;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::site::Site;
use crate::windows::{install, start_agent_of};

/// A customer with a token.
struct Customer {
    port: u16,
    token: String,
}

impl Customer {
    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn get(&self, path: &str) -> Value {
        let request = ureq::get(self.url(path));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        read(request.call())
    }

    fn post(&self, path: &str, kind: &str, body: String) -> Value {
        let request = ureq::post(self.url(path));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        read(request.header("Content-Type", kind).send(body))
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    let text = answer.unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// The ground takes orders at `port`; windows and uploads go by the link of the link service.
fn configure(site: &Site, port: u16, agent: u16) {
    let at = site.path("").display().to_string();
    let at = at.trim_end_matches('/');
    site.add(&format!(
        "[[payload-controller.signalled]]\nname = 'camera-spire'\nversion = 1\ndevice = 134\n\
         pre-buffer-s = 2\npost-buffer-s = 0\nexecutable = '{at}/payload/payload_exec'\n\
         signaling-dir = '{at}/signaling'\n\
         uploads = {{ agent = 'http://127.0.0.1:{agent}', topic = 'camera_up' }}\n\
         [[link-service.apps]]\nid = 'oort'\n\
         [[link-service.policy]]\nfrom = 'ground'\nto = 'oort'\n\
         [[link-service.policy]]\nfrom = 'oort'\nto = 'ground'\n"
    ));
    let file = site.path("ground.toml");
    let more = format!(
        "[delivery]\ndirectory = '{at}/out'\n\
         [tasking]\nlisten = '127.0.0.1:{port}'\ndirectory = '{at}/tasking'\nlead-time-s = 0\n\
         [[tasking.window-types]]\nname = 'PAYLOAD_CAMERA'\npre-buffer-s = 2\n\
         post-buffer-s = 0\n\
         [[tasking.satellites]]\nid = 'FM1'\nlink = 'files'\n\
         [[tasking.satellites.payloads]]\nname = 'CAMERA'\ntopic = 'camera_up'\n\
         signalled = 'camera-spire'\nservice-port = {}\n",
        site.port
    );
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, text + &more).unwrap();
}

fn start_ground(site: &Site) -> ChildGuard {
    let ground = site.start_ground();
    ground.wait_for_line("the tasking API is at", PATIENCE);
    ground
}

/// Files beneath a folder that end so.
fn found(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.to_string_lossy().ends_with(ending) => all.push(path),
                false => {}
            }
        }
    }
    all
}

#[test]
fn what_a_customer_orders_by_http_is_a_picture_on_the_ground() {
    let site = Site::new();
    let (port, agent) = (free_tcp_port(), free_tcp_port());
    install(&site, agent);
    configure(&site, port, agent);
    let _link = site.start_link();
    let _agent = start_agent_of(&site, agent, &["--link", "apps/oort/link.sock"]);
    let _controller = site.start();
    let ground = start_ground(&site);
    let mut add = Command::new(binary("ground"));
    add.arg("-c").arg(site.path("ground.toml"));
    let added = add
        .args(["token", "add", "john", "--role", "tasker"])
        .output();
    let token = String::from_utf8(added.unwrap().stdout).unwrap();
    let customer = Customer {
        port,
        token: token.trim().to_owned(),
    };

    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p\"\r\n\r\n\
                hello world\r\n--b--\r\n";
    let upload = customer.post(
        "/tasking/upload?satellite_id=FM1&payload=CAMERA&executable=true\
         &destination_path=/signaling/inbox/john/plan.txt",
        "multipart/form-data; boundary=b",
        form.to_owned(),
    );
    assert!(upload["data"]["id"].is_string(), "{upload}");
    eventually(PATIENCE, || {
        let uploads = customer.get("/tasking/uploads");
        (uploads["data"][0]["status"] == "UPLOADED").then_some(())
    });

    let window = json!({
        "type": "PAYLOAD_CAMERA", "satellite_id": "FM1", "start": now_s() + 15, "duration": 6,
        "parameters": {"side": 32},
    });
    let json = "application/json";
    let ordered = customer.post("/tasking/window", json, window.to_string());
    let id = ordered["data"]["id"].as_str().unwrap().to_owned();
    let told = || customer.get("/tasking/windows")["data"][0].clone();
    eventually(PATIENCE, || (told()["state"] == "SYNCED").then_some(()));
    // As a crash would end it: what is ordered goes on without it.
    drop(ground);
    let _ground = start_ground(&site);
    let window = eventually(PATIENCE, || {
        let told = told();
        assert_ne!(told["state"], "FAILED", "{told}");
        (told["state"] == "EXECUTED").then_some(told)
    });
    let result = &window["result"];
    assert_eq!(
        result["configure"]["output"], "a picture of 32 by 32\n",
        "{window}"
    );
    assert_eq!(result["execution"]["exitCode"], 0, "{window}");

    let inbox = site.path("signaling/inbox/john/plan.txt");
    assert_eq!(fs::read(&inbox).unwrap(), b"hello world");
    let picture = eventually(PATIENCE, || found(&site.path("out"), ".pgm").pop());
    assert!(fs::read(&picture).unwrap().starts_with(b"P5 32 32 255\n"));
    let meta = fs::read(format!("{}.meta.json", picture.display())).unwrap();
    let meta: Value = serde_json::from_slice(&meta).unwrap();
    assert_eq!(meta["tags"]["window"], id);
    assert_eq!(found(&site.path("out"), ".pgm").len(), 1);
}

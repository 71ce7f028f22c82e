//! A customer hands a file to the tasking API, and a payload finds it at the agent on board; and
//! the API is what its document says.

use std::fs;
use std::path::Path;
use std::process::Command;

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::ports::free_tcp_port;
use heliograph_tests::referee::{self, TASKING_HOOKS};
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::site::{Site, noise};

/// Of each path, in each phase.
const EXAMPLES: &str = "25";
/// Each run asks the same.
const SEED: &str = "7";

/// A ground that serves tasking at that port, and lets nothing be asked but the link service.
fn site(port: u16, loss: u32) -> Site {
    let site = Site::new(loss, |folder: &Path| {
        let folder = folder.display();
        format!(
            "directory = \"{folder}/out\"\n\
             [tasking]\nlisten = \"127.0.0.1:{port}\"\ndirectory = \"{folder}/tasking\"\n\
             [[tasking.window-types]]\nname = \"PAYLOAD_CAM\"\npre-buffer-s = 10\n\
             post-buffer-s = 5\n\
             [[tasking.satellites]]\nid = \"FM1\"\nlink = \"uhf\"\n\
             [[tasking.satellites.payloads]]\nname = \"CAM\"\ntopic = \"models\"\n"
        )
    });
    let link = "id = \"FM1\"\n";
    let ports = format!("{link}graphql-ports = [{}]\n", site.operator_port);
    let config = site.path("ground.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(config, text.replace(link, &ports)).unwrap();
    site
}

fn start(site: &Site) -> ChildGuard {
    let ground = site.start_ground();
    ground.wait_for_line("the tasking API is at", PATIENCE);
    ground
}

fn token(site: &Site, role: &str) -> String {
    let said = site.run(&["token", "add", "john", "--role", role]).unwrap();
    said.lines().next().unwrap().to_owned()
}

struct Customer {
    port: u16,
    token: String,
}

impl Customer {
    fn upload(&self, query: &str, octets: &[u8]) -> Value {
        let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"m\"\r\n\r\n";
        let body = [head.as_bytes(), octets, b"\r\n--b--\r\n"].concat();
        let url = format!("http://127.0.0.1:{}/tasking/upload?{query}", self.port);
        let request = ureq::post(&url)
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", "multipart/form-data; boundary=b");
        let mut response = request.send(body).unwrap();
        serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
    }

    fn uploads(&self) -> Value {
        let url = format!("http://127.0.0.1:{}/tasking/uploads", self.port);
        let request = ureq::get(&url).header("Authorization", format!("Bearer {}", self.token));
        let mut response = request.call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["data"].take()
    }
}

#[test]
fn an_upload_of_the_api_is_at_the_agent_by_its_id_though_the_ground_is_killed_meanwhile() {
    let port = free_tcp_port();
    let site = site(port, 50);
    let _satellite = site.start_satellite();
    let ground = start(&site);
    let token = token(&site, "tasker");
    let customer = Customer { port, token };
    let octets = noise(1, 60_000);
    let query = "satellite_id=FM1&payload=CAM&destination_path=/opt/model.bin&executable=true";
    let answer = customer.upload(query, &octets);
    let id = answer["data"]["id"].as_str().unwrap().to_owned();
    eventually(PATIENCE, || {
        (customer.uploads()[0]["status"] != "PENDING").then_some(())
    });
    // As a crash would end it.
    drop(ground);
    let _ground = start(&site);
    eventually(PATIENCE, || {
        (customer.uploads()[0]["status"] == "UPLOADED").then_some(())
    });
    let found = eventually(PATIENCE, || {
        let query = site.ask("/sdk/v1/query_available_files/models");
        query["files"].get(0).cloned()
    });
    assert_eq!(found["id"], id);
    assert_eq!(found["path"], "model.bin");
    let hints = json!({"dest_path": "/opt/model.bin", "mode": "755"});
    assert_eq!(found["delivery_hints"], hints);
    let to = site.path("payload/model.bin");
    site.tell("/sdk/v1/retrieve_file", &json!({"id": id, "save_path": to}));
    assert_eq!(fs::read(to).unwrap(), octets);
    // Once.
    let rest = site.ask("/sdk/v1/query_available_files/models");
    assert_eq!(rest["files"], json!([]));
}

#[test]
fn schemathesis_finds_no_answer_of_the_tasking_api_that_is_not_as_the_document_says() {
    let port = free_tcp_port();
    let site = site(port, 0);
    let _link = site.start_link();
    let _ground = start(&site);
    let token = token(&site, "operator");
    let python = referee::python();
    let output = Command::new(python.with_file_name("st"))
        .args(["run", &format!("http://127.0.0.1:{port}/openapi.json")])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args([
            "--checks",
            "all",
            "--max-examples",
            EXAMPLES,
            "--seed",
            SEED,
        ])
        .args(["--generation-database", "none", "--no-color"])
        .env("PYTHONPATH", referee::scripts())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", TASKING_HOOKS)
        .env("TASKING_PORT", site.operator_port.to_string())
        // What it remembers is of this run.
        .current_dir(site.path(""))
        .output()
        .expect("schemathesis");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // It did ask: windows and uploads were taken, and queries answered.
    let log = site.run(&["audit", "--json"]).unwrap();
    let log: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for action in [
        "POST /tasking/window",
        "POST /tasking/upload",
        "POST /graphql/{satellite}/{port}",
    ] {
        let is_done = |entry: &&Value| entry["action"] == action && entry["status"] == 200;
        let done = log.iter().filter(is_done).count();
        assert!(done >= 5, "{done} times {action}:\n{said}");
    }
    assert!(said.contains("10 selected / 10 total"), "{said}");
}

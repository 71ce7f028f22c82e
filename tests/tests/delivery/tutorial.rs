//! The customer's tutorial, whole: an upload and a window by HTTP, two passes of a lossy radio,
//! `payload_exec` in Python, and the picture in the bucket. Ground and spacecraft are killed on
//! the way.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::{free_tcp_port, free_udp_port};
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::air::{Air, Ports};
use crate::buckets::Buckets;
use crate::site::{Site, Wiring};

const BUCKET: &str = "s3://pictures";
/// From the order to the start: everything goes up meanwhile, and is killed and started again.
const AHEAD_S: u64 = 25;
const DURATION_S: u64 = 4;
const SIDE: usize = 48;

/// The site, with the ports of what the delivery of files has no need of.
struct Tutorial {
    site: Site,
    air: Air,
    api: u16,
    token: RefCell<String>,
}

impl Tutorial {
    fn new(buckets: &Buckets) -> Self {
        let wiring = wiring();
        let (api, controller) = (free_tcp_port(), free_tcp_port());
        let site = Site::wired(&wiring, |folder| {
            let folder = folder.display();
            format!(
                "{}[tasking]\nlisten = \"127.0.0.1:{api}\"\ndirectory = \"{folder}/tasking\"\n\
                 lead-time-s = 1\n\
                 [[tasking.window-types]]\nname = \"PAYLOAD_SDR\"\npre-buffer-s = 3\n\
                 post-buffer-s = 1\nduration-min-s = 1\n\
                 [[tasking.satellites]]\nid = \"FM1\"\nnorad-id = 51099\nlink = \"uhf\"\n\
                 [[tasking.satellites.payloads]]\nname = \"SDR\"\ntopic = \"sdr-up\"\n\
                 service-port = {controller}\nsignalled = \"sdr\"\n",
                buckets.line(BUCKET)
            )
        });
        let tutorial = Tutorial {
            air: Air::start(wiring.ports),
            site,
            api,
            token: RefCell::default(),
        };
        tutorial.install_payload();
        tutorial.configure_controller(controller);
        tutorial
    }

    fn install_payload(&self) {
        let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python");
        let payload = self.site.path("exec");
        let package = payload.join("heliograph_oort");
        fs::create_dir_all(&package).unwrap();
        fs::create_dir_all(self.site.path("signaling/window_configs")).unwrap();
        let program = payload.join("payload_exec");
        fs::copy(clients.join("payload_exec.py"), &program).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        for entry in fs::read_dir(clients.join("heliograph_oort")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, package.join(path.file_name().unwrap())).unwrap();
            }
        }
        let settings = json!({
            "signaling_dir": self.site.path("signaling"), "data_dir": self.site.path("data"),
            "agent": format!("http://127.0.0.1:{}", self.site.agent_port), "topic": "pictures",
        });
        fs::write(payload.join("payload_exec.json"), settings.to_string()).unwrap();
    }

    fn configure_controller(&self, port: u16) {
        let at = self.site.path("");
        let at = at.to_str().unwrap().trim_end_matches('/');
        let text = format!(
            "[payload-controller]\njournal = '{at}/payloads.redb'\n\
             windows = '{at}/windows'\napps-root = '{at}/hosted'\n\
             [payload-controller.addr]\nport = {port}\n\
             [payload-controller.radio]\nkind = 'udp'\nbind = '127.0.0.1:{}'\n\
             peer = '127.0.0.1:{}'\n\
             [payload-controller.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{}]\nground-port = 9\nstate-dir = '{at}/commands'\n\
             [[payload-controller.signalled]]\nname = 'sdr'\nversion = 1\n\
             pre-buffer-s = 3\npost-buffer-s = 1\nexecutable = '{at}/exec/payload_exec'\n\
             signaling-dir = '{at}/signaling'\n\
             uploads = {{ agent = 'http://127.0.0.1:{}', topic = 'sdr-up' }}\n",
            free_udp_port(),
            free_udp_port(),
            free_udp_port(),
            self.site.agent_port,
        );
        fs::write(self.site.path("controller.toml"), text).unwrap();
    }

    fn start_controller(&self) -> ChildGuard {
        let mut command = Command::new(binary("payload-controller"));
        command.env_remove("RUST_LOG").args(["-l", "info", "-c"]);
        let controller = ChildGuard::spawn(command.arg(self.site.path("controller.toml")));
        controller.wait_for_line("GraphQL", PATIENCE);
        controller
    }

    fn start_ground(&self) -> ChildGuard {
        let ground = self.site.start_ground();
        ground.wait_for_line("the tasking API is at", PATIENCE);
        ground
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/tasking/{path}", self.api)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.borrow())
    }

    fn get(&self, path: &str) -> Value {
        let get = ureq::get(self.url(path)).header("Authorization", self.bearer());
        let mut response = get.call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["data"].take()
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> Value {
        let post = ureq::post(self.url(path)).header("Authorization", self.bearer());
        let mut response = post.header("Content-Type", kind).send(body).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["data"].take()
    }

    /// Waits until an upload and a window stand so.
    #[track_caller]
    fn stand(&self, upload: &str, window: &str) {
        eventually(PATIENCE, || {
            let (uploads, windows) = (self.get("uploads"), self.get("windows?satellite_id=FM1"));
            let (of_upload, of_window) = (&uploads[0]["status"], &windows[0]["state"]);
            assert!(window == "FAILED" || of_window != "FAILED", "{windows}");
            (of_upload == upload && of_window == window).then_some(())
        });
    }
}

fn wiring() -> Wiring {
    let times = "ack-timeout-ms = 1000, nak-timeout-ms = 1000, inactivity-timeout-ms = 2000";
    Wiring {
        ports: Ports {
            satellite: free_udp_port(),
            of_satellite: free_udp_port(),
            ground: free_udp_port(),
            of_ground: free_udp_port(),
        },
        n1: 256,
        satellite_channel: "channel = { seed = 10, frame-loss = 0.05 }".to_owned(),
        ground_channel: String::new(),
        satellite_comms: "bit-rate-bps = 1_000_000\ncontact-hold-ms = 1000".to_owned(),
        ground_comms: "contact-hold-ms = 1000".to_owned(),
        satellite_files: format!("peers = [{{ entity-id = 2, {times} }}]"),
        ground_files: format!("peers = [{{ {times} }}]"),
    }
}

#[test]
fn the_tutorial_from_an_upload_and_a_window_to_the_picture_in_the_bucket() {
    let buckets = Buckets::start(&["pictures"]);
    let tutorial = Tutorial::new(&buckets);
    let site = &tutorial.site;
    let satellite = site.start_satellite();
    let controller = tutorial.start_controller();
    let ground = tutorial.start_ground();
    let said = site.run(&["token", "add", "john", "--role", "tasker"]);
    *tutorial.token.borrow_mut() = said.unwrap().lines().next().unwrap().to_owned();

    // Out of sight, both are ordered.
    let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"plan.txt\"\r\n\r\n\
                look north\r\n--b--\r\n";
    let query = "upload?satellite_id=FM1&payload=SDR&executable=false\
                 &destination_path=/signaling/inbox/plan.txt";
    let kind = "multipart/form-data; boundary=b";
    let upload = tutorial.post(query, kind, file.as_bytes());
    assert!(upload["id"].is_string(), "{upload}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let order = json!({
        "type": "PAYLOAD_SDR", "satellite_id": "FM1", "start": now.as_secs() + AHEAD_S,
        "duration": DURATION_S, "parameters": { "side": SIDE },
    });
    let window = tutorial.post("window", "application/json", order.to_string().as_bytes());
    let id = window["id"].as_str().unwrap().to_owned();
    tutorial.stand("PENDING", "PENDING_SYNC");

    // A pass, in which both go up; the ground is killed in it.
    tutorial.air.aos();
    eventually(PATIENCE, || {
        (tutorial.get("uploads")[0]["status"] != "PENDING").then_some(())
    });
    ground.signal("KILL");
    drop(ground);
    let ground = tutorial.start_ground();
    tutorial.stand("UPLOADED", "SYNCED");
    tutorial.air.los();

    // Out of sight the spacecraft is killed, and then the window's time comes.
    controller.signal("KILL");
    satellite.iter().for_each(|process| process.signal("KILL"));
    drop((controller, satellite));
    let _satellite = site.start_satellite();
    let _controller = tutorial.start_controller();
    let items = eventually(PATIENCE, || {
        let items = site.ask("/sdk/v2/files")["files"].clone();
        items
            .as_array()
            .is_some_and(|items| !items.is_empty())
            .then_some(items)
    });
    assert_eq!(items.as_array().unwrap().len(), 1, "{items}");
    let plan = site.path("signaling/inbox/john/plan.txt");
    assert_eq!(fs::read_to_string(plan).unwrap(), "look north");
    assert_eq!(tutorial.get("windows")[0]["state"], "SYNCED");

    // The next pass, in which the picture comes down, and what became of the window.
    tutorial.air.aos();
    tutorial.stand("UPLOADED", "EXECUTED");
    let found = eventually(PATIENCE, || {
        let mut found = buckets.list(BUCKET);
        found.retain(|object| object.says["topic"] == "pictures");
        found.pop()
    });
    assert!(
        found
            .octets
            .starts_with(format!("P5 {SIDE} {SIDE} 255\n").as_bytes())
    );
    assert_eq!(found.says["window"], id);
    let told = tutorial.get("windows");
    assert_eq!(told[0]["result"]["configure"]["exitCode"], 0, "{told}");
    assert_eq!(told[0]["result"]["execution"]["exitCode"], 0, "{told}");
    drop(ground);
    let log = site.run(&["audit"]).unwrap();
    assert!(log.contains("john"), "{log}");
}

//! A satellite with the payload controller, the link service and a payload, and a ground
//! station with a link to each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::payload::{Payload, Peer, generate};
use heliograph_tests::ports::{free_tcp_port, free_udp_port};
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::PATIENCE;

pub(crate) struct Site {
    folder: TempDir,
    /// Of the controller's GraphQL.
    pub(crate) port: u16,
    /// Of the controller's radio, and of the ground's.
    pub(crate) radio: [u16; 2],
}

/// The code that is generated for Python, once for all tests.
fn generated() -> &'static Path {
    static GENERATED: OnceLock<TempDir> = OnceLock::new();
    let folder = GENERATED.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        generate(folder.path());
        folder
    });
    folder.path()
}

fn radio(table: &str, [own, its]: [u16; 2], framing: &str) -> String {
    format!(
        "[{table}]\nkind = 'udp'\nbind = '127.0.0.1:{own}'\npeer = '127.0.0.1:{its}'\n{framing}\n"
    )
}

const SATELLITE: &str = "framing = 'kiss-ax25'\nax25 = { callsign = 'HELIO-1', peer = 'GROUND' }";
const GROUND: &str = "framing = 'kiss-ax25'\nax25 = { callsign = 'GROUND', peer = 'HELIO-1' }";

impl Site {
    pub(crate) fn new() -> Site {
        Site::framed(SATELLITE)
    }

    /// With that framing of the controller's radio.
    pub(crate) fn framed(framing: &str) -> Site {
        let site = Site {
            folder: TempDir::new().unwrap(),
            port: free_tcp_port(),
            radio: [free_udp_port(), free_udp_port()],
        };
        let files = [free_udp_port(), free_udp_port()];
        let there = |[own, its]: [u16; 2]| [its, own];
        let at = site.folder.path().display();
        let text = format!(
            "[payload-controller]\n\
             journal = '{at}/payloads.redb'\napps-root = '{at}/payloads'\n\
             [payload-controller.addr]\nport = {port}\n\
             {of_controller}\
             [payload-controller.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{down}]\nstate-dir = '{at}/commands'\n\
             [payload-controller.grpc]\naddr = '127.0.0.1:{grpc}'\n\
             credentials = '{at}/credentials'\n\
             [payload-controller.link]\nsocket = '{at}/apps/payloads/link.sock'\nwatch-s = 1\n\
             [[payload-controller.devices]]\nid = 134\n\
             [[payload-controller.apps]]\nname = 'camera'\nnumber = 4\n\
             shutdown = {{ exit-allowance-s = 1 }}\n\
             health = {{ every-ms = 1000, deadline-ms = 900 }}\n\
             connection = {{ callbacks = '127.0.0.1:{callbacks}' }}\n\
             [link-service]\napps-root = '{at}/apps'\njournal = '{at}/link.redb'\n\
             free-bytes-min = 0\nreserved-critical-bytes = 0\n\
             [[link-service.apps]]\nid = 'payloads'\n\
             [[link-service.policy]]\nfrom = 'payloads'\nto = 'ground'\n\
             [link-service.addr]\nport = 0\n\
             {of_link}\
             [link-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{link_down}]\n\
             [link-service.files]\nroot = '{at}/files'\njournal = '{at}/files.redb'\n",
            port = site.port,
            of_controller = radio("payload-controller.radio", site.radio, framing),
            down = free_udp_port(),
            grpc = free_tcp_port(),
            callbacks = free_tcp_port(),
            of_link = radio("link-service.radio", files, SATELLITE),
            link_down = free_udp_port(),
        );
        fs::write(site.path("satellite.toml"), text).unwrap();
        let text = format!(
            "[[link]]\nname = 'payloads'\nsatellite = 'helio'\n{}\
             [[link]]\nname = 'files'\nsatellite = 'helio'\n{}\
             [link.files]\nroot = '{at}/ground'\njournal = '{at}/ground.redb'\n",
            radio("link.radio", there(site.radio), GROUND),
            radio("link.radio", there(files), GROUND),
        );
        fs::write(site.path("ground.toml"), text).unwrap();
        site.provision("camera");
        site
    }

    /// Makes the files of that app.
    pub(crate) fn provision(&self, app: &str) {
        let mut provision = self.controller();
        let provision = provision.args(["provision", app, "--config"]);
        let provisioned = provision.arg(self.path("satellite.toml")).output().unwrap();
        assert!(provisioned.status.success(), "{provisioned:?}");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn controller(&self) -> Command {
        let mut command = Command::new(binary("payload-controller"));
        command.env_remove("RUST_LOG");
        command
    }

    pub(crate) fn start(&self) -> ChildGuard {
        let mut command = self.controller();
        command.args(["run", "-c"]).arg(self.path("satellite.toml"));
        let controller = ChildGuard::spawn(&mut command);
        controller.wait_for_line("GraphQL", PATIENCE);
        controller
    }

    pub(crate) fn start_link(&self) -> ChildGuard {
        let mut command = Command::new(binary("link-service"));
        command.env_remove("RUST_LOG");
        command.args(["run", "-c"]).arg(self.path("satellite.toml"));
        let link = ChildGuard::spawn(&mut command);
        link.wait_for_line("GraphQL", PATIENCE);
        link
    }

    /// The configuration of the satellite says that, too.
    pub(crate) fn configure(&self, more: &str) {
        let file = self.path("satellite.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text + more).unwrap();
    }

    /// The payload, which has registered.
    pub(crate) fn start_camera(&self) -> Peer {
        self.start_as(self.camera())
    }

    pub(crate) fn camera(&self) -> Payload {
        Payload::new(generated(), &self.path("credentials/apps/camera"))
    }

    pub(crate) fn start_as(&self, payload: Payload) -> Peer {
        let mut camera = payload.start();
        let version = json!({"major": 1, "minor": 1, "patch": 1});
        let fields = json!({"health_check_fail_action": 1, "sdk_version": version});
        assert_eq!(camera.call("PC_register", fields), 0);
        camera.called("PA_ProcessResponseRegister");
        camera
    }

    fn ground(&self, link: &str) -> Command {
        let mut command = Command::new(binary("ground"));
        command.arg("-c").arg(self.path("ground.toml"));
        command.args(["--link", link]);
        command
            .env_remove("RUST_LOG")
            .env("HELIOGRAPH_RUNTIME_DIR", self.path("run"))
            .env("XDG_STATE_HOME", self.path("state"));
        command
    }

    /// The ground takes files.
    pub(crate) fn start_ground(&self) -> ChildGuard {
        ChildGuard::spawn(self.ground("files").arg("serve"))
    }

    /// What the controller answers over the radio.
    #[track_caller]
    pub(crate) fn ground_query(&self, query: &str) -> Value {
        let mut command = self.ground("payloads");
        let port = self.port.to_string();
        command.args(["query", "--timeout", "30s", "--service", &port, query]);
        let ended = command.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        let answer: Value =
            serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// What it answers at its endpoint.
    #[track_caller]
    pub(crate) fn query(&self, query: &str) -> Value {
        let url = format!("http://127.0.0.1:{}/graphql", self.port);
        let request = ureq::post(&url).header("Content-Type", "application/json");
        let mut answer = request.send(json!({"query": query}).to_string()).unwrap();
        let answer = answer.body_mut().read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// The same of a mutation, of which it is the result.
    #[track_caller]
    pub(crate) fn order(&self, mutation: &str) -> Value {
        self.query(&format!("mutation {{ it: {mutation} }}"))["it"].clone()
    }

    #[track_caller]
    pub(crate) fn wait_for_run(&self, run: &Value, state: &str) {
        let query = format!("{{ run(id: {run}) {{ state }} }}");
        eventually(PATIENCE, || {
            (self.query(&query)["run"]["state"] == state).then_some(())
        });
    }

    pub(crate) fn metrics(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        let mut answer = ureq::get(&url).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }
}

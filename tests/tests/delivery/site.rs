//! A satellite with an agent and the link service, and a ground that delivers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use delivery_receipt::{PublicKey, Receipt};
use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::{free_tcp_port, free_udp_port};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::PATIENCE;
use crate::air::Ports;

pub(crate) struct Site {
    folder: TempDir,
    pub(crate) agent_port: u16,
    /// Where the link service answers GraphQL.
    pub(crate) operator_port: u16,
    pub(crate) public: PublicKey,
}

/// How spacecraft and ground are connected: lines of their configurations.
pub(crate) struct Wiring {
    pub(crate) ports: Ports,
    /// Octets of information in a frame.
    pub(crate) n1: u16,
    /// Of the radio of each.
    pub(crate) satellite_channel: String,
    pub(crate) ground_channel: String,
    /// Of the `comms` of each.
    pub(crate) satellite_comms: String,
    pub(crate) ground_comms: String,
    /// Of the file entity of each.
    pub(crate) satellite_files: String,
    pub(crate) ground_files: String,
}

impl Wiring {
    /// One sends to the other, and so many of a thousand frames are lost at each radio.
    fn direct(loss: u32) -> Self {
        let [satellite, ground] = [free_udp_port(), free_udp_port()];
        let channel = format!("channel = {{ frame-loss = 0.{loss:03} }}");
        Wiring {
            ports: Ports {
                satellite,
                of_satellite: ground,
                ground,
                of_ground: satellite,
            },
            n1: 256,
            satellite_channel: channel.clone(),
            ground_channel: channel,
            satellite_comms: "bit-rate-bps = 4_000_000".to_owned(),
            ground_comms: String::new(),
            satellite_files: String::new(),
            ground_files: String::new(),
        }
    }
}

/// Octets that do not shrink, of each number others.
pub(crate) fn noise(number: u64, bytes: usize) -> Vec<u8> {
    let mut octets = vec![0; bytes];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&number.to_be_bytes());
    hasher.finalize_xof().fill(&mut octets);
    octets
}

impl Site {
    /// With so many of a thousand frames lost each way, and `[delivery]` as it says.
    pub(crate) fn new(loss: u32, delivery: impl Fn(&Path) -> String) -> Self {
        Self::wired(&Wiring::direct(loss), delivery)
    }

    /// Connected like that, and with `[delivery]` as it says.
    pub(crate) fn wired(wiring: &Wiring, delivery: impl Fn(&Path) -> String) -> Self {
        let folder = TempDir::new().unwrap();
        let key = folder.path().join("receipts.key");
        let mut made = Command::new(binary("ground"));
        let made = made.arg("delivery-key").arg(&key).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        fs::write(folder.path().join("receipts.pub"), &made.stdout).unwrap();
        let public = String::from_utf8(made.stdout).unwrap();
        let site = Site {
            public: public.trim().parse().unwrap(),
            agent_port: free_tcp_port(),
            operator_port: free_tcp_port(),
            folder,
        };
        let Ports {
            satellite,
            of_satellite,
            ground,
            of_ground,
        } = wiring.ports;
        let text = format!(
            "[link-service]\napps-root = \"{apps}\"\njournal = \"{journal}\"\n\
             free-bytes-min = 0\nreserved-critical-bytes = 0\n\
             [[link-service.apps]]\nid = \"oort\"\n\
             [[link-service.policy]]\nfrom = \"ground\"\nto = \"oort\"\n\
             [[link-service.policy]]\nfrom = \"oort\"\nto = \"ground\"\n\
             [link-service.addr]\nport = {port}\n\
             [link-service.radio]\nkind = \"udp\"\nbind = \"127.0.0.1:{satellite}\"\n\
             peer = \"127.0.0.1:{of_satellite}\"\nframing = \"kiss-ax25\"\nread-timeout-ms = 100\n\
             ax25 = {{ callsign = \"HELIO-1\", peer = \"GROUND\", n1 = {n1} }}\n{channel}\n\
             [link-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{downlink}]\n{comms}\n\
             [link-service.files]\nroot = \"{files}\"\njournal = \"{files}.redb\"\n{more}\n",
            n1 = wiring.n1,
            channel = wiring.satellite_channel,
            comms = wiring.satellite_comms,
            more = wiring.satellite_files,
            apps = site.path("apps").display(),
            journal = site.path("link.redb").display(),
            files = site.path("files").display(),
            port = site.operator_port,
            downlink = free_udp_port(),
        );
        fs::write(site.path("satellite.toml"), text).unwrap();
        let text = format!(
            "[[link]]\nname = \"uhf\"\nsatellite = \"helio\"\n\
             [link.radio]\nkind = \"udp\"\nbind = \"127.0.0.1:{ground}\"\n\
             peer = \"127.0.0.1:{of_ground}\"\nframing = \"kiss-ax25\"\n\
             ax25 = {{ callsign = \"GROUND\", peer = \"HELIO-1\", n1 = {n1} }}\n{channel}\n\
             [link.comms]\n{comms}\n\
             [link.files]\nroot = \"{root}\"\njournal = \"{root}.redb\"\n{more}\n\
             [delivery]\nreceipt-key-file = \"{key}\"\n{delivery}",
            n1 = wiring.n1,
            channel = wiring.ground_channel,
            comms = wiring.ground_comms,
            root = site.path("ground").display(),
            more = wiring.ground_files,
            key = key.display(),
            delivery = delivery(site.folder.path()),
        );
        fs::write(site.path("ground.toml"), text).unwrap();
        fs::create_dir(site.path("payload")).unwrap();
        fs::create_dir(site.path("work")).unwrap();
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The link service, and the agent.
    pub(crate) fn start_satellite(&self) -> [ChildGuard; 2] {
        [self.start_link(), self.start_agent("0M")]
    }

    pub(crate) fn start_link(&self) -> ChildGuard {
        let mut command = Command::new(binary("link-service"));
        command.env_remove("RUST_LOG");
        let link = ChildGuard::spawn(command.args(["run", "-c"]).arg(self.path("satellite.toml")));
        link.wait_for_line("GraphQL", PATIENCE);
        link
    }

    /// The agent, which leaves that much of the disk free.
    pub(crate) fn start_agent(&self, floor: &str) -> ChildGuard {
        let mut command = Command::new(binary("oort-agent"));
        command.env_remove("RUST_LOG");
        command.arg("-w").arg(self.path("work"));
        command.args(["-m", floor, "-l", "info", "--out-max", "4"]);
        command.args(["-p", &self.agent_port.to_string(), "--telemetry", "none"]);
        command.arg("--link").arg(self.path("apps/oort/link.sock"));
        command.arg("--receipt-key").arg(self.path("receipts.pub"));
        let agent = ChildGuard::spawn(&mut command);
        heliograph_tests::wait::eventually(PATIENCE, || {
            std::net::TcpStream::connect(("127.0.0.1", self.agent_port)).ok()
        });
        agent
    }

    fn ground(&self) -> Command {
        let mut command = Command::new(binary("ground"));
        command
            .arg("-c")
            .arg(self.path("ground.toml"))
            .env_remove("RUST_LOG")
            .env("HELIOGRAPH_RUNTIME_DIR", self.path("run"))
            .env("XDG_STATE_HOME", self.path("state"));
        command
    }

    pub(crate) fn start_ground(&self) -> ChildGuard {
        ChildGuard::spawn(self.ground().args(["-l", "info", "serve"]))
    }

    /// `ground` with these arguments: what it says on both outputs.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let ended = self.ground().args(arguments).output().unwrap();
        let said = [ended.stdout, ended.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        match ended.status.success() {
            true => Ok(said),
            false => Err(said),
        }
    }

    /// A payload hands a file to the agent: its identifier.
    pub(crate) fn hand_over(&self, name: &str, topic: &str, octets: &[u8]) -> String {
        let options = json!({"reliable": true, "tags": {"token": format!("token-{name}")}});
        self.hand_over_with(name, topic, octets, &options)
    }

    pub(crate) fn hand_over_with(
        &self,
        name: &str,
        topic: &str,
        octets: &[u8],
        options: &Value,
    ) -> String {
        let path = self.path("payload").join(name);
        fs::write(&path, octets).unwrap();
        let body = json!({
            "destination": "ground", "topic": topic, "filepath": path, "options": options,
        });
        let answer = self.tell("/sdk/v1/send_file", &body);
        let id = answer["UUID"].as_str();
        id.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// A mutation of the operator on board.
    #[track_caller]
    pub(crate) fn change(&self, mutation: &str) {
        let query = format!("mutation {{ it: {mutation} {{ success errors }} }}");
        let body = json!({ "query": query });
        let answer = post(self.operator_port, "/graphql", &body);
        assert_eq!(answer["data"]["it"]["success"], true, "{answer}");
    }

    pub(crate) fn tell(&self, path: &str, body: &Value) -> Value {
        post(self.agent_port, path, body)
    }

    /// What the agent answers.
    pub(crate) fn ask(&self, path: &str) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.agent_port);
        let mut response = ureq::get(&url).call().unwrap();
        serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// The receipts that the agent has of items that are delivered, all of them by the ground's
    /// key.
    #[track_caller]
    pub(crate) fn receipts<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i String>,
    ) -> BTreeMap<String, Receipt> {
        let mut receipts = BTreeMap::new();
        for id in ids {
            let status = self.ask(&format!("/sdk/v2/files/{id}"));
            if status["receipt"].is_null() {
                continue;
            }
            assert_eq!(status["state"], "delivered");
            let receipt: Receipt = serde_json::from_value(status["receipt"].clone()).unwrap();
            assert!(self.public.is_of(&receipt), "{receipt:?}");
            assert_eq!(receipt.uuid, *id);
            receipts.insert(id.clone(), receipt);
        }
        receipts
    }
}

fn post(port: u16, path: &str, body: &Value) -> Value {
    let url = format!("http://127.0.0.1:{port}{path}");
    let request = ureq::post(&url).header("Content-Type", "application/json");
    let mut response = request.send(body.to_string()).unwrap();
    serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
}

/// The files beneath a folder, by their names there.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                    all.insert(name.to_owned(), fs::read(&path).unwrap_or_default());
                }
            }
        }
    }
    all
}

//! A file of a payload goes down: payload, controller, link service and the operator's own
//! means, each a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::payload::{Payload, Peer, generate};
use heliograph_tests::ports::{free_tcp_port, free_udp_port};
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// All of it in one folder.
struct Site {
    folder: TempDir,
    /// Of the payload's callbacks.
    callbacks: u16,
}

impl Site {
    fn new() -> Site {
        let site = Site {
            folder: TempDir::new().unwrap(),
            callbacks: free_tcp_port(),
        };
        let (radio, ground) = (free_udp_port(), free_udp_port());
        let (downlink, port) = (free_udp_port(), free_tcp_port());
        let (of_controller, its_ground) = (free_udp_port(), free_udp_port());
        let its_downlink = free_udp_port();
        let callbacks = site.callbacks;
        let config = format!(
            "[link-service]\napps-root = 'link/apps'\njournal = 'link/link.redb'\n\
             free-bytes-min = 0\nreserved-critical-bytes = 0\n\
             [link-service.addr]\nport = 0\n\
             [link-service.radio]\nkind = 'udp'\nbind = '127.0.0.1:{radio}'\n\
             peer = '127.0.0.1:{ground}'\n\
             [link-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{downlink}]\nground-port = {ground}\n\
             [[link-service.apps]]\nid = 'payloads'\n\
             [[link-service.policy]]\nfrom = 'payloads'\nto = 'ground'\n\
             [link-service.staging]\ndirectory = 'staged'\n\
             [payload-controller]\njournal = 'controller.redb'\napps-root = 'apps'\n\
             [payload-controller.addr]\nport = 0\n\
             [payload-controller.radio]\nkind = 'udp'\nbind = '127.0.0.1:{of_controller}'\n\
             peer = '127.0.0.1:{its_ground}'\n\
             [payload-controller.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{its_downlink}]\nground-port = {its_ground}\n\
             [payload-controller.link]\nsocket = 'link/apps/payloads/link.sock'\nwatch-s = 1\n\
             [payload-controller.grpc]\naddr = '127.0.0.1:{port}'\ncredentials = 'credentials'\n\
             [[payload-controller.apps]]\nname = 'camera'\nnumber = 4\n\
             connection = {{ callbacks = '127.0.0.1:{callbacks}' }}\n"
        );
        fs::write(site.path("config.toml"), config).unwrap();
        let provision = site.program("payload-controller", &["provision", "camera"]);
        let output = { provision }.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let mut program = Command::new(binary(name));
        program.args(arguments).args(["-c", "config.toml"]);
        program.current_dir(self.folder.path());
        program
    }

    fn start(&self, name: &str) -> ChildGuard {
        ChildGuard::spawn(&mut self.program(name, &[]))
    }

    fn payload(&self) -> Peer {
        let generated = self.path("generated");
        fs::create_dir_all(&generated).unwrap();
        generate(&generated);
        Payload::new(&generated, &self.path("credentials/apps/camera")).start()
    }

    /// What is staged for the operator, with its paper.
    fn staged(&self) -> Option<(PathBuf, Value)> {
        let entries = fs::read_dir(self.path("staged")).ok()?;
        let mut all = entries.map(|entry| entry.unwrap().path());
        let is_hidden = |path: &Path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with('.')
        };
        let path = all.find(|path| !is_hidden(path))?;
        let paper = fs::read_to_string(path.join("request.json")).ok()?;
        Some((path, serde_json::from_str(&paper).unwrap()))
    }
}

fn register(payload: &mut Peer) {
    let version = json!({"major": 1, "minor": 1, "patch": 1});
    let fields =
        json!({"correlation_id": 1, "health_check_fail_action": 1, "sdk_version": version});
    let register = || {
        let code = payload.call("PC_register", fields.clone());
        (code == 0).then_some(())
    };
    eventually(PATIENCE, register);
    payload.called("PA_ProcessResponseRegister");
}

#[test]
fn a_file_of_a_payload_is_removed_when_the_ground_has_it_though_both_services_were_killed() {
    let site = Site::new();
    let link = site.start("link-service");
    let controller = site.start("payload-controller");
    let image = site.path("apps/camera/outbound/images/a.raw");
    eventually(PATIENCE, || {
        site.path("apps/camera/outbound").exists().then_some(())
    });
    fs::create_dir_all(image.parent().unwrap()).unwrap();
    fs::write(&image, "pixels").unwrap();
    let mut payload = site.payload();
    register(&mut payload);

    let stage = json!({
        "correlation_id": 5, "file_path": "images/a.raw",
        "file_priority": "FILE_DL_PRIORITY_HIGH",
    });
    assert_eq!(payload.call("PC_stage_file_download", stage), 0);
    let told = payload.called("PA_ProcessResponseStageFileDownload");
    assert_eq!(told["correlation_id"], 5);
    assert!(told.get("req_status").is_none(), "{told}");

    let (staged, paper) = eventually(PATIENCE, || site.staged());
    assert_eq!(fs::read(staged.join("files/a.raw")).unwrap(), b"pixels");
    assert_eq!(paper["directory"], "payloads/camera/images");
    assert_eq!(paper["priority"], "high");
    assert_eq!(paper["metadata"], json!({"app": "camera", "band": "S"}));
    assert!(image.exists(), "the ground has it not yet");

    drop((link, controller));
    fs::write(staged.join("delivered"), "").unwrap();
    let _link = site.start("link-service");
    let _controller = site.start("payload-controller");
    eventually(PATIENCE, || (!image.exists()).then_some(()));
}

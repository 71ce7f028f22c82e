//! The example of a radio on a UART, over a cable without hardware.

use std::fs;
use std::net::UdpSocket;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use heliograph_tests::binaries::{ChildGuard, Stream, binary, example};
use heliograph_tests::null_modem::NullModem;
use heliograph_tests::ports::{free_tcp_port, free_udp_port};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// One at a time; see `null_modem`.
static ALONE: Mutex<()> = Mutex::new(());

struct Site {
    folder: TempDir,
    cable: NullModem,
    port: u16,
    downlink: u16,
}

impl Site {
    /// The example's own configuration, with free ports and the cable's devices in
    /// it.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let cable = NullModem::new(folder.path());
        let (port, downlink) = (free_tcp_port(), free_udp_port());
        let [satellite, ground] = cable.paths().map(|path| path.to_str().unwrap().to_owned());
        let config = include_str!("../../examples/serial-radio/config.toml")
            .replace("/dev/ttyUSB0", &satellite)
            .replace("/dev/ttyUSB1", &ground)
            .replace("\"hardware\"", "\"none\"")
            .replace("8160", &port.to_string())
            .replace("13091", &downlink.to_string());
        fs::write(folder.path().join("config.toml"), config).unwrap();
        Self {
            folder,
            cable,
            port,
            downlink,
        }
    }

    fn start(&self) -> ChildGuard {
        let mut command = Command::new(example("serial-radio"));
        command
            .arg("-c")
            .arg(self.folder.path().join("config.toml"));
        let child = ChildGuard::spawn(command.env_remove("RUST_LOG"));
        child.wait_for_line("GraphQL", PATIENCE);
        child
    }

    fn ground(&self, arguments: &[&str]) -> ChildGuard {
        let mut command = Command::new(binary("ground"));
        command
            .arg("-c")
            .arg(self.folder.path().join("config.toml"));
        command.args(arguments);
        command.env("XDG_STATE_HOME", self.folder.path().join("state"));
        ChildGuard::spawn(command.env("HELIOGRAPH_RUNTIME_DIR", self.folder.path().join("run")))
    }

    /// Asks the service for a ping over the cable.
    fn ping(&self) -> String {
        let port = self.port.to_string();
        let query = ["query", "--service", &port, "--timeout", "30s", "{ ping }"];
        let mut ground = self.ground(&query);
        let status = ground.wait_for_exit(PATIENCE);
        assert!(status.success(), "{:?}", ground.lines());
        let mut lines = ground.lines().into_iter();
        lines
            .find(|line| line.stream == Stream::Stdout)
            .unwrap()
            .text
    }
}

#[test]
fn the_example_answers_the_ground_over_a_serial_line() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let site = Site::new();
    let _service = site.start();
    assert_eq!(site.ping(), r#"{"data":{"ping":"pong"}}"#);
}

#[test]
fn a_cable_that_is_unplugged_and_plugged_in_again_costs_nothing_that_waits() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut site = Site::new();
    let service = site.start();
    assert_eq!(site.ping(), r#"{"data":{"ping":"pong"}}"#);

    site.cable.unplug();
    service.wait_for_line("it will be opened again", PATIENCE);
    let app = UdpSocket::bind("127.0.0.1:0").unwrap();
    for message in ["first", "second"] {
        app.send_to(message.as_bytes(), ("127.0.0.1", site.downlink))
            .unwrap();
    }
    service.wait_for_line("waits for the radio", PATIENCE);

    // The ground is there before the line is, as it opens its own end.
    site.cable.plug();
    let ground = site.ground(&["listen", "--count", "2", "--for", "60s"]);
    for message in ["first", "second"] {
        ground.wait_for_line(&format!("port {}: {message}", site.downlink), PATIENCE);
    }
    service.wait_for_line("is there again", PATIENCE);
    drop(ground);
    assert_eq!(site.ping(), r#"{"data":{"ping":"pong"}}"#);
}

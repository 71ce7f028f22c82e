//! A satellite with the file service, and a ground station.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use heliograph_tests::binaries::{ChildGuard, Stream, binary};
use heliograph_tests::ports::free_udp_port;
use heliograph_tests::wait::eventually;
use serde_json::Value;
use tempfile::TempDir;

use super::PATIENCE;

pub(crate) struct Site {
    folder: TempDir,
    pub(crate) ports: [u16; 2],
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Site {
    /// With a radio as fast as a socket.
    pub(crate) fn new() -> Self {
        Self::with("", "")
    }

    /// With a radio of so many bit/s.
    pub(crate) fn slow(bit_rate_bps: u64) -> Self {
        let paced = format!("bit-rate-bps = {bit_rate_bps}");
        Self::with("", &paced)
    }

    /// With lines that belong to the satellite's radio, and to `comms` of both ends.
    pub(crate) fn with(radio: &str, comms: &str) -> Self {
        let site = Site {
            folder: TempDir::new().expect("a folder"),
            ports: [free_udp_port(), free_udp_port()],
        };
        let [satellite, ground] = site.ports;
        let timeouts = "ack-timeout-ms = 200, nak-timeout-ms = 200, inactivity-timeout-ms = 400";
        let text = format!(
            "[file-service.addr]\nport = 0\n\
             [file-service.radio]\nkind = \"udp\"\nbind = \"127.0.0.1:{satellite}\"\n\
             peer = \"127.0.0.1:{ground}\"\nframing = \"kiss-ax25\"\nread-timeout-ms = 100\n\
             ax25 = {{ callsign = \"HELIO-1\", peer = \"GROUND\" }}\n{radio}\n\
             [file-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{}]\n{comms}\n\
             [file-service.files]\nroot = \"{}\"\njournal = \"{}\"\n\
             peers = [{{ entity-id = 2, {timeouts} }}]\n",
            free_udp_port(),
            site.path("satellite").display(),
            site.path("satellite.redb").display(),
        );
        fs::write(site.path("satellite.toml"), text).expect("a file");
        let text = format!(
            "[[link]]\nname = \"uhf\"\nsatellite = \"helio\"\n\
             [link.radio]\nkind = \"udp\"\nbind = \"127.0.0.1:{ground}\"\n\
             peer = \"127.0.0.1:{satellite}\"\nframing = \"kiss-ax25\"\n\
             ax25 = {{ callsign = \"GROUND\", peer = \"HELIO-1\" }}\n\
             [link.comms]\n{comms}\n\
             [link.files]\npeers = [{{ {timeouts} }}]\n"
        );
        fs::write(site.path("ground.toml"), text).expect("a file");
        for folder in ["satellite", "desk", "state"] {
            fs::create_dir_all(site.path(folder)).expect("a folder");
        }
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of the operator.
    pub(crate) fn desk(&self, name: &str) -> PathBuf {
        self.path("desk").join(name)
    }

    /// A file of the satellite.
    pub(crate) fn satellite(&self, name: &str) -> PathBuf {
        self.path("satellite").join(name)
    }

    pub(crate) fn start_satellite(&self) -> ChildGuard {
        let mut command = Command::new(binary("file-service"));
        command.env_remove("RUST_LOG");
        let service = ChildGuard::spawn(command.arg("-c").arg(self.path("satellite.toml")));
        service.wait_for_line("GraphQL", PATIENCE);
        service
    }

    /// `ground` with these arguments, at the desk.
    pub(crate) fn start(&self, arguments: &[&str]) -> ChildGuard {
        let mut command = Command::new(binary("ground"));
        command
            .arg("-c")
            .arg(self.path("ground.toml"))
            .args(arguments)
            .current_dir(self.path("desk"))
            .env_remove("RUST_LOG")
            .env("HELIOGRAPH_RUNTIME_DIR", self.path("run"))
            .env("XDG_STATE_HOME", self.path("state"));
        ChildGuard::spawn(&mut command)
    }

    /// The same, to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        end_of(self.start(arguments))
    }

    /// How files stand, as `ground files --json` tells.
    #[track_caller]
    pub(crate) fn files(&self) -> Vec<Value> {
        let ended = self.run(&["files", "--all", "--json"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        json(&ended.stdout)
    }

    /// What the ground's store has in a folder of its own.
    pub(crate) fn stored(&self, folder: &str) -> usize {
        let folder = self.path("state/heliograph/uhf/files").join(folder);
        fs::read_dir(folder).map_or(0, Iterator::count)
    }
}

/// Octets of all kinds.
pub(crate) fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 + at / 251) as u8).collect()
}

pub(crate) fn json(lines: &str) -> Vec<Value> {
    let lines = lines.lines();
    lines
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

/// Waits for the end of a command.
#[track_caller]
pub(crate) fn end_of(mut child: ChildGuard) -> Ended {
    let status = child.wait_for_exit(PATIENCE);
    let written = |stream| {
        let lines = child.lines().into_iter();
        let lines = lines
            .filter(|line| line.stream == stream)
            .map(|line| line.text);
        lines.collect::<Vec<_>>().join("\n")
    };
    Ended {
        code: status.code(),
        stdout: written(Stream::Stdout),
        stderr: written(Stream::Stderr),
    }
}

/// Waits until a file is there with these octets.
#[track_caller]
pub(crate) fn wait_for_file(path: &std::path::Path, octets: &[u8]) {
    eventually(PATIENCE, || {
        fs::read(path).ok().filter(|found| found == octets)
    });
}

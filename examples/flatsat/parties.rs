//! Starting, asking and stopping the parties.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use signal_hook::consts::SIGTERM;
use signal_hook::low_level;
use tempfile::TempDir;

use crate::files;
use crate::payloads;
use crate::spacecraft::{self, App, Ground};
use crate::tasking;

/// Every port of the demonstration, on 127.0.0.1.
#[derive(PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) telemetry: u16,
    pub(crate) telemetry_command: u16,
    pub(crate) ethernet_graphql: u16,
    pub(crate) radio_satellite: u16,
    pub(crate) radio_ground: u16,
    pub(crate) downlink: u16,
    pub(crate) files_graphql: u16,
    pub(crate) files_satellite: u16,
    pub(crate) files_ground: u16,
    pub(crate) files_downlink: u16,
    pub(crate) link_graphql: u16,
    pub(crate) link_satellite: u16,
    pub(crate) link_ground: u16,
    pub(crate) link_downlink: u16,
    pub(crate) payloads_graphql: u16,
    pub(crate) payloads_satellite: u16,
    pub(crate) payloads_ground: u16,
    pub(crate) payloads_downlink: u16,
    pub(crate) payloads_grpc: u16,
    pub(crate) payload_callbacks: u16,
    pub(crate) agent: u16,
    pub(crate) tasking: u16,
    /// Of the radios of two spacecraft to each other.
    pub(crate) cross: [u16; 2],
}

const USUAL: Ports = Ports {
    telemetry: 8020,
    telemetry_command: 8021,
    ethernet_graphql: 8150,
    radio_satellite: 13_000,
    radio_ground: 9_001,
    downlink: 13_011,
    files_graphql: 8153,
    files_satellite: 13_060,
    files_ground: 9_004,
    files_downlink: 13_071,
    link_graphql: 8151,
    link_satellite: 13_020,
    link_ground: 9_002,
    link_downlink: 13_031,
    payloads_graphql: 8152,
    payloads_satellite: 13_040,
    payloads_ground: 9_003,
    payloads_downlink: 13_051,
    payloads_grpc: 50_051,
    payload_callbacks: 50_053,
    agent: 2005,
    tasking: 8080,
    cross: [13_080, 13_081],
};

impl Ports {
    /// The usual ports, and where one of them is taken, a free one.
    pub(crate) fn choose() -> anyhow::Result<Ports> {
        Ok(Ports {
            telemetry: tcp_port(USUAL.telemetry)?,
            telemetry_command: udp_port(USUAL.telemetry_command)?,
            ethernet_graphql: tcp_port(USUAL.ethernet_graphql)?,
            radio_satellite: udp_port(USUAL.radio_satellite)?,
            radio_ground: udp_port(USUAL.radio_ground)?,
            downlink: udp_port(USUAL.downlink)?,
            files_graphql: tcp_port(USUAL.files_graphql)?,
            files_satellite: udp_port(USUAL.files_satellite)?,
            files_ground: udp_port(USUAL.files_ground)?,
            files_downlink: udp_port(USUAL.files_downlink)?,
            link_graphql: tcp_port(USUAL.link_graphql)?,
            link_satellite: udp_port(USUAL.link_satellite)?,
            link_ground: udp_port(USUAL.link_ground)?,
            link_downlink: udp_port(USUAL.link_downlink)?,
            payloads_graphql: tcp_port(USUAL.payloads_graphql)?,
            payloads_satellite: udp_port(USUAL.payloads_satellite)?,
            payloads_ground: udp_port(USUAL.payloads_ground)?,
            payloads_downlink: udp_port(USUAL.payloads_downlink)?,
            payloads_grpc: tcp_port(USUAL.payloads_grpc)?,
            payload_callbacks: tcp_port(USUAL.payload_callbacks)?,
            agent: tcp_port(USUAL.agent)?,
            tasking: tcp_port(USUAL.tasking)?,
            cross: [udp_port(USUAL.cross[0])?, udp_port(USUAL.cross[1])?],
        })
    }

    /// Whether none of them was taken.
    pub(crate) fn are_all_usual(&self) -> bool {
        *self == USUAL
    }
}

fn tcp_port(usual: u16) -> anyhow::Result<u16> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, usual)) {
        Ok(_) => Ok(usual),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
                .local_addr()?
                .port())
        }
        Err(error) => Err(error).with_context(|| format!("cannot bind TCP port {usual}")),
    }
}

fn udp_port(usual: u16) -> anyhow::Result<u16> {
    match UdpSocket::bind((Ipv4Addr::LOCALHOST, usual)) {
        Ok(_) => Ok(usual),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?
                .local_addr()?
                .port())
        }
        Err(error) => Err(error).with_context(|| format!("cannot bind UDP port {usual}")),
    }
}

/// Ends this process in good order when the one that started it is gone, however
/// it went: then the other end of standard input is closed.
pub(crate) fn stop_with_parent() {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = low_level::raise(SIGTERM);
    });
}

/// A running party. It ends when this is dropped.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    child: Child,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says so if the party has ended by itself.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended by itself ({status})", self.name),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The parties and their configuration files.
pub(crate) struct Flatsat {
    pub(crate) ports: Ports,
    pub(crate) parties: Vec<Running>,
    directory: TempDir,
}

impl Flatsat {
    /// Writes the configuration files and starts the satellite.
    pub(crate) fn start() -> anyhow::Result<Flatsat> {
        let ports = Ports::choose()?;
        let mut flatsat = Flatsat {
            ports,
            parties: Vec::new(),
            directory: TempDir::with_prefix("flatsat-")?,
        };
        flatsat.write_key()?;
        let (satellite, ground) = (flatsat.satellite_config(), flatsat.ground_config());
        let satellite = satellite + &flatsat.satellite_files();
        fs::write(flatsat.file("satellite.toml"), satellite)?;
        files::take_image(&flatsat.satellite_file(""))?;
        fs::write(flatsat.file("stranger.toml"), &ground)?;
        let ground = ground + &flatsat.ground_trust() + &flatsat.ground_files();
        let ground = ground + &spacecraft::ground_link(&flatsat);
        let ground = ground + &payloads::ground_payloads(&flatsat);
        let ground = ground + &tasking::ground_tasking(&flatsat);
        fs::write(flatsat.file("ground.toml"), ground)?;
        let port = |port: u16| port.to_string();
        let (graphql, command) = (
            port(flatsat.ports.telemetry),
            port(flatsat.ports.telemetry_command),
        );
        flatsat.spawn(
            "telemetry-service",
            &["--port", &graphql, "--command-port", &command],
        )?;
        let config = flatsat.file("satellite.toml");
        flatsat.spawn("ethernet-service", &["-l", "error", "-c", &config])?;
        flatsat.spawn("file-service", &["-l", "error", "-c", &config])?;
        let downlink = port(flatsat.ports.downlink);
        flatsat.spawn("mission-app", &["--downlink-port", &downlink])?;
        Ok(flatsat)
    }

    /// A key for both ends, of which nobody else knows.
    fn write_key(&self) -> anyhow::Result<()> {
        let mut key = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        let key: String = key.iter().map(|octet| format!("{octet:02x}")).collect();
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(self.file("link.key"))?;
        writeln!(file, "1 {key}")?;
        Ok(())
    }

    /// Path of a file of the demonstration.
    pub(crate) fn file(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    pub(crate) fn spawn(&mut self, name: &'static str, told: &[&str]) -> anyhow::Result<()> {
        self.spawn_as(name, name, told)
    }

    /// Starts one more party, in the part of `part`.
    pub(crate) fn spawn_as(
        &mut self,
        name: &'static str,
        part: &str,
        told: &[&str],
    ) -> anyhow::Result<()> {
        let mut command = party(part)?;
        command.args(told).stdin(Stdio::piped());
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        self.parties.push(Running { name, child });
        Ok(())
    }

    /// Has a party do something that ends.
    pub(crate) fn to_the_end(&self, name: &str, told: &[&str]) -> anyhow::Result<()> {
        let mut command = party(name)?;
        command.args(told).stdin(Stdio::piped());
        // Whatever it says is no part of the show.
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn();
        let mut child = child.with_context(|| format!("cannot start {name}"))?;
        // It would stop where that is closed.
        let _alive = child.stdin.take();
        let ended = child.wait_with_output()?;
        let why = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "{name} failed: {}", why.trim());
        Ok(())
    }

    /// Waits until a party has ended well by itself.
    pub(crate) fn wait_for_end(&mut self, name: &str, within: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        let party = self.parties.iter_mut().find(|party| party.name == name);
        let party = party.with_context(|| format!("there is no {name}"))?;
        loop {
            match party.child.try_wait()? {
                Some(status) if status.success() => break,
                Some(status) => bail!("{name} ended with {status}"),
                None if Instant::now() > until => bail!("{name} did not end"),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        self.end(name);
        Ok(())
    }

    /// Starts the payload app, which says what it is told.
    pub(crate) fn payload_app(
        &self,
        socket: &str,
        to: Option<&str>,
        file: &Path,
    ) -> anyhow::Result<App> {
        let mut command = party("payload-app")?;
        command.args(["--socket", socket]);
        command.args(to.map(|to| ["--to", to]).iter().flatten());
        let child = command.arg(file).stdin(Stdio::piped()).spawn();
        Ok(App(child.context("cannot start the payload app")?))
    }

    /// Starts a command `ground` that runs until it is stopped.
    pub(crate) fn ground_in_background(&self, told: &[&str]) -> anyhow::Result<Ground> {
        let child = self.ground_command("ground.toml", told)?.spawn();
        Ok(Ground(child.context("cannot start ground")?))
    }

    /// Says so if a party has ended by itself.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        self.parties.iter_mut().try_for_each(Running::check)
    }

    /// Ends one party.
    pub(crate) fn end(&mut self, name: &str) {
        self.parties.retain(|party| party.name != name);
    }

    /// Path of a file that the file service has.
    pub(crate) fn satellite_file(&self, name: &str) -> PathBuf {
        self.directory.path().join("satellite-files").join(name)
    }

    /// Waits until the GraphQL services of the satellite accept connections.
    pub(crate) fn wait_until_up(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let ports = &self.ports;
        for port in [ports.telemetry, ports.ethernet_graphql, ports.files_graphql] {
            while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
                self.check()?;
                if Instant::now() > deadline {
                    bail!("nothing listens on TCP port {port} after 20 s");
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    /// Runs the command `ground` to its end and gives what it printed.
    pub(crate) fn ground(&self, told: &[&str]) -> anyhow::Result<String> {
        let Output {
            status,
            stdout,
            stderr,
        } = self.ground_with("ground.toml", told)?;
        if !status.success() {
            let why = String::from_utf8_lossy(&stderr);
            bail!("ground {} failed: {}", told.join(" "), why.trim());
        }
        Ok(String::from_utf8_lossy(&stdout).trim().to_string())
    }

    /// The same, of a command that shows by itself how far it is.
    pub(crate) fn ground_watched(&self, told: &[&str]) -> anyhow::Result<()> {
        let mut command = self.ground_command("ground.toml", told)?;
        let status = command.status().context("cannot start ground")?;
        ensure!(status.success(), "ground {} failed", told.join(" "));
        Ok(())
    }

    /// The same with one of the configuration files, whatever comes of it.
    pub(crate) fn ground_with(&self, config: &str, told: &[&str]) -> anyhow::Result<Output> {
        let mut command = self.ground_command(config, told)?;
        command.output().context("cannot start ground")
    }

    fn ground_command(&self, config: &str, told: &[&str]) -> anyhow::Result<Command> {
        let mut command = party("ground")?;
        command.args(["-c", &self.file(config)]);
        command.args(told).stdin(Stdio::null());
        command.env("HELIOGRAPH_RUNTIME_DIR", self.directory.path());
        command.env("XDG_STATE_HOME", self.directory.path());
        Ok(command)
    }
}

/// This program in the part of `name`.
fn party(name: impl AsRef<OsStr>) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--party").arg(name).arg("--");
    Ok(command)
}

/// The configuration files.
impl Flatsat {
    fn satellite_config(&self) -> String {
        let Ports {
            ethernet_graphql,
            radio_satellite,
            radio_ground,
            downlink,
            ..
        } = &self.ports;
        format!(
            r#"[ethernet-service.addr]
ip = "127.0.0.1"
port = {ethernet_graphql}

[ethernet-service.radio]
kind = "udp"
bind = "127.0.0.1:{radio_satellite}"
peer = "127.0.0.1:{radio_ground}"
framing = "kiss-ax25"
ax25 = {{ callsign = "HELIO-1", peer = "GROUND" }}

[ethernet-service.comms]
handler-port-min = 0
handler-port-max = 0
max-num-handlers = 50
timeout = 1500
ground-ip = "127.0.0.1"
satellite-ip = "127.0.0.1"
downlink-ports = [{downlink}]
ground-port = {radio_ground}
state-dir = '{}'
security = {{ key-file = '{}', challenge-ms = 1000 }}
submit = {{ unix = '{}' }}
"#,
            self.file("satellite"),
            self.file("link.key"),
            self.file("submit.sock"),
        )
    }

    /// Of somebody who has everything but the key.
    fn ground_config(&self) -> String {
        let Ports {
            radio_satellite,
            radio_ground,
            ..
        } = &self.ports;
        format!(
            r#"[[link]]
name = "ethernet"
satellite = "flatsat"

[link.radio]
kind = "udp"
bind = "127.0.0.1:{radio_ground}"
peer = "127.0.0.1:{radio_satellite}"
framing = "kiss-ax25"
ax25 = {{ callsign = "GROUND", peer = "HELIO-1" }}
"#
        )
    }

    /// What makes of it the configuration of the ground.
    fn ground_trust(&self) -> String {
        format!(
            r#"
[link.comms]
state-dir = '{}'
security = {{ key-file = '{}' }}
reception-report-ms = 200
"#,
            self.file("ground"),
            self.file("link.key"),
        )
    }

    /// The file service, with a radio of its own that is as in space.
    fn satellite_files(&self) -> String {
        let Ports {
            files_graphql,
            files_satellite,
            files_ground,
            files_downlink,
            ..
        } = &self.ports;
        format!(
            r#"
[file-service.addr]
port = {files_graphql}

[file-service.radio]
kind = "udp"
bind = "127.0.0.1:{files_satellite}"
peer = "127.0.0.1:{files_ground}"
framing = "kiss-ax25"
ax25 = {{ callsign = "HELIO-1", peer = "GROUND" }}

[file-service.radio.channel]
bit-rate-bps = {}
{}

[file-service.comms]
handler-port-min = 0
handler-port-max = 0
downlink-ports = [{files_downlink}]

[file-service.files]
root = '{}'
journal = '{}'
"#,
            files::BIT_RATE_BPS,
            files::CHANNEL,
            self.satellite_file("").display(),
            self.file("satellite-files.redb"),
        )
    }

    fn ground_files(&self) -> String {
        let Ports {
            files_satellite,
            files_ground,
            ..
        } = &self.ports;
        format!(
            r#"
[[link]]
name = "files"
satellite = "flatsat"

[link.radio]
kind = "udp"
bind = "127.0.0.1:{files_ground}"
peer = "127.0.0.1:{files_satellite}"
framing = "kiss-ax25"
ax25 = {{ callsign = "GROUND", peer = "HELIO-1" }}

[link.comms]
bit-rate-bps = {}

[link.files]
root = '{}'
journal = '{}'
"#,
            files::BIT_RATE_BPS,
            self.file("ground-files"),
            self.file("ground-files.redb"),
        )
    }
}

//! The service as it is installed: its binary, its configuration file, its page of
//! metrics.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::air::{Air, free_udp_address};
use super::metrics::Metrics;

const START_MAX: Duration = Duration::from_secs(30);
const STOP_WAIT_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

pub(super) struct Satellite {
    /// Where apps send their datagrams.
    pub(super) downlink_port: u16,
    binary: PathBuf,
    folder: PathBuf,
    http: SocketAddr,
    child: Child,
}

/// How a service stopped.
pub(super) struct Stop {
    pub(super) took: Duration,
    /// It said that it succeeded.
    pub(super) is_clean: bool,
}

impl Satellite {
    /// Starts the service with a radio in `air`; it is there when this returns.
    pub(super) fn start(binaries: &Path, folder: &Path, air: &Air, seed: u64) -> Result<Self> {
        let binary = binaries.join("ethernet-service");
        ensure!(
            binary.is_file(),
            "{} is not built: run `cargo build --release -p ethernet-service`",
            binary.display()
        );
        let http = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let downlink_port = free_udp_address()?.port();
        let text = configuration(folder, http, downlink_port, air, seed);
        fs::write(folder.join("config.toml"), text).context("no configuration file")?;
        let child = spawn(&binary, folder)?;
        let mut satellite = Self {
            downlink_port,
            binary,
            folder: folder.to_owned(),
            http,
            child,
        };
        satellite.wait_until_there()?;
        Ok(satellite)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the service counted since its start.
    pub(super) fn metrics(&self) -> Result<Metrics> {
        let page = self.get("/metrics").context("no page of metrics")?;
        Ok(Metrics::read(&page))
    }

    /// Stops it by SIGTERM.
    pub(super) fn stop(&mut self) -> Result<Stop> {
        let began = Instant::now();
        // The shell's own `kill` is there where no program of that name is.
        let command = format!("kill -s TERM {}", self.id());
        let told = Command::new("sh").arg("-c").arg(command).status()?;
        ensure!(told.success(), "the service cannot be told to stop");
        while began.elapsed() < STOP_WAIT_MAX {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Stop {
                    took: began.elapsed(),
                    is_clean: status.success(),
                });
            }
            thread::sleep(POLL);
        }
        bail!("the service did not stop within {STOP_WAIT_MAX:?}")
    }

    /// Ends it without a word, as a power cut does.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    pub(super) fn start_again(&mut self) -> Result<()> {
        self.child = spawn(&self.binary, &self.folder)?;
        self.wait_until_there()
    }

    fn wait_until_there(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < START_MAX {
            if self.get("/metrics").is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("the service ended with {status}: {log}");
            }
            thread::sleep(POLL);
        }
        bail!("the service is not there after {START_MAX:?}")
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.http, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let host = self.http;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP")?;
        ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
        Ok(body.to_owned())
    }
}

impl Drop for Satellite {
    fn drop(&mut self) {
        // Fails when it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(binary: &Path, folder: &Path) -> Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))?;
    Command::new(binary)
        .args(["-l", "warn", "-c"])
        .arg(folder.join("config.toml"))
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))
}

fn configuration(folder: &Path, http: SocketAddr, downlink: u16, air: &Air, seed: u64) -> String {
    format!(
        r#"[ethernet-service.addr]
port = {http}
[ethernet-service.radio]
kind = "udp"
bind = "{bind}"
peer = "{peer}"
framing = "kiss-ax25"
read-timeout-ms = 200
ax25 = {{ callsign = "HELIO-1", peer = "GROUND" }}
[ethernet-service.radio.channel]
seed = {seed}
bit-rate-bps = 1000000
delay-ms = 5
jitter-ms = 5
bit-error-rate = 1e-5
frame-loss = 0.02
duplication = 0.01
reordering = 0.01
reordering-ms = 20
[ethernet-service.comms]
handler-port-min = 0
handler-port-max = 0
max-num-handlers = 8
timeout = 500
downlink-ports = [{downlink}]
ground-port = {ground}
state-dir = '{state}'
"#,
        http = http.port(),
        state = folder.join("state").display(),
        bind = air.satellite,
        peer = air.satellite_peer,
        ground = air.ground.port(),
    )
}

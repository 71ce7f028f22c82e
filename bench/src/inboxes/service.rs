//! Memory of the service as it is put on a board: idle, after many files, and with many apps.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use link_client::LinkClient;
use tempfile::TempDir;

use super::policies::{self, APPS};
use super::{FILE_BYTES, FLIGHTS, floor, in_flight};
use crate::cpu;
use crate::figure::{Figure, Goal, Spread};
use crate::progress::say;
use crate::section::Run;

const MIB: f64 = 1024.0;
const MIB_MOST: f64 = 15.0;
const PATIENCE: Duration = Duration::from_secs(600);
const LOOKS_EVERY: Duration = Duration::from_millis(5);
/// From the first answer until nothing of the start is left to do.
const SETTLES_AFTER: Duration = Duration::from_millis(500);
const TWO_APPS: &str = "
[[link-service.apps]]
id = 'app-0'
outbox-requests-max = 1024
[[link-service.apps]]
id = 'app-1'
[[link-service.policy]]
from = 'app-0'
to = 'app-1'
";

/// A service that runs. It is ended when this is dropped.
struct Service {
    process: Child,
    folder: TempDir,
}

/// Measures it.
pub(super) fn run(run: &Run) -> Result<Vec<Figure>> {
    let binary = run.binaries.join("link-service");
    if !binary.is_file() {
        say(format_args!(
            "  not measured: the memory of link-service, as there is no {}",
            binary.display()
        ));
        return Ok(Vec::new());
    }
    let files = run.choose(10_000, 320);
    say(format_args!(
        "  memory of the service, idle, after {files} files and with {APPS} apps"
    ));
    let service = Service::start(&binary, TWO_APPS)?;
    let idle = service.usage()?;
    service.send(files)?;
    let after = service.usage()?;
    drop(service);
    let many = Service::start(&binary, &policies::config(APPS))?.usage()?;
    let mib = |kib: u64| Spread::once(kib as f64 / MIB);
    let figure =
        |name: String, kib| Figure::alone(name, "MiB", mib(kib)).goal(Goal::AtMost(MIB_MOST));
    Ok(vec![
        figure("link-service, idle: resident".to_owned(), idle.resident_kib),
        figure(
            format!("link-service, after {files} files: resident"),
            after.resident_kib,
        ),
        figure(
            format!("link-service, after {files} files: peak"),
            after.resident_kib_peak,
        ),
        figure(
            format!("link-service, {APPS} apps: resident"),
            many.resident_kib,
        ),
        figure(
            format!("link-service, {APPS} apps: peak"),
            many.resident_kib_peak,
        ),
    ])
}

impl Service {
    fn start(binary: &PathBuf, apps: &str) -> Result<Self> {
        let folder = tempfile::tempdir().context("no folder")?;
        let udp = || -> Result<u16> { Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port()) };
        let (radio, ground, downlink) = (udp()?, udp()?, udp()?);
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = format!(
            "[link-service]\napps-root = 'apps'\njournal = 'state/link.redb'\n\
             free-bytes-min = 0\nreserved-critical-bytes = 0\n\
             [link-service.addr]\nport = {port}\n\
             [link-service.radio]\nkind = 'udp'\nbind = '127.0.0.1:{radio}'\n\
             peer = '127.0.0.1:{ground}'\n\
             [link-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{downlink}]\nground-port = {ground}\n{apps}"
        );
        fs::write(folder.path().join("config.toml"), config)?;
        let process = Command::new(binary)
            .args(["-c", "config.toml"])
            .current_dir(folder.path())
            .env("RUST_LOG", "off")
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut service = Service { process, folder };
        service.wait_until_served()?;
        Ok(service)
    }

    fn wait_until_served(&mut self) -> Result<()> {
        let began = Instant::now();
        while self.client(0).list(true).is_err() {
            let ended = self.process.try_wait()?;
            ensure!(ended.is_none(), "the service has ended: {ended:?}");
            ensure!(began.elapsed() < PATIENCE, "the service does not answer");
            thread::sleep(LOOKS_EVERY);
        }
        thread::sleep(SETTLES_AFTER);
        Ok(())
    }

    fn client(&self, app: usize) -> LinkClient {
        let socket = self.folder.path().join(format!("apps/app-{app}/link.sock"));
        LinkClient::connect(socket).with_patience(Duration::ZERO)
    }

    /// Files from the first app to the second, which takes none of them.
    fn send(&self, files: usize) -> Result<()> {
        let outbox = self.folder.path().join("apps/app-0/outbox");
        let each = files / FLIGHTS;
        floor::write_all(&outbox, FLIGHTS, each, FILE_BYTES)?;
        in_flight(FLIGHTS, |flight| {
            let client = self.client(0).with_patience(PATIENCE);
            for name in floor::names(flight, each) {
                client
                    .send("app-1", outbox.join(name))?
                    .wait_for(PATIENCE)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn usage(&self) -> Result<cpu::Usage> {
        cpu::usage(self.process.id())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! The service's binary with a configuration of its own, and its radio's other end.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::ground::Ground;

/// How fast the radio sends: slow beside what fills its queue, fast enough that a full
/// one is empty soon.
const BIT_RATE_BPS: u32 = 8_000_000;

/// Longer than a load takes, so that services that do not answer stay called.
const SERVICE_TIMEOUT: Duration = Duration::from_secs(12);

const PATIENCE: Duration = Duration::from_secs(60);
const ASKS_EVERY: Duration = Duration::from_micros(500);

static SITES: AtomicU32 = AtomicU32::new(0);

/// A running service. It is ended when this is dropped.
pub(super) struct Site {
    process: Child,
    folder: PathBuf,
    pub(super) http: u16,
    downlink: u16,
    pub(super) ground: Ground,
    apps: UdpSocket,
}

impl Site {
    /// Starts `binary`. It may not serve yet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(binary: &Path) -> Result<Self> {
        let number = SITES.fetch_add(1, Ordering::Relaxed);
        let name = format!("heliograph-bench-{}-{number}", process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        let radio = free_udp_port()?;
        let ground = Ground::bind(radio)?;
        let (http, downlink) = (free_tcp_port()?, free_udp_port()?);
        let config = format!(
            "[ethernet-service.addr]\n\
             port = {http}\n\
             [ethernet-service.radio]\n\
             kind = \"udp\"\n\
             bind = \"127.0.0.1:{radio}\"\n\
             peer = \"127.0.0.1:{ground_port}\"\n\
             framing = \"raw\"\n\
             [ethernet-service.comms]\n\
             handler-port-min = 0\n\
             handler-port-max = 0\n\
             packet-bytes-max = {packet_bytes_max}\n\
             bit-rate-bps = {BIT_RATE_BPS}\n\
             timeout = {timeout_ms}\n\
             downlink-ports = [{downlink}]\n",
            ground_port = ground.port()?,
            packet_bytes_max = Ground::PACKET_BYTES_MAX,
            timeout_ms = SERVICE_TIMEOUT.as_millis(),
        );
        let file = folder.join("config.toml");
        fs::write(&file, config)?;
        let process = Command::new(binary)
            .arg("--config")
            .arg(&file)
            .env("RUST_LOG", "off")
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        Ok(Self {
            process,
            folder,
            http,
            downlink,
            ground,
            apps: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks the service by its radio for its own endpoint until it answers.
    ///
    /// # Errors
    /// When it has ended or does not answer.
    pub(super) fn wait_until_served(&mut self) -> Result<()> {
        let began = Instant::now();
        self.ground.wait_at_most(ASKS_EVERY)?;
        loop {
            self.ground.query(self.http, b"{\"query\":\"{ping}\"}")?;
            if self.ground.hear()? {
                return Ok(());
            }
            let ended = self.process.try_wait()?;
            ensure!(ended.is_none(), "the service has ended: {ended:?}");
            ensure!(began.elapsed() < PATIENCE, "the service does not answer");
        }
    }

    /// Hands a datagram of an app to the service.
    ///
    /// # Errors
    /// When the socket fails.
    pub(super) fn datagram(&self, datagram: &[u8]) -> Result<()> {
        self.apps
            .send_to(datagram, (Ipv4Addr::LOCALHOST, self.downlink))?;
        Ok(())
    }

    /// The metrics page.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn metrics(&self) -> Result<Metrics> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.http));
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        Ok(Metrics(page))
    }

    /// Octets of its memory budget in use.
    ///
    /// # Errors
    /// When the metrics page cannot be read.
    pub(super) fn memory_bytes(&self) -> Result<String> {
        let metrics = self.metrics()?;
        let used = metrics.value("heliograph_memory_bytes{amount=\"used\"}")?;
        let remembered = metrics.value("heliograph_memory_bytes{amount=\"remembered\"}")?;
        Ok(format!(
            "{used} octets held, {remembered} of them remembered"
        ))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What the metrics page says.
pub(super) struct Metrics(String);

impl Metrics {
    /// The value of one line.
    ///
    /// # Errors
    /// When there is no such line.
    pub(super) fn value(&self, name: &str) -> Result<u64> {
        let values = self.0.lines().filter_map(|line| line.strip_prefix(name));
        let value = values.filter_map(|value| value.trim().parse().ok()).next();
        value.with_context(|| format!("the metrics page has no {name}"))
    }

    /// The sum of the values of all lines that begin so.
    pub(super) fn sum(&self, name: &str) -> u64 {
        let lines = self.0.lines().filter(|line| line.starts_with(name));
        let values = lines.filter_map(|line| line.rsplit(' ').next());
        values.filter_map(|value| value.parse::<u64>().ok()).sum()
    }
}

fn free_udp_port() -> Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

fn free_tcp_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

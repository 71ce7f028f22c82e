//! A satellite in this process, and the command `ground` as a child of it.

pub(crate) mod air;
mod child;
mod service;

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use comms_service::link::LinkConfig;
use comms_service::{
    CommsConfig, CommsControlBlock, CommsHandle, CommsService, CommsTelemetry, LinkOptions, radio,
};
use ground_gateway::{GroundConfig, LinkClient, RuntimeDir, Stop};
use radio_hal::{Ax25Config, FramingConfig, RadioConnection, UdpRadio};
use tempfile::TempDir;

pub(crate) use child::Child;
pub(crate) use service::Service;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const LOCALHOST: &str = "127.0.0.1:0";
/// Where format `udp` sends the datagrams of apps: a number in a packet, no socket.
const GROUND_PORT: u16 = 9001;
const SERVICE_TIMEOUT_MS: u64 = 60_000;

/// A ground station with one link, `uhf`, and what is at the other end of it.
pub(crate) struct Rig {
    folder: TempDir,
    pub(crate) config: PathBuf,
    /// Where an app on the satellite sends to.
    pub(crate) downlink_port: u16,
    flight: Option<CommsHandle>,
}

impl Rig {
    /// With a communications service at the other end.
    pub(crate) fn with_satellite() -> Self {
        Self::with_options("")
    }

    /// The same, with these lines under `[link.comms]` at both ends.
    pub(crate) fn with_options(options: &str) -> Self {
        Self::with_two_options(options, options)
    }

    /// The same, with lines that differ.
    pub(crate) fn with_two_options(options: &str, ground_options: &str) -> Self {
        let flight = UdpRadio::bind(LOCALHOST.parse().unwrap()).unwrap();
        let ground = free_udp_port();
        let satellite = flight.local_address();
        let ax25 = Ax25Config::new("HELIO-1".parse().unwrap(), "GROUND".parse().unwrap());
        let connection = RadioConnection::new(
            flight.with_peer(ground).unwrap(),
            FramingConfig::kiss_ax25(ax25),
            Duration::from_millis(50),
        )
        .unwrap();
        let downlink_port = free_udp_port().port();
        let config = CommsConfig {
            handler_port_min: 0,
            handler_port_max: 0,
            timeout: SERVICE_TIMEOUT_MS,
            downlink_ports: Some(vec![downlink_port]),
            ground_port: Some(GROUND_PORT),
            ..CommsConfig::default()
        };
        let controls = CommsControlBlock::new(
            Some(Arc::new(radio::read)),
            vec![Arc::new(radio::write)],
            connection.clone(),
            connection.clone(),
            config,
        )
        .unwrap();
        let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
        let flight = CommsService::builder(controls)
            .options(LinkOptions::from_table(&options.parse().unwrap(), "test").unwrap())
            .radio_bytes_max(connection.packet_bytes_max())
            .read_timeout(connection.read_timeout())
            .start(telemetry)
            .unwrap();
        let mut rig = Self::ground(ground, satellite, downlink_port);
        rig.flight = Some(flight);
        rig.configure(&format!(
            "[link.comms]\nground-port = {GROUND_PORT}\n{ground_options}"
        ));
        rig
    }

    /// With nobody at the other end.
    pub(crate) fn alone() -> Self {
        Self::ground(free_udp_port(), free_udp_port(), 0)
    }

    /// A file of this name in the rig's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// With `socket` at the other end.
    pub(crate) fn with_socket(socket: &UdpSocket) -> Self {
        Self::ground(free_udp_port(), socket.local_addr().unwrap(), 0)
    }

    /// With a KISS TNC at this address.
    pub(crate) fn with_tnc(address: SocketAddr) -> Self {
        Self::with_radio(&format!("kind = 'kiss-tcp'\npeer = '{address}'"), 0)
    }

    fn ground(ground: SocketAddr, satellite: SocketAddr, downlink_port: u16) -> Self {
        let udp = format!("kind = 'udp'\nbind = '{ground}'\npeer = '{satellite}'");
        Self::with_radio(&udp, downlink_port)
    }

    fn with_radio(radio: &str, downlink_port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        let text = format!(
            "[[link]]\nname = 'uhf'\nsatellite = 'test'\n[link.radio]\n{radio}\n\
             framing = 'kiss-ax25'\nax25 = {{ callsign = 'GROUND', peer = 'HELIO-1' }}\n"
        );
        fs::write(&config, text).unwrap();
        Rig {
            folder,
            config,
            downlink_port,
            flight: None,
        }
    }

    /// Adds lines to the configuration; the first ones belong to `[link.radio]`.
    pub(crate) fn configure(&self, more: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        fs::write(&self.config, text + more).unwrap();
    }

    /// Adds keys to the link.
    pub(crate) fn add_to_link(&self, keys: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        let satellite = "satellite = 'test'\n";
        let text = text.replace(satellite, &format!("{satellite}{keys}\n"));
        fs::write(&self.config, text).unwrap();
    }

    /// Adds the link of `other`, under the name `name`.
    pub(crate) fn add_link(&self, name: &str, other: &Rig) {
        let text = fs::read_to_string(&other.config).unwrap();
        self.configure(&text.replace("name = 'uhf'", &format!("name = '{name}'")));
    }

    /// The command `ground` with these arguments, not yet running.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ground"));
        command
            .arg("-c")
            .arg(&self.config)
            .args(arguments)
            .env_remove("RUST_LOG")
            .env("HELIOGRAPH_RUNTIME_DIR", self.runtime_dir())
            .env("XDG_STATE_HOME", self.folder.path().join("state"));
        command
    }

    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Runs `ground` to its end: exit code, standard output, standard error.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        self.start(arguments).finish()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        Child::start(&mut self.command(arguments))
    }

    /// Starts `ground listen`, and waits until it listens.
    pub(crate) fn start_listener(&self, arguments: &[&str]) -> Child {
        let arguments = [&["-l", "info", "listen"], arguments].concat();
        let listener = self.start(&arguments);
        listener.wait_for_stderr("listening");
        listener
    }

    /// A client of the link in this process.
    pub(crate) fn client(&self, stop: Stop) -> LinkClient {
        let config = GroundConfig::find(Some(&self.config)).unwrap();
        let mut link = config.link(Some("uhf")).unwrap().clone();
        // By default it would stand in the home of whoever runs the tests.
        link.archive = None;
        LinkClient::new(link, &RuntimeDir::open(self.runtime_dir()).unwrap(), stop)
    }

    /// The socket of whoever holds the link.
    pub(crate) fn socket(&self) -> PathBuf {
        let mut files = fs::read_dir(self.runtime_dir()).unwrap();
        let is_socket = |path: &PathBuf| path.extension().is_some_and(|end| end == "sock");
        let socket = files.find_map(|file| Some(file.unwrap().path()).filter(is_socket));
        socket.unwrap()
    }

    /// A connection to whoever holds the link.
    pub(crate) fn connect(&self) -> UnixStream {
        UnixStream::connect(self.socket()).unwrap()
    }

    /// An app on the satellite sends a datagram down.
    pub(crate) fn downlink(&self, octets: &[u8]) {
        let app = UdpSocket::bind(LOCALHOST).unwrap();
        app.send_to(octets, ("127.0.0.1", self.downlink_port))
            .unwrap();
    }

    /// Octets of the largest message.
    pub(crate) fn message_bytes_max() -> usize {
        LinkConfig::new(comms_service::message::End::Ground).message_bytes_max
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take() {
            flight.shutdown();
        }
    }
}

/// A port that is free, and stays so: it is none of those from which the system
/// gives a port to who asks for any, and no other test of this process gets it.
fn free_udp_port() -> SocketAddr {
    static DRAWN: AtomicU32 = AtomicU32::new(0);
    // Tests of other processes begin somewhere else.
    let first = std::process::id().wrapping_mul(64);
    loop {
        let drawn = first.wrapping_add(DRAWN.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(drawn % 12_000).unwrap();
        if let Ok(socket) = UdpSocket::bind(("127.0.0.1", port)) {
            return socket.local_addr().unwrap();
        }
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

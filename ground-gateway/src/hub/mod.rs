//! The process that holds a link: it owns the radio and serves all commands
//! that want it, its own too.
//!
//! | thread | does |
//! |---|---|
//! | `accept` | takes connections on the Unix socket, at most `CLIENTS_MAX` |
//! | `client-N` | reads one request, answers it |
//! | `route` | gives what the link does to the client that waits for it |
//! | `archive` | writes what the radio heard to the packet archive, where that is enabled |
//! | `delivery` | brings what the agent on board sent to its directory or bucket, where that is said |
//! | `files`, `file-events` | the file entity, and what it tells, on a link that has one |
//!
//! and the link's own three.

mod files;
mod listeners;
pub(crate) mod protocol;
mod radio;
mod serve;
mod shared;

use std::fs;
use std::io;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use comms_service::ground::{GroundControls, GroundLink};
use comms_service::link::Action;
use crossbeam_channel::{Receiver, Sender, bounded, select};
use file_delivery::agent::FileAgent;
use file_delivery::setup;
use radio_hal::config::Transport;
use radio_hal::{ErrorKind, RadioConfig, RadioConnection, RadioError};

pub use protocol::Heard;
pub(crate) use protocol::REPLIES_MAX;

use crate::archive::ArchiveThread;
use crate::config::GroundLinkConfig;
use crate::delivery::{Beginning, DeliveryThread};
use crate::error::GroundError;
use crate::runtime::{LinkLock, LinkPaths, RUNTIME_DIR_VARIABLE};
use files::RunningFiles;
use serve::REPLY_TIMEOUT;
use shared::Shared;

/// Longest wait of a `read` here, so that a hub leaves quickly.
const READ_TIMEOUT_MAX: Duration = Duration::from_millis(50);
/// A hub that was killed loses its lock a moment before its radio.
const RADIO_FREE_WAIT_MAX: Duration = Duration::from_millis(500);
const RADIO_FREE_PAUSE: Duration = Duration::from_millis(20);
/// How long the threads of clients may take to notice that it is over.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before the next look whether the accepting thread has ended.
const ACCEPTOR_PAUSE: Duration = Duration::from_millis(1);
/// Pause after a connection that the system did not give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A link held by this process.
pub(crate) struct Hub {
    shared: Arc<Shared>,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
    /// The routing thread; it ends when the sender is dropped.
    routing: Option<(Sender<()>, JoinHandle<()>)>,
    files: Option<RunningFiles>,
    delivery: Option<DeliveryThread>,
    /// Writes what was heard until the link is closed.
    archive: Option<ArchiveThread>,
    paths: LinkPaths,
    // Last: whoever gets the lock finds the radio free.
    _lock: LinkLock,
}

impl Hub {
    /// Opens the radio and the socket of `config`, for whoever holds its lock.
    pub(crate) fn open(
        config: &GroundLinkConfig,
        paths: &LinkPaths,
        lock: LinkLock,
    ) -> Result<Self, GroundError> {
        let archive = ArchiveThread::start(config)?;
        let (link, actions, files) = start_link(config, archive.as_ref())?;
        let known = files.as_ref().map(|running| Arc::clone(&running.files));
        let shared = Arc::new(Shared::new(config.clone(), link, known));
        let mut hub = Hub {
            shared: Arc::clone(&shared),
            stopping: Arc::new(AtomicBool::new(false)),
            acceptor: None,
            routing: None,
            files,
            delivery: None,
            archive,
            paths: paths.clone(),
            _lock: lock,
        };
        let (end, ended) = bounded(0);
        let routed = Arc::clone(&shared);
        let thread = spawn("route", move || route(&routed, &actions, &ended))?;
        hub.routing = Some((end, thread));
        hub.delivery = start_delivery(config, hub.files.as_ref())?;
        let listener = bind(&paths.socket).map_err(|source| GroundError::RuntimeFile {
            doing: "listen on",
            path: paths.socket.clone(),
            source,
        })?;
        let stopping = Arc::clone(&hub.stopping);
        hub.acceptor = Some(spawn("accept", move || {
            accept(&shared, &listener, &stopping);
        })?);
        log::info!("link `{}`: held by this process", config.name);
        Ok(hub)
    }

    /// How many commands, of whomever, are not done.
    pub(crate) fn commands_open(&self) -> usize {
        self.shared.commands_open()
    }

    fn stop_accepting(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        // It waits for a connection: this is one, unless the socket is not there
        // any more or is another's. Then the thread ends with the process.
        drop(self.paths.connect());
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        while !acceptor.is_finished() {
            if Instant::now() >= deadline {
                return;
            }
            thread::sleep(ACCEPTOR_PAUSE);
        }
        let _ = acceptor.join();
        let _ = fs::remove_file(&self.paths.socket);
    }
}

/// Leaves: waits for the commands that are under way, each within its own
/// time-outs, then lets go of everything. Clients that listen, or whose request
/// was not accepted, take over.
impl Drop for Hub {
    fn drop(&mut self) {
        self.shared.drain(REPLY_TIMEOUT);
        drop(self.delivery.take());
        self.shared.close_files();
        if let Some(files) = &self.files {
            files.close();
            files.settle();
        }
        self.stop_accepting();
        // In the order in which messages flow, so that none is left behind.
        self.shared.close_link();
        if let Some((end, thread)) = self.routing.take() {
            drop(end);
            let _ = thread.join();
        }
        drop(self.archive.take());
        self.shared.close_clients(CLOSE_TIMEOUT);
        // Before the lock: the next hub has the same root and journal.
        drop(self.files.take());
        log::info!("link `{}`: released", self.shared.config.name);
    }
}

type Started = (GroundLink, Receiver<Action>, Option<RunningFiles>);

fn start_link(
    config: &GroundLinkConfig,
    archive: Option<&ArchiveThread>,
) -> Result<Started, GroundError> {
    let link = || config.name.clone();
    let asked = config.radio.read_timeout();
    let asked = match config.comms.read_timeout_ms {
        Some(ms) => asked.min(Duration::from_millis(ms.max(1))),
        None => asked,
    };
    let radio = config.radio.clone();
    let connection = radio
        .with_read_timeout(asked.min(READ_TIMEOUT_MAX))
        .map_err(Into::into)
        .and_then(|radio| open_radio(&radio, archive).map_err(|error| explained(error, &radio)))
        .map_err(|source| GroundError::Radio {
            link: link(),
            source,
        })?;
    let agent = config.files.as_ref().map(setup::open).transpose();
    let agent = agent.map_err(|source| GroundError::Files {
        link: link(),
        source,
    })?;
    let controls = GroundControls {
        read: Arc::new(comms_service::radio::read),
        write: Arc::new(radio::write()),
        radio_bytes_max: connection.packet_bytes_max(),
        read_timeout: connection.read_timeout(),
        pdus: agent.as_ref().map(FileAgent::receiver),
        connection,
        options: config.comms.clone(),
        addresses: config.addresses,
    };
    let (ground, actions) = GroundLink::start(controls).map_err(|source| GroundError::Start {
        link: link(),
        source,
    })?;
    let files = match (&config.files, agent, ground.pdu_sender()) {
        (Some(settings), Some(agent), Some(pdus)) => {
            Some(RunningFiles::start(config, settings, agent, pdus)?)
        }
        _ => None,
    };
    Ok((ground, actions, files))
}

fn start_delivery(
    config: &GroundLinkConfig,
    running: Option<&RunningFiles>,
) -> Result<Option<DeliveryThread>, GroundError> {
    let (Some(settings), Some(files), Some(running)) = (&config.delivery, &config.files, running)
    else {
        return Ok(None);
    };
    let beginning = Beginning {
        settings,
        satellite: &config.satellite,
        files,
        ground: running.files.clone(),
    };
    let started = DeliveryThread::start(&beginning);
    started.map(Some).map_err(|problem| GroundError::Delivery {
        link: config.name.clone(),
        problem,
    })
}

fn open_radio(
    radio: &RadioConfig,
    archive: Option<&ArchiveThread>,
) -> Result<RadioConnection, RadioError> {
    let open = || match archive {
        Some(archive) => radio.open_watched(archive.tap()),
        None => radio.open(),
    };
    let deadline = Instant::now() + RADIO_FREE_WAIT_MAX;
    loop {
        match open() {
            Err(error) if error.kind() == ErrorKind::Unavailable && Instant::now() < deadline => {
                thread::sleep(RADIO_FREE_PAUSE);
            }
            opened => return opened,
        }
    }
}

/// Says who may have the radio, where somebody has it: not another process of
/// this link, since nobody is at its socket.
pub(crate) fn explained(error: RadioError, radio: &RadioConfig) -> RadioError {
    let Transport::Udp { bind, .. } = radio.transport() else {
        return error;
    };
    // The error itself does not tell.
    match UdpSocket::bind(bind) {
        Err(again) if again.kind() == io::ErrorKind::AddrInUse => RadioError::new(
            error.kind(),
            format!(
                "another program has the UDP address {bind}, and so the radio: another `ground` \
                 with another configuration, {RUNTIME_DIR_VARIABLE} or XDG_RUNTIME_DIR, or a \
                 flatsat; end it, or choose another local address"
            ),
        ),
        _ => error,
    }
}

fn bind(socket: &Path) -> io::Result<UnixListener> {
    // Left by a hub that was killed: we have the lock, so it is nobody's.
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    // The directory is closed to others already.
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, GroundError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| GroundError::System {
            what: "a thread",
            problem: error.to_string(),
        })
}

fn route(shared: &Shared, actions: &Receiver<Action>, ended: &Receiver<()>) {
    loop {
        select! {
            recv(actions) -> action => match action {
                Ok(action) => shared.route(action),
                Err(_) => return,
            },
            recv(ended) -> _ => break,
        }
    }
    while let Ok(action) = actions.try_recv() {
        shared.route(action);
    }
}

fn accept(shared: &Arc<Shared>, listener: &UnixListener, stopping: &AtomicBool) {
    for stream in listener.incoming() {
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let started = stream.and_then(|stream| start_client(shared, stream));
        if let Err(error) = started {
            log::debug!("a client could not be served: {error}");
            thread::sleep(ACCEPT_PAUSE);
        }
    }
}

fn start_client(shared: &Arc<Shared>, mut stream: UnixStream) -> io::Result<()> {
    let client = match shared.add_client(stream.try_clone()?) {
        Ok(client) => client,
        // A short line: the socket takes it without waiting.
        Err(refused) => return serve::refuse(&mut stream, refused),
    };
    let own = Present {
        shared: Arc::clone(shared),
        client,
    };
    // Where the thread does not start, `own` is dropped with its closure.
    thread::Builder::new()
        .name(format!("client-{client}"))
        .spawn(move || {
            if let Err(error) = serve::serve(&own.shared, own.client, stream) {
                log::debug!("client {}: {error}", own.client);
            }
        })?;
    Ok(())
}

/// A client on the list, until this is dropped.
struct Present {
    shared: Arc<Shared>,
    client: u64,
}

impl Drop for Present {
    fn drop(&mut self) {
        self.shared.remove_client(self.client);
    }
}

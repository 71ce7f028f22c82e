//! The thread of gRPC: its ports, its calls to payloads, and its end.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use payload_interface::{AppName, CallId, CallOutcome, Callback};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::access::{App, Guard, SessionError, Sessions};
use super::callbacks::{Ask, Dial, Outbox};
use super::front::{Front, GrpcEvent, Payloads};
use super::limits::Limits;
use super::refusals::Refusals;
use super::server::{Calls, Listener, Served, Stopped, listen};
use super::tls::{self, Identity};

/// What gRPC runs with.
#[derive(Debug)]
pub struct Config {
    /// Where apps call, encrypted.
    pub addr: SocketAddr,
    /// Where those call whose calls everybody may read.
    pub plain_addr: Option<SocketAddr>,
    /// Who the controller is.
    pub identity: Identity,
    /// The apps.
    pub apps: Vec<App>,
    /// Where sessions are kept.
    pub sessions: PathBuf,
    /// How much of everything there is.
    pub limits: Limits,
}

/// Why gRPC did not start. No thread is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on: it is in use, not ours, or not permitted.
    #[error("cannot listen on {address} for payloads: {cause}; choose another address")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        cause: io::Error,
    },
    /// A key is not its certificate's, or of a kind that is not known.
    #[error("{0}: `payload-controller provision --renew` makes another certificate")]
    Identity(#[from] rustls::Error),
    /// Sessions cannot be kept.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The operating system refused something that is needed to run.
    #[error("cannot start the gRPC of payloads: {0}")]
    System(#[from] io::Error),
}

/// Running gRPC. Dropped, it takes no more calls, lets those under way finish, and waits for
/// its thread: at most [`Limits::stop_timeout`] and a little more. Calls to apps that have not
/// ended by then are not told any more.
#[derive(Debug)]
pub struct Grpc {
    local_addr: SocketAddr,
    local_plain_addr: Option<SocketAddr>,
    asks: Arc<Asks>,
    refusals: Arc<Refusals>,
    /// Taken when it stops.
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

/// What is asked of each app's task.
struct Asks {
    apps: BTreeMap<AppName, mpsc::UnboundedSender<Ask>>,
    sessions: Arc<Sessions>,
    front: Arc<dyn Front>,
}

impl Grpc {
    /// Begins from a thread named `payload-grpc`. When this returns, connections are taken.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(config: Config, front: Arc<dyn Front>) -> Result<Self, StartError> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let names = config.apps.iter().map(|app| &app.name);
        let sessions = Arc::new(Sessions::open(&config.sessions, names)?);
        let certificates = config.apps.iter();
        let certificates = certificates.filter_map(|app| app.security.certificate().cloned());
        let encryption = tls::server(&config.identity, certificates.collect())?;
        let mut listeners = vec![bind(&runtime, config.addr, Some(encryption))?];
        if let Some(addr) = config.plain_addr {
            listeners.push(bind(&runtime, addr, None)?);
        }
        let mut addrs = listeners.iter().map(|(addr, _)| *addr);
        let local_addr = addrs.next().unwrap_or(config.addr);
        let local_plain_addr = addrs.next();

        let apps: Vec<Arc<App>> = config.apps.into_iter().map(Arc::new).collect();
        let mut asks = BTreeMap::new();
        let mut outboxes = Vec::new();
        for app in &apps {
            let certificate = app.security.certificate();
            let encryption = certificate
                .map(|certificate| tls::client(&config.identity, certificate.clone()))
                .transpose()?;
            let (ask, asked) = mpsc::unbounded_channel();
            asks.insert(app.name.clone(), ask);
            let outbox = Outbox {
                app: Arc::clone(app),
                dial: Dial {
                    addr: app.callbacks,
                    encryption,
                },
                sessions: Arc::clone(&sessions),
                front: Arc::clone(&front),
                limits: config.limits,
            };
            outboxes.push((outbox, asked));
        }
        let refusals = Refusals::new(Arc::clone(&front), config.limits.refusal_events_max);
        let refusals = Arc::new(refusals);
        let served = Arc::new(Served::new(
            Guard::new(apps, Arc::clone(&sessions)),
            Calls::new(Arc::clone(&front), Arc::clone(&refusals), config.limits),
            Arc::clone(&refusals),
            config.limits,
        ));
        let listeners = listeners
            .into_iter()
            .map(|(_, listener)| listener)
            .collect();
        let (stop, stopped) = watch::channel(false);
        let thread = thread::Builder::new()
            .name("payload-grpc".to_owned())
            .spawn(move || runtime.block_on(run(listeners, served, outboxes, stopped)))?;
        let asks = Arc::new(Asks {
            apps: asks,
            sessions,
            front,
        });
        Ok(Grpc {
            local_addr,
            local_plain_addr,
            asks,
            refusals,
            running: Some((stop, thread)),
        })
    }

    /// The address that apps call, with the port it was given.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The one for calls that everybody may read.
    #[must_use]
    pub fn local_plain_addr(&self) -> Option<SocketAddr> {
        self.local_plain_addr
    }

    /// What calls apps.
    #[must_use]
    pub fn payloads(&self) -> Arc<dyn Payloads> {
        Arc::clone(&self.asks) as Arc<dyn Payloads>
    }

    /// How many calls were refused, of each reason: `unknown`, `elsewhere`,
    /// `wrong_connection`, `no_session`, `invalid`, `busy`.
    #[must_use]
    pub fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.refusals.counts()
    }

    /// The same for whoever asks again and again.
    pub fn refusal_counter(&self) -> impl Fn() -> BTreeMap<&'static str, u64> + use<> {
        let refusals = Arc::clone(&self.refusals);
        move || refusals.counts()
    }
}

impl Drop for Grpc {
    fn drop(&mut self) {
        let Some((stop, thread)) = self.running.take() else {
            return;
        };
        // It fails only if the thread is gone already, which the join reports.
        let _ = stop.send(true);
        if thread.join().is_err() {
            log::error!("the thread of the payloads' gRPC panicked");
        }
    }
}

impl Payloads for Asks {
    fn call(&self, app: &AppName, id: CallId, callback: Callback, deadline: Duration) {
        let ask = Ask::Call {
            id,
            callback: Box::new(callback),
            deadline,
        };
        if self
            .apps
            .get(app)
            .is_none_or(|asks| asks.send(ask).is_err())
        {
            let why = "there is no such app, or gRPC has stopped".to_owned();
            self.front.event(GrpcEvent::Called {
                app: app.clone(),
                id,
                outcome: CallOutcome::Unreachable(why),
            });
        }
    }

    fn close(&self, app: &AppName) {
        if let Some(asks) = self.apps.get(app) {
            // It fails where gRPC has stopped, and closed all.
            let _ = asks.send(Ask::Close);
        }
    }

    fn forget(&self, app: &AppName) {
        self.sessions.end(app);
    }
}

impl std::fmt::Debug for Asks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.apps.keys()).finish()
    }
}

type Encryption = Option<Arc<rustls::ServerConfig>>;

fn bind(
    runtime: &Runtime,
    address: SocketAddr,
    encryption: Encryption,
) -> Result<(SocketAddr, Listener), StartError> {
    let bind_error = |cause| StartError::Bind { address, cause };
    let socket = StdListener::bind(address).map_err(bind_error)?;
    let local_addr = socket.local_addr().map_err(bind_error)?;
    socket.set_nonblocking(true)?;
    let _inside = runtime.enter();
    let socket = TcpListener::from_std(socket)?;
    Ok((local_addr, Listener { socket, encryption }))
}

/// The thread.
async fn run(
    listeners: Vec<Listener>,
    served: Arc<Served>,
    outboxes: Vec<(Outbox, mpsc::UnboundedReceiver<Ask>)>,
    stopped: Stopped,
) {
    for (outbox, asked) in outboxes {
        tokio::spawn(outbox.run(asked));
    }
    let mut listening = JoinSet::new();
    for listener in listeners {
        listening.spawn(listen(listener, Arc::clone(&served), stopped.clone()));
    }
    while listening.join_next().await.is_some() {}
}

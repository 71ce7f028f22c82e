//! Running gRPC, an app's files, and a desk that decides as it is told to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use heliograph_tests::payload::{PATIENCE, Payload, generate};
use heliograph_tests::ports::free_tcp_port;
use heliograph_tests::wait::eventually;
use payload_controller::grpc::{
    Answered, Connection, Front, Grpc, GrpcEvent, Limits, Peer, Refusal, Reply, Settings,
};
use payload_controller::provision::{Protection, Renew, provision};
use payload_interface::{
    Answer, AppName, AppNumber, CallId, CallOutcome, Callback, Profile, Request,
};
use tempfile::TempDir;

/// What a callback may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);

/// Apps, their files, and where everybody is.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    apps: Vec<(AppName, AppNumber, Connection)>,
}

type Does = Box<dyn FnMut(&AppName, &Request, Reply) + Send>;

/// What decides, here.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) requests: Mutex<Vec<(AppName, Peer, Request)>>,
    pub(crate) events: Mutex<Vec<GrpcEvent>>,
    /// What is done with a reply; it is accepted, where nothing is said.
    does: Mutex<Option<Does>>,
}

impl Front for Desk {
    fn request(&self, app: &AppName, peer: &Peer, request: Request, reply: Reply) {
        let taken = (app.clone(), peer.clone(), request.clone());
        self.requests.lock().unwrap().push(taken);
        match &mut *self.does.lock().unwrap() {
            Some(does) => does(app, &request, reply),
            None => reply.answer(Answer::accepted()),
        }
    }

    fn event(&self, event: GrpcEvent) {
        self.events.lock().unwrap().push(event);
    }
}

impl Desk {
    pub(crate) fn does(&self, does: impl FnMut(&AppName, &Request, Reply) + Send + 'static) {
        *self.does.lock().unwrap() = Some(Box::new(does));
    }

    /// The requests that came so far.
    pub(crate) fn taken(&self) -> Vec<Request> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .map(|(_, _, request)| request.clone())
            .collect()
    }

    /// The first event that is one of those.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, find: impl Fn(&GrpcEvent) -> Option<T>) -> T {
        eventually(PATIENCE, || {
            self.events.lock().unwrap().iter().find_map(&find)
        })
    }

    /// How a callback ended.
    #[track_caller]
    pub(crate) fn outcome(&self, wanted: CallId) -> CallOutcome {
        self.wait_for(|event| match event {
            GrpcEvent::Called { id, outcome, .. } if *id == wanted => Some(outcome.clone()),
            _ => None,
        })
    }

    /// Why something was refused, the first time.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (Option<AppName>, Refusal) {
        self.wait_for(|event| match event {
            GrpcEvent::Refused { app, why, .. } => Some((app.clone(), why.clone())),
            _ => None,
        })
    }

    /// The first answer that left, or did not.
    #[track_caller]
    pub(crate) fn answered(&self) -> Answered {
        self.wait_for(|event| match event {
            GrpcEvent::Answered(answered) => Some(answered.clone()),
            _ => None,
        })
    }
}

/// What runs.
pub(crate) struct Running {
    pub(crate) desk: Arc<Desk>,
    pub(crate) grpc: Grpc,
}

impl Running {
    /// Calls an app.
    pub(crate) fn call(&self, app: &str, id: u64, callback: impl Into<Callback>) -> CallId {
        self.call_within(app, id, callback, DEADLINE)
    }

    pub(crate) fn call_within(
        &self,
        app: &str,
        id: u64,
        callback: impl Into<Callback>,
        deadline: Duration,
    ) -> CallId {
        let id = CallId(id);
        let payloads = self.grpc.payloads();
        payloads.call(&name(app), id, callback.into(), deadline);
        id
    }

    /// Calls an app, and waits for what comes of it.
    #[track_caller]
    pub(crate) fn called(&self, app: &str, id: u64, callback: impl Into<Callback>) -> CallOutcome {
        let id = self.call(app, id, callback);
        self.desk.outcome(id)
    }
}

pub(crate) fn name(app: &str) -> AppName {
    app.parse().unwrap()
}

/// The code that is generated for Python, once for all tests.
fn generated() -> &'static TempDir {
    static GENERATED: OnceLock<TempDir> = OnceLock::new();
    GENERATED.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        generate(folder.path());
        folder
    })
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

impl Site {
    pub(crate) fn new() -> Site {
        let folder = TempDir::new().unwrap();
        let settings = Settings {
            addr: loopback(free_tcp_port()),
            plain_addr: Some(loopback(free_tcp_port())),
            credentials: folder.path().join("credentials"),
            known_as: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        };
        Site {
            folder,
            settings,
            limits: Limits::default(),
            apps: Vec::new(),
        }
    }

    /// One app, as the original has it.
    pub(crate) fn with_camera() -> (Site, Payload) {
        let mut site = Site::new();
        let camera = site.app("camera", Protection::Cookie);
        (site, camera)
    }

    /// Another app, and its files.
    pub(crate) fn app(&mut self, app: &str, security: Protection) -> Payload {
        self.app_with(app, |connection| connection.security = security)
    }

    pub(crate) fn app_with(&mut self, app: &str, change: impl FnOnce(&mut Connection)) -> Payload {
        let mut connection = Connection {
            callbacks: loopback(free_tcp_port()),
            calls_from: None,
            controller: None,
            security: Protection::Cookie,
            profile: Profile::Exact,
        };
        change(&mut connection);
        let number = u16::try_from(self.apps.len() + 1).unwrap();
        let number = AppNumber::try_from(number).unwrap();
        let app = name(app);
        let order = self
            .settings
            .order(&app, number, &connection, Renew::default());
        let made = provision(&order.unwrap()).unwrap();
        self.apps.push((app, number, connection));
        Payload::new(generated().path(), &made.folder)
    }

    /// Runs it.
    pub(crate) fn start(&self) -> Running {
        let apps = self.apps.iter();
        let apps = apps.map(|(app, number, connection)| (app, *number, connection));
        let mut config = self.settings.config(apps).unwrap();
        config.limits = self.limits;
        let desk = Arc::new(Desk::default());
        let grpc = Grpc::start(config, Arc::clone(&desk) as Arc<dyn Front>).unwrap();
        Running { desk, grpc }
    }
}

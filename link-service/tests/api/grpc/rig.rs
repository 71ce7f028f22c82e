//! A desk on a disk in memory, a port, and clients that show the tokens of apps.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use link_service::access::Access;
use link_service::api::grpc::messages::link_client::LinkClient;
use link_service::api::grpc::messages::link_reference::Reference;
use link_service::api::grpc::messages::link_request::LinkType;
use link_service::api::grpc::messages::{
    AcknowledgeRequest, Delivery, LinkReference, LinkRequest, LinkResponse, ListRequest,
    ListResponse, Priority, ReceiveRequest, RequestHeader, ResponseHeader, StatusCodes,
};
use link_service::api::grpc::{Calls, GrpcServer, Limits};
use link_service::api::json::Way;
use link_service::api::{LiveTokens, Pool, Tokens};
use link_service::desk::DeskLimits;
use link_service::folders::memory::MemoryDisk;
use link_service::queue::Route;
use service_host::config_file::ConfigFile;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::rig::Rig;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str = "
[[link-service.apps]]
id = 'camera'
[[link-service.apps]]
id = 'analyser'
[[link-service.apps]]
id = 'archive'
[[link-service.policy]]
from = 'camera'
to = 'analyser'
size-max = 1000
priority-max = 'critical'
[[link-service.policy]]
from = 'camera'
to = 'archive'
[[link-service.policy]]
from = 'camera'
to = 'ground'
";

pub(crate) struct GrpcRig {
    /// Dropped first, with all connections: no server waits for a client that is not run.
    runtime: Runtime,
    pub(crate) rig: Rig,
    pub(crate) tokens: Arc<LiveTokens>,
    pub(crate) server: Option<GrpcServer>,
    pub(crate) addr: SocketAddr,
}

/// The token of an app.
pub(crate) fn token(app: &str) -> String {
    format!("{app}-0123456789abcdef")
}

/// The tokens of these apps.
pub(crate) fn tokens(apps: &[&str]) -> Tokens {
    let folder = TempDir::new().unwrap();
    let config = apps.iter().map(|app| {
        let path = folder.path().join(app);
        fs::write(&path, token(app)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let path = path.display();
        format!("[[link-service.apps]]\nid = '{app}'\ntoken-file = '{path}'\n")
    });
    let config: String = config.collect();
    let file = ConfigFile {
        table: config.parse().unwrap(),
        path: None,
    };
    Tokens::read(Access::read(&file).unwrap().registry()).unwrap()
}

impl GrpcRig {
    pub(crate) fn new() -> GrpcRig {
        GrpcRig::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> GrpcRig {
        let desk_limits = DeskLimits {
            links: [Route::Downlink].into(),
            ..DeskLimits::default()
        };
        let rig = Rig::of(CONFIG, MemoryDisk::new(1), desk_limits);
        let tokens = tokens(&["camera", "analyser", "archive"]);
        let tokens = Arc::new(LiveTokens::new(tokens));
        let calls = Calls {
            desk: Arc::clone(&rig.desk),
            pool: Arc::new(Pool::start(4).unwrap()),
            way: Way::Token(Arc::clone(&tokens)),
        };
        let server = GrpcServer::start_with(([127, 0, 0, 1], 0).into(), calls, limits).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build();
        GrpcRig {
            rig,
            tokens,
            addr: server.local_addr(),
            server: Some(server),
            runtime: runtime.unwrap(),
        }
    }

    /// Transfers run from now on.
    pub(crate) fn run(mut self) -> GrpcRig {
        self.rig = self.rig.run();
        self
    }

    /// What goes on in a client.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let bounded = async { tokio::time::timeout(PATIENCE, future).await };
        self.runtime.block_on(bounded).expect("it takes too long")
    }

    /// A client of an app.
    pub(crate) fn at(&self, app: &str) -> Client {
        self.block_on(Client::connect(
            self.addr,
            &format!("Bearer {}", token(app)),
        ))
    }
}

/// A client that shows a token.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) calls: LinkClient<Channel>,
    authorization: String,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr, authorization: &str) -> Client {
        let endpoint = Endpoint::from_shared(format!("http://{addr}")).unwrap();
        Client {
            calls: LinkClient::new(endpoint.connect().await.unwrap()),
            authorization: authorization.to_owned(),
        }
    }

    /// With the token.
    pub(crate) fn with<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let shown = self.authorization.parse().unwrap();
        request.metadata_mut().insert("authorization", shown);
        request
    }

    pub(crate) async fn send(&self, message: LinkRequest) -> LinkResponse {
        let answer = self.calls.clone().send(self.with(message)).await;
        answer.unwrap().into_inner()
    }

    pub(crate) async fn open(&self, message: LinkRequest) -> Streaming<LinkResponse> {
        let answers = self.calls.clone().follow(self.with(message)).await;
        answers.unwrap().into_inner()
    }

    /// All that is told of it.
    pub(crate) async fn follow(&self, message: LinkRequest) -> Vec<LinkResponse> {
        let mut answers = self.open(message).await;
        let mut all = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            all.push(answer);
        }
        all
    }

    pub(crate) async fn status(&self, reference: Option<Reference>) -> LinkResponse {
        let message = LinkReference { reference };
        let answer = self.calls.clone().status(self.with(message)).await;
        answer.unwrap().into_inner()
    }

    pub(crate) async fn cancel(&self, reference: Option<Reference>) -> LinkResponse {
        let message = LinkReference { reference };
        let answer = self.calls.clone().cancel(self.with(message)).await;
        answer.unwrap().into_inner()
    }

    pub(crate) async fn list(&self, message: ListRequest) -> Result<ListResponse, Status> {
        let answer = self.calls.clone().list(self.with(message)).await;
        answer.map(tonic::Response::into_inner)
    }

    pub(crate) async fn receive(&self, only_present: bool) -> Streaming<Delivery> {
        let message = ReceiveRequest { only_present };
        let deliveries = self.calls.clone().receive(self.with(message)).await;
        deliveries.unwrap().into_inner()
    }

    /// What is there and not acknowledged.
    pub(crate) async fn unread(&self) -> Vec<Delivery> {
        let mut deliveries = self.receive(true).await;
        let mut all = Vec::new();
        while let Some(delivery) = deliveries.message().await.unwrap() {
            all.push(delivery);
        }
        all
    }

    pub(crate) async fn acknowledge(&self, id: &str, keep_files: bool) -> Result<(), Status> {
        let id = id.to_owned();
        let message = AcknowledgeRequest { id, keep_files };
        let done = self.calls.clone().acknowledge(self.with(message)).await;
        done.map(|_| ())
    }
}

/// A file of the camera for an app.
pub(crate) fn request(tracking_id: &str, file: &str, to: &str) -> LinkRequest {
    LinkRequest {
        request_header: Some(RequestHeader {
            tracking_id: tracking_id.to_owned(),
            ..RequestHeader::default()
        }),
        link_type: LinkType::App2app.into(),
        priority: Priority::Medium.into(),
        file_name: file.to_owned(),
        destination_app_id: to.to_owned(),
        ..LinkRequest::default()
    }
}

pub(crate) fn header(answer: &LinkResponse) -> &ResponseHeader {
    answer.response_header.as_ref().unwrap()
}

/// The status and the precise code.
pub(crate) fn said(answer: &LinkResponse) -> (StatusCodes, &str) {
    let header = header(answer);
    let status = StatusCodes::try_from(header.status).unwrap();
    (status, &header.metadata["heliograph-code"])
}

pub(crate) fn id(answer: &LinkResponse) -> String {
    header(answer).metadata["heliograph-id"].clone()
}

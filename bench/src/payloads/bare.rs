//! The least: a server of `tonic` on one thread, encrypted, that says yes.

use std::fs;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::path::PathBuf;

use anyhow::Result;
use payload_interface::extension::payload_controller_server::{
    PayloadController, PayloadControllerServer,
};
use payload_interface::extension::{
    Acknowledgement, CloseSessionRequest, SequenceProgress, SequenceResult, SessionRequest,
    SessionStatus,
};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

use crate::child;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    certificate: PathBuf,
    key: PathBuf,
}

/// Runs it until who started it has gone. The ready line names its port.
///
/// # Errors
/// When it does not start.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let identity = Identity::from_pem(fs::read(&arguments.certificate)?, fs::read(&arguments.key)?);
    let socket = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    let port = socket.local_addr()?.port();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let incoming = TcpIncoming::from(TcpListener::from_std(socket)?).with_nodelay(Some(true));
        let server = Server::builder()
            .tls_config(ServerTlsConfig::new().identity(identity))?
            .add_service(PayloadControllerServer::new(SaysYes));
        child::ready(&[port])?;
        child::end_when_alone();
        server.serve_with_incoming(incoming).await?;
        Ok(())
    })
}

struct SaysYes;

impl SaysYes {
    fn yes() -> Response<Acknowledgement> {
        Response::new(Acknowledgement::default())
    }
}

#[tonic::async_trait]
impl PayloadController for SaysYes {
    async fn report_progress(
        &self,
        _: Request<SequenceProgress>,
    ) -> Result<Response<Acknowledgement>, Status> {
        Ok(Self::yes())
    }

    async fn report_result(
        &self,
        _: Request<SequenceResult>,
    ) -> Result<Response<Acknowledgement>, Status> {
        Ok(Self::yes())
    }

    async fn get_session(
        &self,
        _: Request<SessionRequest>,
    ) -> Result<Response<SessionStatus>, Status> {
        Ok(Response::new(SessionStatus {
            acknowledgement: Some(Acknowledgement::default()),
            ..SessionStatus::default()
        }))
    }

    async fn close_session(
        &self,
        _: Request<CloseSessionRequest>,
    ) -> Result<Response<Acknowledgement>, Status> {
        Ok(Self::yes())
    }
}

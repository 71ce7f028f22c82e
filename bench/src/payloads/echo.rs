//! A bare tonic server: nobody is asked who it is, and the answer is always the same.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use anyhow::Result;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use payload_interface::extension::payload_controller_server::{
    PayloadController, PayloadControllerServer,
};
use payload_interface::extension::{
    Acknowledgement, CloseSessionRequest, SequenceProgress, SequenceResult, SessionRequest,
    SessionStatus,
};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tonic::codegen::Service as _;
use tonic::{Request, Response, Status};

use crate::child;

struct Echo;

#[tonic::async_trait]
impl PayloadController for Echo {
    async fn report_progress(
        &self,
        _: Request<SequenceProgress>,
    ) -> Result<Response<Acknowledgement>, Status> {
        Ok(Response::new(Acknowledgement::default()))
    }

    async fn report_result(
        &self,
        _: Request<SequenceResult>,
    ) -> Result<Response<Acknowledgement>, Status> {
        Ok(Response::new(Acknowledgement::default()))
    }

    async fn get_session(
        &self,
        _: Request<SessionRequest>,
    ) -> Result<Response<SessionStatus>, Status> {
        Ok(Response::new(SessionStatus {
            acknowledgement: Some(Acknowledgement::default()),
            is_registered: true,
            registered_at: 1_800_000_000,
            ..SessionStatus::default()
        }))
    }

    async fn close_session(
        &self,
        _: Request<CloseSessionRequest>,
    ) -> Result<Response<Acknowledgement>, Status> {
        Ok(Response::new(Acknowledgement::default()))
    }
}

/// Runs it until who started it has gone. The ready line names its port.
///
/// # Errors
/// When there is no socket, or nobody to be told.
pub(crate) fn run() -> Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        child::ready(&[listener.local_addr()?.port()])?;
        child::end_when_alone();
        let server = PayloadControllerServer::new(Echo);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let server = server.clone();
            let service = service_fn(move |request| {
                let mut server = server.clone();
                async move {
                    match server.call(request).await {
                        Ok(response) => Ok::<_, Infallible>(response),
                        Err(never) => match never {},
                    }
                }
            });
            let connection = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            // A client that goes costs itself its connection.
            tokio::spawn(async move { drop(connection.await) });
        }
    })
}

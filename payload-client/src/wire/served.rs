//! The port at which the controller calls.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use payload_interface::extension::payload_application_server::{
    PayloadApplication, PayloadApplicationServer,
};
use payload_interface::extension::{Acknowledgement, CancelSequenceRequest};
use payload_interface::messages::antarisapi_application_callback_server::{
    AntarisapiApplicationCallback, AntarisapiApplicationCallbackServer,
};
use payload_interface::messages::*;
use payload_interface::{Callback, ReturnCode};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service as _;

use super::MESSAGE_BYTES_MAX;

/// Connections at once: the controller has one.
const CONNECTIONS_MAX: usize = 8;
/// Calls of one connection at once.
const CALLS_MAX: u32 = 32;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who is called.
pub(crate) trait Callee: Send + Sync + 'static {
    /// A call, in a thread that may wait. What it returns is told the controller.
    fn called(&self, callback: Callback) -> ReturnCode;
}

/// Takes connections until it is dropped. In plain text, only those from `only` are taken.
pub(crate) async fn listen(
    socket: TcpListener,
    encryption: Option<Arc<ServerConfig>>,
    only: Option<IpAddr>,
    callee: Arc<dyn Callee>,
) {
    let acceptor = encryption.map(TlsAcceptor::from);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let served = Served::new(callee);
    loop {
        let (stream, addr) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                log::warn!("cannot take a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let is_welcome = only.is_none_or(|only| only == addr.ip().to_canonical());
        let place = Arc::clone(&places).try_acquire_owned();
        let (true, Ok(place)) = (is_welcome, place) else {
            log::warn!("{addr} is not served");
            continue;
        };
        let (acceptor, served) = (acceptor.clone(), served.clone());
        tokio::spawn(async move {
            serve(stream, acceptor, served).await;
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, acceptor: Option<TlsAcceptor>, served: Served) {
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("cannot set TCP_NODELAY: {error}");
    }
    let Some(acceptor) = acceptor else {
        return speak(stream, served).await;
    };
    match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, served).await,
        Ok(Err(error)) => log::warn!("whoever connected is not the controller: {error}"),
        Err(_) => log::debug!("whoever connected said nothing"),
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S, served: Served) {
    let service = service_fn(move |request| {
        let served = served.clone();
        async move { Ok::<_, Infallible>(served.answer(request).await) }
    });
    let ended = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(CALLS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = ended {
        log::debug!("a connection of the controller ended: {error}");
    }
}

/// Both services.
#[derive(Clone)]
struct Served {
    original: AntarisapiApplicationCallbackServer<Calls>,
    extension: PayloadApplicationServer<Calls>,
}

impl Served {
    fn new(callee: Arc<dyn Callee>) -> Self {
        let calls = Arc::new(Calls(callee));
        let original = AntarisapiApplicationCallbackServer::from_arc(Arc::clone(&calls));
        let extension = PayloadApplicationServer::from_arc(calls);
        Served {
            original: original.max_decoding_message_size(MESSAGE_BYTES_MAX),
            extension: extension.max_decoding_message_size(MESSAGE_BYTES_MAX),
        }
    }

    async fn answer(mut self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        let answered = match path.starts_with("/heliograph.payload.v1.") {
            true => self.extension.call(request).await,
            false => self.original.call(request).await,
        };
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

struct Calls(Arc<dyn Callee>);

impl Calls {
    async fn take(&self, callback: impl Into<Callback>) -> Result<ReturnCode, Status> {
        let mut callback = callback.into();
        if let Err(invalid) = callback.fit(payload_interface::Profile::Exact) {
            log::warn!("{}: {invalid}", callback.rpc());
            return Ok(ReturnCode::INVALID_PARAMS);
        }
        let callee = Arc::clone(&self.0);
        let called = tokio::task::spawn_blocking(move || callee.called(callback)).await;
        called.map_err(|_| Status::internal("the payload panicked"))
    }
}

macro_rules! served {
    ($( $call:ident($message:ty) )+) => {
        #[tonic::async_trait]
        impl AntarisapiApplicationCallback for Calls {
            $(
                async fn $call(
                    &self,
                    request: tonic::Request<$message>,
                ) -> Result<tonic::Response<AntarisReturnType>, Status> {
                    let code = self.take(request.into_inner()).await?;
                    Ok(tonic::Response::new(code.into()))
                }
            )+
        }
    };
}

served! {
    pa_start_sequence(StartSequenceParams)
    pa_shutdown_app(ShutdownParams)
    pa_process_health_check(HealthCheckParams)
    pa_process_response_register(RespRegisterParams)
    pa_process_response_get_current_location(RespGetCurrentLocationParams)
    pa_process_response_stage_file_download(RespStageFileDownloadParams)
    pa_process_response_payload_power_control(RespPayloadPowerControlParams)
    pa_process_req_payload_metrics(ReqPayloadMetricsParams)
    pa_process_resp_gnss_eph_stop_data_req(RespGnssEphStopDataReq)
    pa_process_resp_gnss_eph_start_data_req(RespGnssEphStartDataReq)
    pa_process_gnss_eph_data(GnssEphData)
    pa_process_resp_get_eps_voltage_stop_req(RespGetEpsVoltageStopReq)
    pa_process_resp_get_eps_voltage_start_req(RespGetEpsVoltageStartReq)
    pa_process_get_eps_voltage(GetEpsVoltage)
    pa_process_resp_start_ses_therm_mgmnt_req(RespStartSesThermMgmntReq)
    pa_process_resp_stop_ses_therm_mgmnt_req(RespStopSesThermMgmntReq)
    pa_process_resp_ses_temp_req(RespSesTempReqParams)
    pa_process_resp_ps_temp(RespPsTemp)
    pa_process_ses_thrml_ntf(SesThermalStatusNtf)
    pa_process_resp_pa_sat_os_msg(RespPaSatOsMsg)
    pa_process_sat_os_pa_msg(SatOsPaMsg)
    pa_process_remote_ac_pwr_status_ntf(NtfRemoteAcPwrStatus)
    pa_process_host_to_peer_fcm_operation_notify(HostToPeerFcmOperationNotify)
}

#[tonic::async_trait]
impl PayloadApplication for Calls {
    async fn cancel_sequence(
        &self,
        request: tonic::Request<CancelSequenceRequest>,
    ) -> Result<tonic::Response<Acknowledgement>, Status> {
        let code = self.take(request.into_inner()).await?;
        Ok(tonic::Response::new(Acknowledgement {
            return_code: code.0,
            reason: String::new(),
        }))
    }
}

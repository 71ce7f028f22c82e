//! One connection, and each call on it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use payload_interface::extension::payload_controller_server::PayloadControllerServer;
use payload_interface::messages::antarisapi_payload_controller_server::AntarisapiPayloadControllerServer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service as _;

use super::answered::Tells;
use super::calls::Calls;
use super::listener::Stopped;
use super::places::{Place, Places};
use super::refusal::not_permitted;
use crate::grpc::access::{Guard, Shown, Stranger};
use crate::grpc::front::GrpcEvent;
use crate::grpc::limits::{
    ARRIVAL_TIMEOUT, CALL_WINDOW_BYTES, CONNECTION_WINDOW_BYTES, HANDSHAKE_TIMEOUT,
    HEADERS_BYTES_MAX, Limits, MESSAGE_BYTES_MAX, PING_INTERVAL, PING_TIMEOUT,
    REQUESTS_OF_A_CONNECTION_MAX, SEND_BUFFER_BYTES_MAX,
};
use crate::grpc::refusals::Refusals;

/// The original's service, and the one beside it.
const ORIGINAL: &str = "/antaris_api_peer_to_peer.AntarisapiPayloadController/";
const EXTENSION: &str = "/heliograph.payload.v1.PayloadController/";

/// What all connections share.
pub(in crate::grpc) struct Served {
    pub(super) places: Arc<Places>,
    guard: Guard,
    refusals: Arc<Refusals>,
    original: AntarisapiPayloadControllerServer<Calls>,
    extension: PayloadControllerServer<Calls>,
    limits: Limits,
}

impl Served {
    pub(in crate::grpc) fn new(
        guard: Guard,
        calls: Calls,
        refusals: Arc<Refusals>,
        limits: Limits,
    ) -> Self {
        let calls = Arc::new(calls);
        let original = AntarisapiPayloadControllerServer::from_arc(Arc::clone(&calls));
        let extension = PayloadControllerServer::from_arc(calls);
        Served {
            places: Places::new(limits.connections_max, limits.connections_of_an_app_max),
            guard,
            refusals,
            original: original.max_decoding_message_size(MESSAGE_BYTES_MAX),
            extension: extension.max_decoding_message_size(MESSAGE_BYTES_MAX),
            limits,
        }
    }
}

/// Serves one connection until it ends, has to give way, or the server stops.
pub(super) async fn serve(
    stream: TcpStream,
    addr: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    served: Arc<Served>,
    place: Place,
    stopped: Stopped,
) {
    // Answers are written whole; waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("cannot set TCP_NODELAY: {error}");
    }
    let mut shown = Shown {
        addr,
        is_encrypted: acceptor.is_some(),
        certificate: None,
    };
    let Some(acceptor) = acceptor else {
        return speak(stream, shown, served, place, stopped).await;
    };
    let mut closing = place.closing.clone();
    let handshake = tokio::select! {
        handshake = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)) => handshake,
        _ = closing.wait_for(|is_closing| *is_closing) => return,
    };
    match handshake {
        Ok(Ok(stream)) => {
            let certificates = stream.get_ref().1.peer_certificates();
            let certificate = certificates.and_then(<[_]>::first);
            shown.certificate = certificate.map(|it| it.clone().into_owned());
            speak(stream, shown, served, place, stopped).await;
        }
        Ok(Err(error)) => log::debug!("{addr} and this do not agree on encryption: {error}"),
        Err(_) => log::debug!("{addr} did not agree on encryption in time"),
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    stream: S,
    shown: Shown,
    served: Arc<Served>,
    place: Place,
    mut stopped: Stopped,
) {
    let (stranger_timeout, stop_timeout) =
        (served.limits.stranger_timeout, served.limits.stop_timeout);
    let place = Arc::new(place);
    let mut closing = place.closing.clone();
    let shared = Arc::clone(&place);
    let service = service_fn(move |request| {
        let (served, place) = (Arc::clone(&served), Arc::clone(&shared));
        let shown = shown.clone();
        async move { Ok::<_, Infallible>(answer(&served, &shown, &place, request).await) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(REQUESTS_OF_A_CONNECTION_MAX)
        .initial_stream_window_size(CALL_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let is_strange = async {
        sleep(stranger_timeout).await;
        if place.is_an_apps() {
            std::future::pending::<()>().await;
        }
    };
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = is_strange => None,
        _ = closing.wait_for(|is_closing| *is_closing) => None,
        // It fails where the server is gone.
        _ = stopped.wait_for(|is_stopped| *is_stopped) => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(stop_timeout, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::debug!("a connection of a payload ended: {error}"),
        Err(_) => log::debug!("a connection of a payload was to end and did not: it was dropped"),
    }
}

async fn answer(
    served: &Served,
    shown: &Shown,
    place: &Place,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let path = request.uri().path();
    let original = path.strip_prefix(ORIGINAL);
    let Some(rpc) = original.or_else(|| path.strip_prefix(EXTENSION)) else {
        return Status::unimplemented("there is no such service").into_http();
    };
    let is_original = original.is_some();
    match served.guard.caller(shown, request.headers(), rpc) {
        Ok(caller) => {
            place.is_of(&caller.app.name);
            request.extensions_mut().insert(caller);
        }
        Err(Stranger { app, why }) => {
            let refused = match is_original {
                true => not_permitted(&why),
                false => Status::unauthenticated(why.to_string()).into_http(),
            };
            // What has no name here is not repeated.
            let known = payload_interface::Request::RPCS;
            let rpc = known.iter().find(|known| **known == rpc);
            served.refusals.tell(GrpcEvent::Refused {
                peer: shown.addr,
                app,
                rpc: rpc.unwrap_or(&"?").to_string(),
                why,
            });
            return refused;
        }
    }
    let answered = async {
        match is_original {
            true => served.original.clone().call(request).await,
            false => served.extension.clone().call(request).await,
        }
    };
    let time = ARRIVAL_TIMEOUT + served.limits.answer_timeout;
    let mut response = match timeout(time, answered).await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => Status::deadline_exceeded("the call did not come in time").into_http(),
    };
    match response.extensions_mut().remove::<Tells>() {
        Some(tells) => {
            response.map(|body| Body::new(body.map_frame(move |frame| tells.watch(frame))))
        }
        None => response,
    }
}

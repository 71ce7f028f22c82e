//! One connection, until it has no call any more.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service as _;

use super::calls::Calls;
use super::limits::{
    CALL_WINDOW_BYTES, CALLS_MAX, CONNECTION_WINDOW_BYTES, HEADERS_BYTES_MAX, Limits,
    PING_INTERVAL, PING_TIMEOUT, SEND_BUFFER_BYTES_MAX,
};
use super::messages::link_server::LinkServer;
use crate::folders::Folders;
use crate::journal::Journal;

/// What is served.
pub(super) type Server<F, J> = LinkServer<Arc<Calls<F, J>>>;

/// Calls that have not ended.
type Count = Arc<watch::Sender<usize>>;

/// Serves one connection until it ends, is idle for too long, or the server stops.
pub(super) async fn serve<F: Folders, J: Journal>(
    stream: TcpStream,
    server: Server<F, J>,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are written whole; waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("cannot set TCP_NODELAY: {error}");
    }
    let count: Count = Arc::new(watch::Sender::new(0));
    let mut busy = count.subscribe();
    let service = service_fn(move |request| {
        let call = Call::begin(&count);
        answer(server.clone(), request, call, limits.call_timeout)
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(CALLS_MAX)
        .initial_stream_window_size(CALL_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = idle(&mut busy, limits.idle_timeout) => None,
        // It fails where the server is gone.
        _ = stopping.wait_for(|is_stopping| *is_stopping) => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(limits.stop_timeout, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::debug!("a gRPC connection ended: {error}"),
        Err(_) => log::debug!("a gRPC connection was to end and did not: it was dropped"),
    }
}

/// There was no call for so long.
async fn idle(calls: &mut watch::Receiver<usize>, time: Duration) {
    loop {
        let begun = timeout(time, calls.wait_for(|count| *count > 0)).await;
        if !matches!(begun, Ok(Ok(_))) {
            return;
        }
        drop(begun);
        if calls.wait_for(|count| *count == 0).await.is_err() {
            return;
        }
    }
}

async fn answer<F: Folders, J: Journal>(
    mut server: Server<F, J>,
    request: Request<Incoming>,
    call: Call,
    time: Duration,
) -> Result<Response<Body>, Infallible> {
    let response = match timeout(time, server.call(request)).await {
        Ok(response) => response?,
        Err(_) => {
            let text = format!("the call did not come, or was not answered, within {time:?}");
            Status::deadline_exceeded(text).into_http()
        }
    };
    Ok(response.map(|body| Body::new(body.map_frame(move |frame| call.goes_on(frame)))))
}

/// A call, until its last answer is taken.
struct Call(Count);

impl Call {
    fn begin(count: &Count) -> Call {
        count.send_modify(|count| *count += 1);
        Call(Arc::clone(count))
    }

    fn goes_on<T>(&self, frame: T) -> T {
        frame
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

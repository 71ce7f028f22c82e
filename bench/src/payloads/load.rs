//! Calls by many connections from one thread, as light as can be.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use payload_interface::extension::SessionStatus;
use prost::Message as _;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

const PATH: &str = "/heliograph.payload.v1.PayloadController/GetSession";
/// Before a message: that it is not compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// What was done.
pub(super) struct Loaded {
    pub(super) calls: u64,
    pub(super) time: Duration,
}

type Sender = http2::SendRequest<Full<Bytes>>;

/// A connection for each cookie, on which so many calls are under way all the time.
///
/// # Errors
/// When a call is not answered, or refused.
pub(super) fn load(
    port: u16,
    cookies: &[String],
    under_way: usize,
    time: Duration,
) -> Result<Loaded> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let mut senders = Vec::new();
        for cookie in cookies {
            let sender = connect(port).await?;
            let url = format!("http://127.0.0.1:{port}{PATH}");
            // The first call of a connection is not counted.
            call(&sender, &url, cookie).await?;
            senders.push((sender, url, cookie.clone()));
        }
        let begun = Instant::now();
        let until = begun + time;
        let mut tasks = JoinSet::new();
        for (sender, url, cookie) in &senders {
            for _ in 0..under_way {
                let (sender, url, cookie) = (sender.clone(), url.clone(), cookie.clone());
                tasks.spawn(async move {
                    let mut calls = 0;
                    while Instant::now() < until {
                        call(&sender, &url, &cookie).await?;
                        calls += 1;
                    }
                    anyhow::Ok(calls)
                });
            }
        }
        let mut calls: u64 = 0;
        while let Some(ended) = tasks.join_next().await {
            calls += ended??;
        }
        Ok(Loaded {
            calls,
            time: begun.elapsed(),
        })
    })
}

async fn connect(port: u16) -> Result<Sender> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    // It ends with its sender.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

async fn call(sender: &Sender, url: &str, cookie: &str) -> Result<()> {
    let request = hyper::Request::post(url)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("cookie", cookie)
        .body(Full::new(Bytes::from_static(&[0; PREFIX_BYTES])))?;
    let mut sender = sender.clone();
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let body = response.into_body().collect().await?.to_bytes();
    let message = body.get(PREFIX_BYTES..).context("there is no answer")?;
    let status = SessionStatus::decode(message)?;
    let acknowledgement = status.acknowledgement.unwrap_or_default();
    ensure!(
        acknowledgement.return_code == 0 && status.is_registered,
        "the call was refused: {acknowledgement:?}"
    );
    Ok(())
}

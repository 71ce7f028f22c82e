//! The payloads: each calls again as soon as it has its answer.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use payload_interface::extension::SessionRequest;
use payload_interface::extension::payload_controller_client::PayloadControllerClient;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::site::Site;

/// Payloads that are connected.
pub(super) struct Load {
    runtime: Runtime,
    payloads: Vec<Payload>,
}

/// What was done.
pub(super) struct Made {
    pub(super) calls: u64,
    pub(super) time: Duration,
}

#[derive(Clone)]
struct Payload {
    client: PayloadControllerClient<Channel>,
    cookie: MetadataValue<Ascii>,
}

impl Load {
    /// Connects all, and has each make a call.
    ///
    /// # Errors
    /// When one is not served.
    pub(super) fn connect(site: &Site, port: u16) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let certificate = Certificate::from_pem(fs::read(site.certificate())?);
        let encryption = ClientTlsConfig::new()
            .ca_certificate(certificate)
            .domain_name("127.0.0.1");
        let mut payloads = Vec::new();
        for cookie in &site.cookies {
            let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{port}"))?;
            let endpoint = endpoint.tls_config(encryption.clone())?.tcp_nodelay(true);
            let channel = runtime.block_on(endpoint.connect())?;
            let mut payload = Payload {
                client: PayloadControllerClient::new(channel),
                cookie: cookie.parse().context("the cookie")?,
            };
            runtime.block_on(payload.call())?;
            payloads.push(payload);
        }
        Ok(Load { runtime, payloads })
    }

    /// Has all call for so long.
    ///
    /// # Errors
    /// When one is refused.
    pub(super) fn run(&self, time: Duration) -> Result<Made> {
        let begun = Instant::now();
        let calls = self.runtime.block_on(async {
            let mut calling = JoinSet::new();
            for mut payload in self.payloads.iter().cloned() {
                calling.spawn(async move {
                    let mut calls = 0;
                    while begun.elapsed() < time {
                        payload.call().await?;
                        calls += 1;
                    }
                    Ok::<u64, anyhow::Error>(calls)
                });
            }
            let mut calls = 0;
            while let Some(made) = calling.join_next().await {
                calls += made??;
            }
            Ok::<u64, anyhow::Error>(calls)
        })?;
        Ok(Made {
            calls,
            time: begun.elapsed(),
        })
    }
}

impl Payload {
    async fn call(&mut self) -> Result<()> {
        let mut request = Request::new(SessionRequest {});
        let metadata = request.metadata_mut();
        metadata.insert("cookie", self.cookie.clone());
        let answer = self.client.get_session(request).await?.into_inner();
        let code = answer.acknowledgement.unwrap_or_default().return_code;
        ensure!(code == 0, "a call was refused: {code}");
        Ok(())
    }
}

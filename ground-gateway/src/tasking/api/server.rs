//! The port.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use service_host::http::{Doors, HttpServer, Limits};

use super::{THREADS, routes};
use crate::client::LinkClient;
use crate::tasking::desk::Desk;
use crate::tasking::limits::CONNECTIONS_MAX;
use crate::tasking::plan::TlsFiles;

/// Octets of the file of certificates, or of a key.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Certificates of a chain at most.
const CHAIN_MAX: usize = 8;

/// The API, while it is served. Dropped, it lets requests under way finish.
#[derive(Debug)]
pub(crate) struct ApiServer(HttpServer);

impl ApiServer {
    /// # Errors
    /// In words for the operator.
    pub(crate) fn start(
        desk: Arc<Desk>,
        links: BTreeMap<String, Arc<LinkClient>>,
    ) -> Result<Self, String> {
        let address = desk.plan.listen;
        let encryption = desk.plan.tls.as_ref().map(encryption).transpose()?;
        let limits = Limits {
            connections_max: CONNECTIONS_MAX,
            ..Limits::default()
        };
        let routes = routes(desk, links);
        let started = match encryption {
            Some(config) => HttpServer::start_encrypted(address, config, routes, limits, THREADS),
            None => HttpServer::start_routes(address, routes, &Doors::default(), limits, THREADS),
        };
        started.map(ApiServer).map_err(|error| error.to_string())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr()
    }
}

fn encryption(files: &TlsFiles) -> Result<Arc<ServerConfig>, String> {
    let of = |path: &std::path::Path, problem: String| format!("{}: {problem}", path.display());
    let pem = secret_file::read_public(&files.certificate, FILE_BYTES_MAX)
        .map_err(|error| of(&files.certificate, error.to_string()))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| of(&files.certificate, error.to_string()))?;
    if !(1..=CHAIN_MAX).contains(&chain.len()) {
        let count = chain.len();
        let problem = format!("it holds {count} certificates in PEM: 1 to {CHAIN_MAX} are a chain");
        return Err(of(&files.certificate, problem));
    }
    let pem = secret_file::read(&files.key, FILE_BYTES_MAX)
        .map_err(|error| of(&files.key, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| of(&files.key, format!("it holds no key in PEM: {error}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| of(&files.key, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

//! The network: the controller as it is called, and the port at which it calls.

mod connection;
mod invoke;
mod served;

pub(crate) use connection::Dial;
pub(crate) use invoke::{Shown, Taken, invoke};
pub(crate) use served::{Callee, listen};

use std::sync::Arc;

use known_certificates::Known;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, ServerConfig};

use crate::setup::Identity;

/// Octets of a message.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
const HTTP2: &[u8] = b"h2";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// How the controller is called.
pub(crate) fn client(identity: &Identity) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = provider();
    let known = Known::new(vec![identity.controller.clone()], &provider);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(known))
        .with_client_auth_cert(vec![identity.certificate.clone()], identity.key.clone_key())?;
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(Arc::new(config))
}

/// How the controller calls.
pub(crate) fn server(identity: &Identity) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = provider();
    let known = Known::new(vec![identity.controller.clone()], &provider);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(known))
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())?;
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(Arc::new(config))
}

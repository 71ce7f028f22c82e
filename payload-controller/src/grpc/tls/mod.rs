//! Encryption. Nobody's certificate is trusted for who signed it: each is one that is known.

mod identity;

use std::sync::Arc;

use known_certificates::Known;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ServerConfig};

pub use identity::{Identity, IdentityError, certificate};

const HTTP2: &[u8] = b"h2";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// How those who connect are served: with a certificate of theirs if they show one, which is
/// to be one of `apps` then.
///
/// # Errors
/// The identity's key is not its certificate's.
pub(super) fn server(
    identity: &Identity,
    apps: Vec<CertificateDer<'static>>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = provider();
    // Payloads of the original have a cookie, and no certificate to show.
    let known = Arc::new(Known::new(apps, &provider).or_none());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(known)
        .with_single_cert(vec![identity.certificate.clone()], identity.key())?;
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(Arc::new(config))
}

/// How an app is called: it is to have this certificate, and may ask for the controller's.
///
/// # Errors
/// The identity's key is not its certificate's.
pub(super) fn client(
    identity: &Identity,
    app: CertificateDer<'static>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = provider();
    let known = Arc::new(Known::new(vec![app], &provider));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(known)
        .with_client_auth_cert(vec![identity.certificate.clone()], identity.key())?;
    config.alpn_protocols = vec![HTTP2.to_vec()];
    // An app that was restarted has the same key, but no memory of sessions.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

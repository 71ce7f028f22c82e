//! Certificates that are known, octet for octet.
//!
//! `rustls` by itself refuses what payloads have: one that signed itself, is an authority, or
//! names nobody. Here nobody's signature on a certificate counts, but the peer's own does: the
//! handshake proves that it has the key.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// Those who are known. A peer is one of them, whichever of the two connected.
#[derive(Debug)]
pub struct Known {
    certificates: Vec<CertificateDer<'static>>,
    may_show_none: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Known {
    /// The peer is one of these.
    #[must_use]
    pub fn new(certificates: Vec<CertificateDer<'static>>, provider: &CryptoProvider) -> Self {
        Known {
            certificates,
            may_show_none: false,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    /// A client of this server may show no certificate at all; if it shows one, it is one of
    /// these.
    #[must_use]
    pub fn or_none(self) -> Self {
        Known {
            may_show_none: true,
            ..self
        }
    }

    fn is_known(&self, shown: &CertificateDer<'_>) -> Result<(), Error> {
        match self.certificates.contains(shown) {
            true => Ok(()),
            false => Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
        }
    }
}

/// The signatures of a handshake, which are checked the same way in both directions.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signature, &self.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signature, &self.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.algorithms.supported_schemes()
        }
    };
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.is_known(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}

impl ClientCertVerifier for Known {
    fn client_auth_mandatory(&self) -> bool {
        !self.may_show_none
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.is_known(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    signatures!();
}

//! What is known of an app.

use std::net::{IpAddr, SocketAddr};

use payload_interface::{AppName, Profile};
use rustls::pki_types::CertificateDer;

use super::cookie::Cookie;

/// An app: how it is called, and how it is known when it calls.
#[derive(Clone, Debug)]
pub struct App {
    /// Its name.
    pub name: AppName,
    /// Where it is called.
    pub callbacks: SocketAddr,
    /// Where it calls from; from anywhere, where none is said.
    pub calls_from: Option<IpAddr>,
    /// With what it was built.
    pub profile: Profile,
    /// How it is known.
    pub security: Security,
}

/// How an app is known, and the controller to it.
#[derive(Clone, Debug)]
pub enum Security {
    /// By its certificate in both directions, and the token of its session. The app knows the
    /// controller by its certificate, too, and is called by nobody else.
    Native {
        /// The app's.
        certificate: CertificateDer<'static>,
    },
    /// As the original: by a cookie, encrypted. Called, it is known by its certificate.
    Cookie {
        /// What it shows.
        cookie: Cookie,
        /// What it has.
        certificate: CertificateDer<'static>,
    },
    /// By a cookie, for everybody on the way to read: as the original where its `SSL_FLAG` is
    /// 0.
    Plain {
        /// What it shows.
        cookie: Cookie,
    },
}

impl Security {
    pub(in crate::grpc) fn certificate(&self) -> Option<&CertificateDer<'static>> {
        match self {
            Security::Native { certificate } | Security::Cookie { certificate, .. } => {
                Some(certificate)
            }
            Security::Plain { .. } => None,
        }
    }

    pub(super) fn cookie(&self) -> Option<&Cookie> {
        match self {
            Security::Cookie { cookie, .. } | Security::Plain { cookie } => Some(cookie),
            Security::Native { .. } => None,
        }
    }
}

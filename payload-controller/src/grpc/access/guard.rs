//! Whether a call is an app's.

use std::net::SocketAddr;
use std::sync::Arc;

use payload_interface::AppName;
use rustls::pki_types::CertificateDer;
use tonic::codegen::http::header::{COOKIE, HeaderMap};

use super::apps::{App, Security};
use super::sessions::Sessions;
use crate::grpc::front::{Peer, Refusal};
use crate::grpc::limits::COOKIES_SHOWN_MAX;

/// The header, of each call, with the token of the session of an app that has one.
pub const SESSION: &str = "x-heliograph-session";

/// The call with which a session begins, so that there is no token yet.
const REGISTER: &str = "PC_register";

/// All apps, and how each is known.
pub(in crate::grpc) struct Guard {
    apps: Vec<Arc<App>>,
    sessions: Arc<Sessions>,
}

/// What a connection shows, before any call.
#[derive(Clone, Debug)]
pub(in crate::grpc) struct Shown {
    /// Where from.
    pub(in crate::grpc) addr: SocketAddr,
    /// Whether others can read it.
    pub(in crate::grpc) is_encrypted: bool,
    /// An app's, as the handshake proved.
    pub(in crate::grpc) certificate: Option<CertificateDer<'static>>,
}

/// A call whose app is known.
#[derive(Clone, Debug)]
pub(in crate::grpc) struct Caller {
    /// Which.
    pub(in crate::grpc) app: Arc<App>,
    /// Where from.
    pub(in crate::grpc) peer: Peer,
}

/// Why it is nobody's, and whose it seems to be.
#[derive(Debug)]
pub(in crate::grpc) struct Stranger {
    pub(in crate::grpc) app: Option<AppName>,
    pub(in crate::grpc) why: Refusal,
}

impl Guard {
    pub(in crate::grpc) fn new(apps: Vec<Arc<App>>, sessions: Arc<Sessions>) -> Self {
        Guard { apps, sessions }
    }

    /// Whose call it is. Nothing else of it was read.
    pub(in crate::grpc) fn caller(
        &self,
        shown: &Shown,
        headers: &HeaderMap,
        rpc: &str,
    ) -> Result<Caller, Stranger> {
        let by_certificate = shown
            .certificate
            .as_ref()
            .and_then(|shown| self.having(shown));
        let by_cookie = self.showing(headers);
        let app = by_cookie.or(by_certificate).ok_or(Stranger {
            app: None,
            why: Refusal::Unknown,
        })?;
        let has_certificate = by_certificate.is_some_and(|other| Arc::ptr_eq(other, app));
        let why = |why| Stranger {
            app: Some(app.name.clone()),
            why,
        };
        // Neither for another's certificate nor, where it has one, in plain text.
        let is_others = by_certificate.is_some() && !has_certificate;
        let is_bare = !shown.is_encrypted && !matches!(app.security, Security::Plain { .. });
        if is_others || is_bare {
            return Err(why(Refusal::WrongConnection));
        }
        if app
            .calls_from
            .is_some_and(|from| from != shown.addr.ip().to_canonical())
        {
            return Err(why(Refusal::Elsewhere));
        }
        match app.security {
            // A certificate alone is no cookie.
            Security::Cookie { .. } | Security::Plain { .. } if by_cookie.is_none() => {
                return Err(why(Refusal::Unknown));
            }
            Security::Native { .. } if rpc != REGISTER && !self.has_session(app, headers) => {
                return Err(why(Refusal::NoSession));
            }
            _ => {}
        }
        Ok(Caller {
            app: Arc::clone(app),
            peer: Peer {
                addr: shown.addr,
                is_encrypted: shown.is_encrypted,
                has_certificate,
            },
        })
    }

    fn having(&self, certificate: &CertificateDer<'_>) -> Option<&Arc<App>> {
        self.apps
            .iter()
            .find(|app| app.security.certificate() == Some(certificate))
    }

    /// The one app whose cookie is among those that are shown. A client may show several, as
    /// headers of their own or in one (RFC 9113 §8.2.3); those of two apps are nobody's.
    fn showing(&self, headers: &HeaderMap) -> Option<&Arc<App>> {
        let shown: Vec<blake3::Hash> = headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|value| value.as_bytes().split(|octet| *octet == b';'))
            .take(COOKIES_SHOWN_MAX + 1)
            .map(|cookie| blake3::hash(cookie.trim_ascii()))
            .collect();
        if shown.len() > COOKIES_SHOWN_MAX {
            return None;
        }
        let mut owner = None;
        let mut is_unclear = false;
        // All with all, so that the time does not tell which.
        for app in &self.apps {
            let Some(cookie) = app.security.cookie() else {
                continue;
            };
            let hits = shown.iter().filter(|shown| cookie.is(shown)).count();
            if hits > 0 {
                is_unclear |= owner.is_some();
                owner = Some(app);
            }
        }
        owner.filter(|_| !is_unclear)
    }

    fn has_session(&self, app: &App, headers: &HeaderMap) -> bool {
        headers
            .get(SESSION)
            .is_some_and(|token| self.sessions.holds(&app.name, token.as_bytes()))
    }
}

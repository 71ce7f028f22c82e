//! Who asks.

use std::convert::Infallible;
use std::sync::Arc;

use service_host::http::DoorName;
use service_host::http::axum::extract::FromRequestParts;
use service_host::http::axum::http::request::Parts;
use service_host::http::axum::http::{HeaderMap, header};

use super::refusal::Refusal;
use crate::access::LiveAccess;
use crate::api::LiveTokens;
use crate::names::AppId;

/// How the way in says who asks.
#[derive(Clone, Debug)]
pub enum Way {
    /// By the socket, which has the name of an app: who may open it, is that app.
    Socket,
    /// By TCP: who shows the token of an app, is that app.
    Token(Arc<LiveTokens>),
}

/// What a request says of who makes it.
pub(in crate::api) struct Asks {
    door: Option<DoorName>,
    headers: HeaderMap,
}

impl Asks {
    /// By what it shows only.
    pub(in crate::api) fn by_headers(headers: &HeaderMap) -> Self {
        Asks {
            door: None,
            headers: headers.clone(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Asks {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Asks {
            door: parts.extensions.get().cloned(),
            headers: parts.headers.clone(),
        })
    }
}

impl Way {
    /// Who asks: somebody who is registered now.
    pub(in crate::api) fn sender(
        &self,
        asks: &Asks,
        access: &LiveAccess,
    ) -> Result<AppId, Refusal> {
        let app = match self {
            Way::Socket => {
                let name = asks
                    .door
                    .as_ref()
                    .and_then(|DoorName(name)| name.parse().ok());
                name.ok_or_else(|| Refusal::nobody("this is the socket of no app"))?
            }
            Way::Token(tokens) => {
                let token = bearer(&asks.headers);
                let token = token.ok_or_else(|| {
                    Refusal::nobody("show the token of an app: `Authorization: Bearer TOKEN`")
                })?;
                let owner = tokens.owner(token);
                owner.ok_or_else(|| Refusal::nobody("no app has that token"))?
            }
        };
        match access.current().registry().is_registered(&app) {
            true => Ok(app),
            false => Err(Refusal::nobody("that app is not registered any more")),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let shown = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = shown.split_at_checked(b"Bearer ".len())?;
    let token = token.trim_ascii();
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

//! Who asks.

use std::sync::Arc;

use service_host::http::axum::http::{HeaderMap, header};

use super::refusal::Refusal;
use crate::access::LiveAccess;
use crate::api::LiveTokens;
use crate::names::AppId;

/// How the way in says who asks.
#[derive(Clone, Debug)]
pub enum Way {
    /// By the socket of that app: who may open it, is that app.
    Socket(AppId),
    /// By TCP: who shows the token of an app, is that app.
    Token(Arc<LiveTokens>),
}

impl Way {
    /// Who asks: somebody who is registered now.
    pub(in crate::api) fn sender(
        &self,
        headers: &HeaderMap,
        access: &LiveAccess,
    ) -> Result<AppId, Refusal> {
        let app = match self {
            Way::Socket(app) => app.clone(),
            Way::Token(tokens) => {
                let token = bearer(headers);
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

//! Who is let in, and what is logged of it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use service_host::http::PeerAddress;

use super::refusal::{Refusal, Why};
use super::{IsLogged, Served, Shared, body, now};
use crate::tasking::audit::{Entry, NOBODY};
use crate::tasking::desk::{Asked, Caller, Denied, Key};
use crate::tasking::problem::Problem;

/// What somebody who was let in asks; an extension of the request.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) caller: Caller,
    pub(super) action: String,
}

impl Admitted {
    pub(super) fn asked<'a>(&'a self, key: Option<&'a Key>) -> Asked<'a> {
        Asked {
            caller: &self.caller,
            action: &self.action,
            key,
            now: now(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admitted {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let found = Extension::<Admitted>::from_request_parts(parts, state).await;
        // `admit` stands before all routes that take one.
        let Extension(admitted) = found.map_err(|_| Problem::failed())?;
        Ok(admitted)
    }
}

/// Lets in who shows a token that holds; logs what is asked, and what is answered.
pub(super) async fn admit(State(shared): Served, request: Request<Body>, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let action = action(&head);
    let remote = head.extensions.get::<PeerAddress>();
    let remote = remote.map_or_else(String::new, |PeerAddress(from)| from.ip().to_string());
    let page = match head.method {
        Method::GET | Method::HEAD => Ok(()),
        _ => service_host::http::foreign_page(&head.headers).map_err(Problem::foreign_page),
    };
    let admitted = match page {
        Err(problem) => Err(Denied {
            problem,
            actor: NOBODY.to_owned(),
        }),
        Ok(()) => admitted(&shared, &head.headers, &remote).await,
    };
    match admitted {
        Ok(caller) => {
            let entry = entry(&caller.name, caller.role.as_str(), &remote, &action);
            head.extensions.insert(Admitted { caller, action });
            let response = next.run(Request::from_parts(head, body)).await;
            log(&shared, entry, response).await
        }
        Err(denied) => {
            body::discard(body).await;
            let entry = entry(&denied.actor, "", &remote, &action);
            let response = Refusal::from(denied.problem).into_response();
            log(&shared, entry, response).await
        }
    }
}

/// The method and the path, as the routes have it: there are only so many of them.
fn action(head: &Parts) -> String {
    let method = match head.method {
        Method::GET | Method::HEAD | Method::POST | Method::DELETE => head.method.as_str(),
        _ => "OTHER",
    };
    let path = head.extensions.get::<MatchedPath>();
    let path = path.map_or("another path", MatchedPath::as_str);
    format!("{method} {path}")
}

async fn admitted(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    remote: &str,
) -> Result<Caller, Denied> {
    let shown = headers.get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| bearer(value.as_bytes()).map(<[u8]>::to_vec));
    let desk = Arc::clone(&shared.desk);
    let remote = remote.to_owned();
    let looked = shared
        .admissions
        .run(move || Ok(desk.admit(shown.as_deref(), &remote, now())));
    looked.await.unwrap_or_else(|Refusal(problem)| {
        Err(Denied {
            problem: *problem,
            actor: NOBODY.to_owned(),
        })
    })
}

/// The token of `Bearer TOKEN`, whose first word may be written in any case (RFC 9110 §11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| token.trim_ascii())
}

fn entry(actor: &str, role: &str, remote: &str, action: &str) -> Entry {
    Entry {
        at_ms: now().ms,
        actor: actor.to_owned(),
        role: role.to_owned(),
        remote: remote.to_owned(),
        action: action.to_owned(),
        subject: String::new(),
        status: 0,
        detail: String::new(),
        times: 1,
    }
}

/// Logs what was answered, unless that is done; what cannot be logged is not answered.
async fn log(shared: &Arc<Shared>, mut entry: Entry, response: Response) -> Response {
    if response.extensions().get::<IsLogged>().is_some() {
        return response;
    }
    entry.status = response.status().as_u16();
    if let Some(Why(why)) = response.extensions().get::<Why>() {
        entry.detail.clone_from(why);
    }
    let desk = Arc::clone(&shared.desk);
    let logged = shared.admissions.run(move || Ok(desk.log(entry)?));
    match logged.await {
        Ok(()) => response,
        Err(refusal) => refusal.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_written_in_any_case() {
        for value in ["Bearer abc", "bearer abc", "BEARER  abc"] {
            assert_eq!(bearer(value.as_bytes()), Some(&b"abc"[..]));
        }
        for value in ["", "abc", "Basic abc", "Bearerabc"] {
            assert_eq!(bearer(value.as_bytes()), None);
        }
    }
}

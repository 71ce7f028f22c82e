//! Who asks: whoever shows a token that holds.

use super::{Desk, Key};
use crate::tasking::audit::{Entry, NOBODY};
use crate::tasking::moment::Now;
use crate::tasking::problem::Problem;
use crate::tasking::token::{Role, Secret};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The id of its token.
    pub(crate) token: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// None: all.
    pub(crate) satellites: Vec<String>,
    /// From which address.
    pub(crate) remote: String,
}

/// Nobody that may ask.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Denied {
    pub(crate) problem: Problem,
    /// Whose the token was, where its secret is right.
    pub(crate) actor: String,
}

/// A request, but for what it asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a Caller,
    /// What the log calls it.
    pub(crate) action: &'a str,
    pub(crate) key: Option<&'a Key>,
    pub(crate) now: Now,
}

impl Caller {
    /// Whether it may do what this role may.
    pub(crate) fn may(&self, role: Role) -> Result<(), Problem> {
        match self.role >= role {
            true => Ok(()),
            false => Err(Problem::forbidden(format!(
                "the token of `{}` has the role `{}`: that takes `{role}`",
                self.name, self.role
            ))),
        }
    }

    /// Whether it may ask of this satellite.
    pub(crate) fn may_ask_of(&self, satellite: &str) -> Result<(), Problem> {
        let is_named = self.satellites.iter().any(|one| one == satellite);
        match self.satellites.is_empty() || is_named {
            true => Ok(()),
            false => Err(Problem::forbidden(format!(
                "the token of `{}` is not for satellite `{satellite}`",
                self.name
            ))),
        }
    }
}

impl Asked<'_> {
    /// The entry of the log for it.
    pub(crate) fn entry(&self, status: u16, subject: String, detail: String) -> Entry {
        let entry = Entry {
            at_ms: self.now.ms,
            actor: self.caller.name.clone(),
            role: self.caller.role.to_string(),
            remote: self.caller.remote.clone(),
            action: self.action.to_owned(),
            subject,
            status,
            detail,
            times: 1,
        };
        entry.limited()
    }
}

impl Desk {
    /// Whose token that is.
    pub(crate) fn admit(
        &self,
        shown: Option<&[u8]>,
        remote: &str,
        now: Now,
    ) -> Result<Caller, Denied> {
        let denied = |detail: &str, actor: &str| Denied {
            problem: Problem::no_token(detail),
            actor: actor.to_owned(),
        };
        let no_token = "no token is shown: write `Authorization: Bearer TOKEN`";
        let octets = shown.ok_or_else(|| denied(no_token, NOBODY))?;
        let no_form = "what is shown is no token of `ground token add`";
        let secret = Secret::shown(octets).ok_or_else(|| denied(no_form, NOBODY))?;
        let found = self.store.look(|tables| tables.token(&secret.id));
        let found = found.map_err(|error| Denied {
            problem: error.into(),
            actor: NOBODY.to_owned(),
        })?;
        // Hashes are compared in constant time; the id is no secret.
        let found = found.filter(|token| token.hash == secret.hash);
        let token = found.ok_or_else(|| denied("the token is not known", NOBODY))?;
        match token.flaw(now.s()) {
            Some(flaw) => Err(denied(flaw, &token.name)),
            None => Ok(Caller {
                token: token.id,
                name: token.name,
                role: token.role,
                satellites: token.satellites,
                remote: remote.to_owned(),
            }),
        }
    }
}

//! Tokens: who may ask what.
//!
//! A token is `hg_ID_SECRET`: by its id it is found, and its secret, of 256 random bits, is
//! known here as a hash only.

use std::fmt;
use std::str::FromStr;

/// Tokens at most, those that are revoked among them.
pub(crate) const TOKENS_MAX: i64 = 10_000;
/// Of the name of one: it is the user's on board, too.
const NAME_BYTES_MAX: usize = 32;
const PREFIX: &str = "hg_";
const ID_OCTETS: usize = 8;
const SECRET_OCTETS: usize = 32;

/// What its holder may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Role {
    /// See how everything stands.
    Viewer,
    /// And order and cancel windows and uploads.
    Tasker,
    /// And ask services of a satellite by GraphQL.
    Operator,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Tasker => "tasker",
            Role::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Role::Viewer, Role::Tasker, Role::Operator];
        let found = all.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no role"))
    }
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenRecord {
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Of which satellites; none: of all.
    pub(crate) satellites: Vec<String>,
    pub(crate) hash: blake3::Hash,
    pub(crate) created_s: i64,
    pub(crate) expires_s: Option<i64>,
    pub(crate) revoked_s: Option<i64>,
}

impl TokenRecord {
    /// Why it does not hold at that time, if it does not.
    pub(crate) fn flaw(&self, now_s: i64) -> Option<&'static str> {
        if self.revoked_s.is_some() {
            return Some("the token is revoked");
        }
        let is_over = self.expires_s.is_some_and(|expires_s| now_s >= expires_s);
        is_over.then_some("the token has expired")
    }
}

/// A token as it is drawn, and as its holder shows it.
pub(crate) struct Secret {
    pub(crate) id: String,
    pub(crate) hash: blake3::Hash,
    text: String,
}

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// The system refuses random bits.
    pub(crate) fn draw() -> Result<Secret, String> {
        let mut octets = [0_u8; ID_OCTETS + SECRET_OCTETS];
        getrandom::fill(&mut octets)
            .map_err(|error| format!("the system refuses random bits: {error}"))?;
        let (id, secret) = octets.split_at(ID_OCTETS);
        let text = format!("{PREFIX}{}_{}", hex::encode(id), hex::encode(secret));
        Secret::shown(text.as_bytes()).ok_or_else(|| "no token was drawn".to_owned())
    }

    /// What somebody shows, if it has the form of one.
    pub(crate) fn shown(octets: &[u8]) -> Option<Secret> {
        let text = std::str::from_utf8(octets).ok()?;
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex = |text: &str, octets: usize| {
            let fits = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
            text.len() == octets * 2 && text.bytes().all(fits)
        };
        let is_token = is_hex(id, ID_OCTETS) && is_hex(secret, SECRET_OCTETS);
        is_token.then(|| Secret {
            id: id.to_owned(),
            hash: blake3::hash(secret.as_bytes()),
            text: text.to_owned(),
        })
    }

    /// All of it, for who is to have it.
    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }
}

/// Whether somebody may be called so.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    let begins = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    match name.len() <= NAME_BYTES_MAX && begins && name.bytes().all(fits) {
        true => Ok(()),
        false => Err(format!(
            "name {name:?}: choose 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` or `.`, the \
             first a letter or digit"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_drawn_is_known_when_it_is_shown() {
        let drawn = Secret::draw().unwrap();
        let shown = Secret::shown(drawn.reveal().as_bytes()).unwrap();
        assert_eq!((&shown.id, shown.hash), (&drawn.id, drawn.hash));
        let other = Secret::draw().unwrap();
        assert_ne!((&other.id, other.hash), (&drawn.id, drawn.hash));
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        let drawn = Secret::draw().unwrap();
        let text = drawn.reveal();
        let upper = text.to_ascii_uppercase();
        for other in [
            "",
            "hg_",
            "hg__",
            &text[1..],
            &text[..text.len() - 1],
            &upper,
        ] {
            assert!(Secret::shown(other.as_bytes()).is_none(), "{other}");
        }
        assert!(Secret::shown(&[0xFF; 87]).is_none());
    }

    #[test]
    fn a_name_is_one_that_a_payload_can_be_called_with() {
        for name in ["john", "a.b-c_d", "7"] {
            check_name(name).unwrap();
        }
        for name in ["", "-e", "a b", "a/b", "ä", &"x".repeat(33)] {
            check_name(name).unwrap_err();
        }
    }
}

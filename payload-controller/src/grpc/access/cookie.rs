//! What payloads of the original show.

use std::fmt;

use payload_interface::AppNumber;
use zeroize::Zeroizing;

/// Octets of a cookie: a secret of 20, and the three digits of the app's number.
pub const COOKIE_BYTES: usize = SECRET_BYTES + DIGITS;
const SECRET_BYTES: usize = 20;
const DIGITS: usize = 3;

/// What a secret is made of: no octet has a meaning in a header, in JSON or in a shell. There
/// are 64 of them, so that each is as likely as any other.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The cookie of an app. Only its hash is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cookie(blake3::Hash);

/// What is no cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a cookie is {SECRET_BYTES} visible characters and the three digits of its app's number; \
     `payload-controller provision --renew` makes another"
)]
pub struct NoCookie;

impl Cookie {
    /// Makes a new one, which is told once.
    ///
    /// # Errors
    /// The system has no random octets.
    pub fn generate(number: AppNumber) -> Result<Zeroizing<String>, getrandom::Error> {
        let mut octets = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(&mut *octets)?;
        let mut cookie = Zeroizing::new(String::with_capacity(COOKIE_BYTES));
        cookie.extend(octets.iter().filter_map(|octet| {
            let letter = ALPHABET.get(usize::from(octet % 64))?;
            Some(char::from(*letter))
        }));
        cookie.push_str(&number.to_string());
        Ok(cookie)
    }

    /// The cookie of the app of that number.
    ///
    /// # Errors
    /// It has another form, or another app's number.
    pub fn new(cookie: &str, number: AppNumber) -> Result<Cookie, NoCookie> {
        let has_form = cookie.len() == COOKIE_BYTES
            && cookie
                .bytes()
                .all(|octet| octet.is_ascii_graphic() && octet != b';')
            && cookie.ends_with(&number.to_string());
        match has_form {
            true => Ok(Cookie(blake3::hash(cookie.as_bytes()))),
            false => Err(NoCookie),
        }
    }

    /// Whether that is it. It takes the same time whatever it is compared with.
    pub(super) fn is(&self, shown: &blake3::Hash) -> bool {
        self.0 == *shown
    }
}

/// Not even its hash is told.
impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookie")
    }
}

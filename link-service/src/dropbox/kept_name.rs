//! Under which name a request is kept.

use super::REQUEST_SUFFIX;

const NUMBER_DIGITS: usize = 16;

/// `<number>-<stem>`: no longer than the name that it had in the outbox. The number makes it
/// the same request as long as it is kept, and another one than any that is dropped later
/// with the same octets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeptName(String);

impl KeptName {
    /// Of what was dropped for `stem`, with a number that no other has.
    pub(super) fn anew(stem: &str) -> Self {
        const { assert!(NUMBER_DIGITS < REQUEST_SUFFIX.len()) };
        KeptName(format!("{:016x}-{stem}", fastrand::u64(..)))
    }

    /// What a name is; nothing where it is none of these.
    pub(super) fn of(name: String) -> Option<Self> {
        let (number, stem) = name.split_at_checked(NUMBER_DIGITS)?;
        let is_number = number.bytes().all(|octet| octet.is_ascii_hexdigit());
        let is_kept = is_number && stem.starts_with('-') && stem.len() > 1;
        is_kept.then_some(KeptName(name))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the file that it was dropped for.
    pub(super) fn stem(&self) -> &str {
        self.0.get(NUMBER_DIGITS + 1..).unwrap_or_default()
    }

    /// The tracking id of a request that says none.
    pub(super) fn tracking_id(&self) -> String {
        let number = self.0.get(..NUMBER_DIGITS).unwrap_or_default();
        format!("dropped-{number}")
    }
}

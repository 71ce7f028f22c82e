//! How many of the next contacts what waits needs.

use std::time::Duration;

use serde::Serialize;

use super::Contact;
use crate::config::GroundLinkConfig;
use crate::files::passes::{Capacity, passes_left, passes_of};
use crate::files::transfer::{Direction, Transfer};

/// Of what a link carries, so much is of files; the rest is headers, frames and answers. An
/// estimate, for what was not measured.
pub(crate) const FILE_SHARE: f64 = 0.8;
/// Contacts are looked for so far ahead.
pub(crate) const AHEAD_MAX: Duration = Duration::from_secs(7 * 86_400);

/// What a pass moves by the bit rate of the configuration, where it has one.
pub(crate) fn configured_capacity(link: &GroundLinkConfig) -> Option<Capacity> {
    let bit_rate_bps = link.comms.bit_rate_bps;
    let bit_rate_bps = bit_rate_bps.or(link.radio.air().bit_rate_bps)?;
    Some(Capacity::PerSecond(bit_rate_bps as f64 / 8.0 * FILE_SHARE))
}

/// How long each contact is that is not over at `now`; of one that is under way, the rest.
pub(crate) fn lengths_left(
    contacts: &[Contact],
    now: Duration,
) -> impl Iterator<Item = Duration> + '_ {
    let open = contacts.iter().filter(move |contact| contact.end > now);
    open.map(move |contact| contact.end.saturating_sub(contact.start.max(now)))
}

/// What waits, one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Waiting {
    /// Files.
    pub(crate) files: u64,
    /// Of those, how many have a size that is not known yet.
    pub(crate) unknown: u64,
    /// Octets of the others that are not there.
    pub(crate) octets: u64,
}

impl Waiting {
    /// Of `transfers`, those that go `direction` and are not over.
    pub(crate) fn of(transfers: &[Transfer], direction: Direction) -> Self {
        let mut waiting = Waiting::default();
        let of_it = |transfer: &&Transfer| transfer.direction == direction && !transfer.is_over();
        for transfer in transfers.iter().filter(of_it) {
            waiting.files += 1;
            match transfer.octets_left() {
                Some(octets) => waiting.octets = waiting.octets.saturating_add(octets),
                None => waiting.unknown += 1,
            }
        }
        waiting
    }
}

/// How many passes what waits takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Need {
    /// Nothing waits.
    Nothing,
    /// So many; through the last of them, where it is known which that is.
    Passes(u64, Option<Contact>),
    /// More than the contacts that are known.
    MoreThan(u64),
    /// What a pass moves is not known.
    Unknown,
}

/// What `waiting` takes at `now`, when `contacts` are to come, in the order in which they begin.
/// Without any, all passes are alike.
pub(crate) fn need(
    waiting: &Waiting,
    capacity: Option<Capacity>,
    contacts: Option<&[Contact]>,
    now: Duration,
) -> Need {
    let octets = waiting.octets;
    match (capacity, contacts) {
        _ if waiting.files == 0 => Need::Nothing,
        (None, _) => Need::Unknown,
        (Some(capacity), Some(contacts)) => {
            let mut open = contacts.iter().filter(|contact| contact.end > now);
            match passes_of(octets, lengths_left(contacts, now), capacity) {
                Some(passes) => {
                    Need::Passes(passes as u64, open.nth(passes.saturating_sub(1)).cloned())
                }
                None => Need::MoreThan(open.count() as u64),
            }
        }
        (Some(Capacity::PerPass(octets_per_pass)), None) => {
            match passes_left(octets, Some(octets_per_pass)) {
                Some(passes) => Need::Passes(passes, None),
                None => Need::Unknown,
            }
        }
        (Some(Capacity::PerSecond(_)), None) => Need::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn contact(start_s: i64, length_s: u64) -> Contact {
        let start = Duration::from_secs(NOW.as_secs().saturating_add_signed(start_s));
        Contact {
            station: None,
            start,
            end: start + Duration::from_secs(length_s),
            seen: None,
        }
    }

    fn waiting(octets: u64) -> Waiting {
        Waiting {
            files: 1,
            unknown: 0,
            octets,
        }
    }

    #[test]
    fn half_a_megabyte_at_9600_baud_takes_the_passes_that_it_takes() {
        let contacts = [contact(100, 240), contact(6000, 200), contact(12_000, 300)];
        let capacity = Capacity::PerSecond(9600.0 / 8.0 * FILE_SHARE);
        let need = need(&waiting(499_000), Some(capacity), Some(&contacts), NOW);
        assert_eq!(need, Need::Passes(3, Some(contacts[2].clone())));
    }

    #[test]
    fn of_a_pass_that_is_under_way_the_rest_counts_and_none_that_is_over() {
        let contacts = [contact(-900, 600), contact(-50, 100), contact(6000, 100)];
        let capacity = Some(Capacity::PerSecond(10.0));
        let passes = |octets| need(&waiting(octets), capacity, Some(&contacts), NOW);
        assert_eq!(passes(500), Need::Passes(1, Some(contacts[1].clone())));
        assert_eq!(passes(501), Need::Passes(2, Some(contacts[2].clone())));
        assert_eq!(passes(1501), Need::MoreThan(2));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let none = Waiting::default();
        assert_eq!(need(&none, None, None, NOW), Need::Nothing);
        assert_eq!(need(&waiting(1), None, Some(&[]), NOW), Need::Unknown);
        let rate = Some(Capacity::PerSecond(10.0));
        assert_eq!(need(&waiting(1), rate, None, NOW), Need::Unknown);
        let measured = Some(Capacity::PerPass(100));
        assert_eq!(
            need(&waiting(201), measured, None, NOW),
            Need::Passes(3, None)
        );
    }
}

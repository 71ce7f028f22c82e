//! What was heard in the last contacts, by the archive.

use std::time::Duration;

use super::{minutes, to_second};
use crate::archive::{ArchiveError, ArchiveReader, HeardIn};
use crate::config::GroundLinkConfig;
use crate::contacts::{Contact, Contacts, windows};
use crate::error::GroundError;
use crate::output::{columns, counted};
use crate::progress::octets_text;

/// What was heard in a contact, or what part of it is over.
pub(super) struct Past {
    pub(super) contact: Contact,
    pub(super) heard: Option<HeardIn>,
}

pub(super) fn open_archive(link: &GroundLinkConfig) -> Result<Option<ArchiveReader>, GroundError> {
    let Some(settings) = &link.archive else {
        return Ok(None);
    };
    let reader = ArchiveReader::open(&settings.file(&link.name));
    reader.map_err(|error| archive(link, &error))
}

pub(super) fn archive(link: &GroundLinkConfig, error: &ArchiveError) -> GroundError {
    GroundError::Archive {
        link: link.name.clone(),
        problem: error.to_string(),
    }
}

/// The contacts that began since then, with what was heard in each until `now`.
pub(super) fn past(
    link: &GroundLinkConfig,
    contacts: &Contacts,
    reader: Option<&ArchiveReader>,
    since: Duration,
    now: Duration,
) -> Result<Vec<Past>, GroundError> {
    let contacts = contacts.between(since, now)?.into_iter();
    let past = contacts.map(|contact| {
        let heard = reader.map(|reader| reader.heard_in(contact.start, contact.end.min(now)));
        let heard = heard.transpose().map_err(|error| archive(link, &error))?;
        Ok(Past { contact, heard })
    });
    past.collect()
}

pub(super) fn heard_text(heard: &HeardIn) -> String {
    format!(
        "{}, {}, {} refused",
        counted(heard.frames, "frame"),
        octets_text(heard.octets as f64),
        heard.refused
    )
}

/// What was heard in none of the contacts, of which those of several stations may overlap.
pub(super) fn outside(
    reader: &ArchiveReader,
    past: &[Past],
    since: Duration,
    now: Duration,
) -> Result<HeardIn, ArchiveError> {
    let contacts: Vec<Contact> = past.iter().map(|past| past.contact.clone()).collect();
    let mut outside = reader.heard_in(since, now)?;
    for window in windows(&contacts) {
        let (start, end) = (
            Duration::from_secs(window.start_s),
            Duration::from_secs(window.end_s),
        );
        let heard = reader.heard_in(start.max(since), end.min(now))?;
        outside.frames = outside.frames.saturating_sub(heard.frames);
        outside.octets = outside.octets.saturating_sub(heard.octets);
        outside.refused = outside.refused.saturating_sub(heard.refused);
    }
    Ok(outside)
}

const HEADINGS: [&str; 6] = ["AOS", "MIN:S", "FRAMES", "OCTETS", "REFUSED", "STATION"];

pub(super) fn table(past: &[Past]) -> Vec<String> {
    if past.is_empty() {
        return Vec::new();
    }
    let rows = past.iter().map(|Past { contact, heard }| {
        let count = |of: fn(&HeardIn) -> u64| match heard {
            Some(heard) => of(heard).to_string(),
            None => "?".to_owned(),
        };
        vec![
            to_second(contact.start),
            minutes(contact.length()),
            count(|heard| heard.frames),
            count(|heard| heard.octets),
            count(|heard| heard.refused),
            contact.station.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    });
    let headings = HEADINGS.map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(headings).chain(rows).collect();
    columns(&rows, 1..=4)
}

//! A manifest: what came since the last one, as an object beside the files.

use std::io::Read;

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::deliverer::{Deliverer, Undone, of_place};
use super::journal::{Begun, Line};
use super::key;
use super::object::Object;
use super::place::{Found, PlaceError};
use super::step::Step;

/// Lines of a manifest at most; more are in the next.
const LINES_MAX: usize = 10_000;
/// What stands for its topic.
const TOPIC: &str = "manifest";
/// A process that has not heard the satellite for so long since its start lists what an earlier
/// one delivered: the pass with which it came is over.
const SILENCE_SECONDS: i64 = 30;

/// What an earlier process delivered and listed in no manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unlisted {
    /// Nobody has looked.
    Unknown,
    /// There is something, and nothing was heard since that time.
    Since(Timestamp),
    /// There is nothing, or the end of a pass will list it.
    Nothing,
}

#[derive(Serialize)]
struct Manifest<'m> {
    manifest: &'m str,
    satellite: &'m str,
    time: i64,
    files: &'m [Line],
}

impl Deliverer {
    /// Writes a manifest where it is time for one.
    pub(super) fn list(&mut self, now: Timestamp) -> Result<(), Undone> {
        if let Some(begun) = self.parts.journal.manifest()? {
            return self.write_manifest(begun);
        }
        let is_heard = self.parts.ground.is_heard();
        let Some(since) = self.parts.journal.unlisted_since()? else {
            self.was_heard = is_heard;
            self.unlisted = Unlisted::Nothing;
            return Ok(());
        };
        let is_lost = !is_heard && (self.was_heard || self.is_left(now));
        if is_heard {
            self.unlisted = Unlisted::Nothing;
        }
        // A clock that was put back is no reason to wait.
        let age = now.as_second().saturating_sub(since);
        if !is_lost && (0..self.parts.manifest_seconds).contains(&age) {
            self.was_heard = is_heard;
            return Ok(());
        }
        let (_, last) = self.parts.journal.lines(None, LINES_MAX)?;
        let begun = Begun {
            uuid: draw()?,
            key: key::manifest(&self.parts.satellite, now),
            time: now.as_second(),
            last,
        };
        self.begin(&begun)?;
        self.was_heard = is_heard;
        self.unlisted = Unlisted::Nothing;
        self.write_manifest(begun)
    }

    /// Whether an earlier process left something, and its pass is over.
    fn is_left(&mut self, now: Timestamp) -> bool {
        match self.unlisted {
            Unlisted::Unknown => {
                self.unlisted = Unlisted::Since(now);
                false
            }
            Unlisted::Since(since) => {
                now.as_second().saturating_sub(since.as_second()) >= SILENCE_SECONDS
            }
            Unlisted::Nothing => false,
        }
    }

    fn begin(&mut self, begun: &Begun) -> Result<(), Undone> {
        self.parts.journal.begin_manifest(begun)?;
        (self.parts.at_step)(Step::ManifestChosen);
        Ok(())
    }

    fn write_manifest(&mut self, mut begun: Begun) -> Result<(), Undone> {
        let (lines, _) = self.parts.journal.lines(Some(begun.last), LINES_MAX)?;
        let manifest = Manifest {
            manifest: &begun.uuid,
            satellite: &self.parts.satellite,
            time: begun.time,
            files: &lines,
        };
        let mut octets = serde_json::to_vec_pretty(&manifest).map_err(|error| error.to_string())?;
        octets.push(b'\n');
        let object = Object {
            uuid: begun.uuid.clone(),
            topic: TOPIC.to_owned(),
            satellite: self.parts.satellite.clone(),
            size: octets.len() as u64,
            sha256: hex::encode(Sha256::digest(&octets)),
            crc32: format!("{:08x}", crc(&octets)),
            sent: begun.time,
            ..Object::default()
        };
        if self.put_manifest(&begun.key, &object, &octets)? == Found::Another {
            begun.key = key::marked(&begun.key, &begun.uuid);
            self.begin(&begun)?;
            if self.put_manifest(&begun.key, &object, &octets)? == Found::Another {
                return Err(Undone::Later(format!("{} is another file", begun.key)));
            }
        }
        (self.parts.at_step)(Step::ManifestPut);
        self.parts.journal.end_manifest(&begun)?;
        let files = lines.len();
        log::info!("manifest {}: {files} files", begun.key);
        match self.counts() {
            Ok(counts) => log::info!("deliveries: {counts:?}"),
            Err(why) => log::warn!("{why}"),
        }
        Ok(())
    }

    fn put_manifest(&self, key: &str, object: &Object, octets: &[u8]) -> Result<Found, Undone> {
        let place = self.parts.places.first();
        let place = place.ok_or("there is no place".to_owned())?;
        let found = place.look(key, object).map_err(of_place)?;
        if found != Found::Nothing {
            return Ok(found);
        }
        let mut data = octets;
        let data: &mut dyn Read = &mut data;
        // What is left of its parts is for the rule of the bucket.
        match place.put(key, object, data, &mut |_| Ok(())) {
            Err(PlaceError::Taken) => Ok(Found::Another),
            put => put.map(|()| Found::This).map_err(of_place),
        }
    }
}

fn crc(octets: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, octets)
}

/// An identifier that nothing else has (RFC 9562 §5.4).
pub(crate) fn draw() -> Result<String, String> {
    let mut octets = [0_u8; 16];
    getrandom::fill(&mut octets)
        .map_err(|error| format!("the system refuses random bits: {error}"))?;
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut octets;
    *version = *version & 0x0F | 0x40;
    *variant = *variant & 0x3F | 0x80;
    let mut text = hex::encode(octets);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    Ok(text)
}

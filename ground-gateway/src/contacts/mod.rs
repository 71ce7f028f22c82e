//! When the satellite of a link is in contact, and what follows from it.
//!
//! | part | what stands there |
//! |---|---|
//! | `settings` | `[[station]]`, and what `[[link]]` says of contacts |
//! | `source` | contacts, from elements and stations or as they were given |
//! | `window` | when anybody listens, whoever it is |
//! | `need` | how many of the next contacts what waits needs |
//! | `presence` | whether the satellite is there, planned or heard |
//! | `giving` | when which service on board is given the plan |
//! | `giver` | the thread that does so in `ground serve` |
//!
//! Time is UTC since 1970, and a parameter. [`Contacts`] alone reads a file: that of the
//! elements, again when it has changed.

pub(crate) mod giver;
mod giving;
pub(crate) mod need;
mod presence;
pub(crate) mod settings;
mod source;
mod window;

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bus_telemetry::{INTERVAL_MAX, Orbit, TLE_OCTETS_MAX};

pub(crate) use presence::Presence;
pub use settings::{
    CONTACT_SERVICES_MAX, ContactSettings, ContactSource, GIVEN_CONTACTS_MAX, GivenContact,
    STATION_NAME_BYTES_MAX, STATIONS_MAX, StationSettings,
};
pub use source::{Contact, Seen};
pub use window::Window;
pub(crate) use window::windows;

use crate::config::GroundLinkConfig;
use crate::error::GroundError;
use source::Source;

/// How far ahead contacts are kept ready.
const READY_AHEAD: Duration = Duration::from_secs(86_400);
/// They are computed anew when less is left of that.
const READY_LEFT_MIN: Duration = Duration::from_secs(12 * 3600);
/// How far back they are.
const READY_BEFORE: Duration = Duration::from_secs(3600);
/// Between two looks whether the file of elements has changed.
const FILE_LOOK_PAUSE: Duration = Duration::from_secs(30);
/// Elements that are older say little of when a pass is.
pub(crate) const ELEMENTS_AGE_MAX: Duration = Duration::from_secs(14 * 86_400);

/// The contacts of a link.
#[derive(Debug)]
pub struct Contacts {
    link: String,
    settings: ContactSettings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    source: Source,
    /// What the file of elements looked like, and when it was looked at.
    file: Option<(Instant, FileMark)>,
    ready: Option<Ready>,
}

/// By which a file is known to be another.
type FileMark = (Option<SystemTime>, u64);

/// Contacts of some time, computed.
#[derive(Debug)]
struct Ready {
    from: Duration,
    until: Duration,
    contacts: Vec<Contact>,
}

impl Contacts {
    /// Those of `link`; none where its configuration says nothing of them.
    ///
    /// # Errors
    /// [`GroundError::Contacts`] when the file of elements cannot be read, or holds none.
    pub fn of(link: &GroundLinkConfig) -> Result<Option<Self>, GroundError> {
        let Some(settings) = &link.contacts else {
            return Ok(None);
        };
        let (source, file) = open(settings).map_err(|problem| GroundError::Contacts {
            link: link.name.clone(),
            problem,
        })?;
        let state = State {
            source,
            file,
            ready: None,
        };
        Ok(Some(Contacts {
            link: link.name.clone(),
            settings: settings.clone(),
            state: Mutex::new(state),
        }))
    }

    /// What the configuration says.
    pub fn settings(&self) -> &ContactSettings {
        &self.settings
    }

    /// Whether a station is planned to hear the satellite at `now`. None where the plan says
    /// nothing of that time: a given schedule is over, or the elements lead nowhere. Whoever
    /// hears it knows better.
    pub fn in_contact(&self, now: Duration) -> Option<bool> {
        let mut state = self.look_again();
        if state.source.is_over(now) {
            return None;
        }
        match state.ready_at(now) {
            Ok(contacts) => Some(contacts.iter().any(|contact| contact.covers(now))),
            Err(problem) => {
                log::debug!("link `{}`: {problem}", self.link);
                None
            }
        }
    }

    /// The contact that is at `now`, or else the next that begins within a day.
    pub fn next(&self, now: Duration) -> Option<Contact> {
        let mut state = self.look_again();
        let contacts = state.ready_at(now).ok()?;
        let mut open = contacts.iter().filter(|contact| contact.end > now);
        open.next().cloned()
    }

    /// All contacts with a part between two times, at most 31 days apart, in the order in
    /// which they begin.
    ///
    /// # Errors
    /// [`GroundError::Contacts`] when that is too long, or the elements lead nowhere.
    pub fn between(&self, from: Duration, until: Duration) -> Result<Vec<Contact>, GroundError> {
        let state = self.look_again();
        let found = state.source.between(from, until);
        found.map_err(|problem| GroundError::Contacts {
            link: self.link.clone(),
            problem,
        })
    }

    /// How old the elements are at `now`; none with a given schedule.
    pub fn elements_age(&self, now: Duration) -> Option<Duration> {
        let state = self.look_again();
        state.source.epoch().map(|epoch| now.saturating_sub(epoch))
    }

    /// With the elements of the file, if that has changed. One that cannot be read changes
    /// nothing.
    fn look_again(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let due = state
            .file
            .filter(|(looked, _)| looked.elapsed() >= FILE_LOOK_PAUSE);
        if let (Some((_, known)), ContactSource::Elements { tle_file, .. }) =
            (due, &self.settings.source)
        {
            let found = mark(tle_file);
            state.file = Some((Instant::now(), found));
            if found != known {
                match open(&self.settings) {
                    Ok((source, _)) => {
                        log::info!("link `{}`: has new elements", self.link);
                        state.source = source;
                        state.ready = None;
                    }
                    Err(problem) => {
                        log::error!("link `{}`: {problem}; the former count", self.link);
                    }
                }
            }
        }
        state
    }
}

impl State {
    /// Contacts around `now`.
    fn ready_at(&mut self, now: Duration) -> Result<&[Contact], String> {
        let fits = |ready: &Ready| ready.from <= now && now + READY_LEFT_MIN <= ready.until;
        if !self.ready.as_ref().is_some_and(fits) {
            let (from, until) = (now.saturating_sub(READY_BEFORE), now + READY_AHEAD);
            let contacts = self.source.between(from, until)?;
            self.ready = Some(Ready {
                from,
                until,
                contacts,
            });
        }
        Ok(self.ready.as_ref().map_or(&[], |ready| &ready.contacts))
    }
}

type Opened = (Source, Option<(Instant, FileMark)>);

fn open(settings: &ContactSettings) -> Result<Opened, String> {
    match &settings.source {
        ContactSource::Given(contacts) => Ok((Source::given(contacts), None)),
        ContactSource::Elements { tle_file, stations } => {
            let mark = mark(tle_file);
            let orbit = read_elements(tle_file)
                .map_err(|problem| format!("`tle-file` {}: {problem}", tle_file.display()))?;
            let source = Source::predicted(orbit, stations).map_err(|error| error.to_string())?;
            Ok((source, Some((Instant::now(), mark))))
        }
    }
}

fn mark(path: &Path) -> FileMark {
    match fs::metadata(path) {
        Ok(found) => (found.modified().ok(), found.len()),
        Err(_) => (None, 0),
    }
}

fn read_elements(path: &Path) -> Result<Orbit, String> {
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    if found.len() > TLE_OCTETS_MAX as u64 {
        return Err(format!(
            "it has {} octets; the elements of one satellite have at most {TLE_OCTETS_MAX}",
            found.len()
        ));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    Orbit::from_tle(&text).map_err(|error| error.to_string())
}

/// UTC since 1970, as the clock of this machine has it.
pub(crate) fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

/// The longest time that is looked over at once.
pub(crate) const BETWEEN_MAX: Duration = INTERVAL_MAX;

#[cfg(test)]
mod tests {
    use super::*;

    const ELEMENTS: &str = "1 99999U 26001A   26001.00000000  .00000000  00000-0  00000-0 0  9993\n\
                            2 99999  97.4000 100.0000 0010000  90.0000 270.0000 15.21900000    05\n";
    const EPOCH: Duration = Duration::from_secs(1_767_225_600);

    fn link(keys: &str) -> GroundLinkConfig {
        let text = format!(
            "[[link]]\nname = 'a'\nsatellite = 'b'\n{keys}\n[link.radio]\nkind = 'udp'\n\
             bind = '127.0.0.1:0'\npeer = '127.0.0.1:9'\nframing = 'raw'\n\
             [[station]]\nname = 'Berlin'\nlatitude-deg = 52.5\nlongitude-deg = 13.4\n"
        );
        let config = crate::GroundConfig::from_table(&text.parse().unwrap(), "test").unwrap();
        config.link(None).unwrap().clone()
    }

    #[test]
    fn contact_is_what_the_passes_say_and_the_next_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.tle");
        fs::write(&file, ELEMENTS).unwrap();
        let link = link(&format!("tle-file = {file:?}"));
        let contacts = Contacts::of(&link).unwrap().unwrap();
        let all = contacts
            .between(EPOCH, EPOCH + Duration::from_secs(2 * 86_400))
            .unwrap();
        assert!(all.len() > 4, "{all:?}");
        for pair in all.windows(2) {
            let [one, two] = pair else { panic!("two") };
            let middle = (one.start + one.end) / 2;
            assert_eq!(contacts.in_contact(middle), Some(true));
            let pause = (one.end + two.start) / 2;
            assert_eq!(contacts.in_contact(pause), Some(false));
            let next = contacts.next(pause).unwrap();
            let apart = next.start.abs_diff(two.start);
            assert!(apart < Duration::from_millis(5), "{apart:?}");
            assert_eq!(one.station.as_deref(), Some("Berlin"));
        }
        assert_eq!(contacts.elements_age(EPOCH), Some(Duration::ZERO));
    }

    #[test]
    fn of_a_given_schedule_that_is_over_nothing_is_said() {
        let link = link(
            "contacts = [{ start = 2026-01-01T00:00:10Z, end = 2026-01-01T00:00:20Z },\n\
             { start = 2026-01-01T00:00:40Z, end = 2026-01-01T00:00:50Z }]",
        );
        let contacts = Contacts::of(&link).unwrap().unwrap();
        let at = |second| contacts.in_contact(EPOCH + Duration::from_secs(second));
        let said = [5, 10, 19, 20, 45, 50].map(at);
        let expected = [
            Some(false),
            Some(true),
            Some(true),
            Some(false),
            Some(true),
            None,
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn elements_that_cannot_be_read_are_named_with_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.tle");
        let link = link(&format!("tle-file = {file:?}"));
        let error = Contacts::of(&link).unwrap_err().to_string();
        assert!(error.contains("a.tle"), "{error}");
        fs::write(&file, ELEMENTS.replace("97.4", "97.5")).unwrap();
        let error = Contacts::of(&link).unwrap_err().to_string();
        assert!(error.contains("not two-line elements"), "{error}");
        fs::write(&file, "x".repeat(5000)).unwrap();
        let error = Contacts::of(&link).unwrap_err().to_string();
        assert!(error.contains("at most 1024"), "{error}");
    }
}

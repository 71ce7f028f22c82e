//! `[[station]]`, and what `[[link]]` says of contacts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bus_telemetry::Station;
use jiff::Timestamp;
use serde::Deserialize;
use toml::{Table, Value};

/// Most stations in one configuration.
pub const STATIONS_MAX: usize = 64;
/// Longest name of a station.
pub const STATION_NAME_BYTES_MAX: usize = 32;
/// Most contacts that a configuration gives, as many as a service on board takes.
pub const GIVEN_CONTACTS_MAX: usize = 4096;
/// Most services that get the plan of one link.
pub const CONTACT_SERVICES_MAX: usize = 16;

/// The keys of a link that are read here.
pub(crate) const LINK_KEYS: [&str; 4] = ["tle-file", "stations", "contacts", "contact-services"];

/// `[[station]]`: a place that hears satellites.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StationSettings {
    /// Its name, which no other has.
    pub name: String,
    /// Geodetic latitude.
    pub latitude_deg: f64,
    /// Longitude, to the east.
    pub longitude_deg: f64,
    /// Above the ellipsoid.
    #[serde(default)]
    pub altitude_km: f64,
    /// It hears above this.
    #[serde(default = "usual_elevation")]
    pub elevation_min_deg: f64,
}

fn usual_elevation() -> f64 {
    5.0
}

/// When the satellite of a link is in contact, and who on board is told.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactSettings {
    /// From where that is known.
    pub source: ContactSource,
    /// Ports of the services on board that get the plan.
    pub services: Vec<u16>,
    /// What they have is noted in this file.
    pub given_file: Option<PathBuf>,
}

/// From where contacts are known.
#[derive(Clone, Debug, PartialEq)]
pub enum ContactSource {
    /// Predicted: two-line elements, and who listens.
    Elements {
        /// The file with the elements.
        tle_file: PathBuf,
        /// At least one.
        stations: Vec<StationSettings>,
    },
    /// Told by somebody who knows.
    Given(Vec<GivenContact>),
}

/// A contact of a given schedule, from `start` to before `end`, by UTC since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenContact {
    /// Acquisition of signal.
    pub start: Duration,
    /// Loss of signal.
    pub end: Duration,
    /// By whom it is heard.
    pub station: Option<String>,
}

/// Reads all `[[station]]` of a file.
///
/// # Errors
/// What is wrong, with the station and the key.
pub(crate) fn read_stations(value: Option<&Value>) -> Result<Vec<StationSettings>, String> {
    let values = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(values)) => values,
        Some(_) => return Err("`station` must be a list of tables: write [[station]]".to_owned()),
    };
    if values.len() > STATIONS_MAX {
        let count = values.len();
        return Err(format!(
            "{count} stations are more than the {STATIONS_MAX} possible"
        ));
    }
    let mut stations: Vec<StationSettings> = Vec::new();
    for (value, number) in values.iter().zip(1..) {
        let place = match value.get("name").and_then(Value::as_str) {
            Some(name) => format!("station `{name}`"),
            None => format!("station number {number}"),
        };
        let station = read_station(value).map_err(|problem| format!("{place}: {problem}"))?;
        if stations.iter().any(|other| other.name == station.name) {
            return Err(format!("{place}: two stations have this name"));
        }
        stations.push(station);
    }
    Ok(stations)
}

fn read_station(value: &Value) -> Result<StationSettings, String> {
    let station: StationSettings = value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| error.to_string())?;
    let name = &station.name;
    if name.is_empty()
        || name.len() > STATION_NAME_BYTES_MAX
        || name.chars().any(char::is_control)
        || name.trim() != name
    {
        return Err(format!(
            "`name` is {name:?}: choose 1 to {STATION_NAME_BYTES_MAX} octets of text"
        ));
    }
    station.place().map_err(|error| error.to_string())?;
    Ok(station)
}

impl StationSettings {
    /// # Errors
    /// Which value no place on the Earth has.
    pub(crate) fn place(&self) -> Result<Station, bus_telemetry::PassesError> {
        Station::new(
            self.latitude_deg,
            self.longitude_deg,
            self.altitude_km,
            self.elevation_min_deg,
        )
    }
}

impl ContactSettings {
    /// Reads what the table of a link says; `state` is the folder of the link's state. None
    /// where it says nothing.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub(crate) fn read(
        link: &Table,
        stations: &[StationSettings],
        state: Option<&Path>,
    ) -> Result<Option<Self>, String> {
        let source = match (link.get("tle-file"), link.get("contacts")) {
            (Some(_), Some(_)) => {
                return Err(
                    "`tle-file` and `contacts` say both when there is contact: remove one"
                        .to_owned(),
                );
            }
            (Some(file), None) => {
                let stations = chosen(link.get("stations"), stations)?;
                Some(ContactSource::Elements {
                    tle_file: tle_file(file)?,
                    stations,
                })
            }
            (None, contacts) => {
                if link.contains_key("stations") {
                    return Err("`stations` needs `tle-file`".to_owned());
                }
                let contacts = contacts.map(|contacts| read_given(contacts, stations));
                contacts.transpose()?.map(ContactSource::Given)
            }
        };
        let services = link.get("contact-services").map(read_services);
        match (source, services.transpose()?) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err("`contact-services` needs `tle-file` or `contacts`".to_owned()),
            (Some(source), services) => Ok(Some(ContactSettings {
                source,
                services: services.unwrap_or_default(),
                given_file: state.map(|state| state.join("contacts.given.json")),
            })),
        }
    }
}

fn tle_file(value: &Value) -> Result<PathBuf, String> {
    match value.as_str().map(Path::new) {
        Some(path) if path.is_absolute() => Ok(path.to_owned()),
        _ => Err(format!("`tle-file` is {value}: write an absolute path")),
    }
}

fn chosen(
    names: Option<&Value>,
    stations: &[StationSettings],
) -> Result<Vec<StationSettings>, String> {
    if stations.is_empty() {
        return Err("`tle-file` needs a [[station]]: who listens?".to_owned());
    }
    let Some(names) = names else {
        return Ok(stations.to_vec());
    };
    let list = || format!("`stations` is {names}: write a list of names of [[station]]");
    let names = names.as_array().filter(|names| !names.is_empty());
    let names = names.ok_or_else(list)?.iter();
    let chosen = names.map(|name| {
        let name = name.as_str().ok_or_else(list)?;
        known(name, stations).cloned()
    });
    chosen.collect()
}

fn known<'a>(name: &str, stations: &'a [StationSettings]) -> Result<&'a StationSettings, String> {
    let mut all = stations.iter();
    all.find(|station| station.name == name)
        .ok_or_else(|| format!("there is no [[station]] called {name:?}"))
}

fn read_given(value: &Value, stations: &[StationSettings]) -> Result<Vec<GivenContact>, String> {
    let values = value.as_array();
    let values = values.ok_or("`contacts` must be a list of tables: write [[link.contacts]]")?;
    if values.len() > GIVEN_CONTACTS_MAX {
        return Err(format!(
            "`contacts` has {}; {GIVEN_CONTACTS_MAX} are the most: give the next ones",
            values.len()
        ));
    }
    let contacts = values.iter().zip(1..).map(|(value, number)| {
        let contact = read_contact(value, stations);
        contact.map_err(|problem| format!("contact {number}: {problem}"))
    });
    let mut contacts: Vec<GivenContact> = contacts.collect::<Result<_, _>>()?;
    contacts.sort_by_key(|contact| (contact.start, contact.end));
    Ok(contacts)
}

/// A contact, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    start: Value,
    end: Value,
    station: Option<String>,
}

fn read_contact(value: &Value, stations: &[StationSettings]) -> Result<GivenContact, String> {
    let written: Written = value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| error.to_string())?;
    let (start, end) = (time("start", &written.start)?, time("end", &written.end)?);
    if end <= start {
        return Err("it does not end after its start".to_owned());
    }
    // Without any, names are just names.
    if let (Some(name), false) = (&written.station, stations.is_empty()) {
        known(name, stations)?;
    }
    Ok(GivenContact {
        start,
        end,
        station: written.station,
    })
}

fn time(key: &str, value: &Value) -> Result<Duration, String> {
    let text = match value {
        Value::Datetime(time) => time.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let time = text.parse::<Timestamp>().ok();
    let since = time.and_then(|time| Duration::try_from(time.as_duration()).ok());
    since.ok_or_else(|| {
        format!("`{key}` is {text}: write a time with an offset, as 2026-11-27T10:00:00Z")
    })
}

fn read_services(value: &Value) -> Result<Vec<u16>, String> {
    let refuse = || {
        format!(
            "`contact-services` is {value}: write a list of 1 to {CONTACT_SERVICES_MAX} ports of \
             services on board, each once"
        )
    };
    let values = value.as_array().ok_or_else(refuse)?;
    if values.is_empty() || values.len() > CONTACT_SERVICES_MAX {
        return Err(refuse());
    }
    let mut services = Vec::new();
    for value in values {
        let port = value.as_integer().and_then(|port| u16::try_from(port).ok());
        match port {
            Some(port) if port > 0 && !services.contains(&port) => services.push(port),
            _ => return Err(refuse()),
        }
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATION: &str = "[[station]]\nname = 'Berlin'\nlatitude-deg = 52.5\n\
                           longitude-deg = 13.4\n";

    fn read(file: &str, link: &str) -> Result<Option<ContactSettings>, String> {
        let file: Table = file.parse().unwrap();
        let stations = read_stations(file.get("station"))?;
        ContactSettings::read(&link.parse().unwrap(), &stations, None)
    }

    fn refused(file: &str, link: &str, words: &str) {
        let error = read(file, link).unwrap_err();
        assert!(error.contains(words), "no {words:?} in {error}");
    }

    #[test]
    fn elements_are_seen_from_all_stations_or_those_that_are_named() {
        let second = STATION.replace("Berlin", "Svalbard");
        let file = format!("{STATION}altitude-km = 0.1\nelevation-min-deg = 10\n{second}");
        let all = read(&file, "tle-file = '/a.tle'\ncontact-services = [8151]");
        let all = all.unwrap().unwrap();
        assert_eq!(all.services, [8151]);
        let ContactSource::Elements { stations, .. } = all.source else {
            panic!("elements");
        };
        assert_eq!(stations.len(), 2);
        assert_eq!(stations[0].elevation_min_deg, 10.0);
        assert_eq!(
            (stations[1].altitude_km, stations[1].elevation_min_deg),
            (0.0, 5.0)
        );
        let one = read(&file, "tle-file = '/a.tle'\nstations = ['Svalbard']");
        let ContactSource::Elements { stations, .. } = one.unwrap().unwrap().source else {
            panic!("elements");
        };
        assert_eq!(stations[0].name, "Svalbard");
        assert_eq!(read(&file, "name = 'x'"), Ok(None));
    }

    #[test]
    fn a_given_schedule_is_read_in_the_order_of_time() {
        let text = "contacts = [\n\
             { start = 2026-11-27T12:00:00Z, end = '2026-11-27T13:08:30+01:00' },\n\
             { start = 1970-01-01T00:00:10Z, end = 1970-01-01T00:00:20Z, station = 'Berlin' }]";
        let ContactSource::Given(contacts) = read("", text).unwrap().unwrap().source else {
            panic!("given ones");
        };
        assert_eq!(contacts[0].start, Duration::from_secs(10));
        assert_eq!(contacts[0].station.as_deref(), Some("Berlin"));
        assert_eq!((contacts[1].end - contacts[1].start).as_secs(), 510);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_key() {
        refused("", "tle-file = '/a.tle'", "needs a [[station]]");
        refused(STATION, "tle-file = 'a.tle'", "absolute path");
        refused(STATION, "tle-file = '/a'\ncontacts = []", "remove one");
        refused(STATION, "tle-file = '/a'\nstations = ['Bonn']", "Bonn");
        refused(STATION, "tle-file = '/a'\nstations = []", "`stations`");
        refused(STATION, "stations = ['Berlin']", "needs `tle-file`");
        refused("", "contact-services = [8151]", "needs `tle-file`");
        for services in ["[]", "[0]", "[70000]", "[8151, 8151]", "8151"] {
            let link = format!("contacts = []\ncontact-services = {services}");
            refused("", &link, "`contact-services`");
        }
        let window = "start = 2026-11-27T10:00:00Z, end = 2026-11-27T11:00:00Z";
        let contact = |text: &str| format!("contacts = [{{ {text} }}]");
        refused("", &contact("start = 2026-11-27T10:00:00Z"), "`end`");
        refused("", &contact("start = 7, end = 8"), "with an offset");
        refused("", &contact(&window.replace("11:00", "09:00")), "contact 1");
        refused("", &contact(&format!("{window}, who = 'x'")), "`who`");
        let named = contact(&format!("{window}, station = 'Bonn'"));
        refused(STATION, &named, "Bonn");
        assert!(read("", &named).is_ok());
    }

    #[test]
    fn a_station_that_is_nowhere_is_refused_with_its_name() {
        refused(&STATION.replace("52.5", "91"), "", "latitude");
        refused(&format!("{STATION}{STATION}"), "", "two stations");
        refused(&STATION.replace("Berlin", ""), "", "`name`");
        refused(&format!("{STATION}height = 3"), "", "height");
        refused("station = 3", "", "[[station]]");
    }
}

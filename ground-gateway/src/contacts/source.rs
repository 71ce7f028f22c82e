//! Contacts, from elements and stations or as they were given. No I/O.

use std::time::Duration;

use bus_telemetry::{INTERVAL_MAX, Orbit, Pass, Passes, PassesError, Station};

use super::settings::{GivenContact, StationSettings};

/// A time in which a station hears the satellite, from `start` to before `end`, by UTC since
/// 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Which station; none where a given schedule does not say.
    pub station: Option<String>,
    /// Acquisition of signal.
    pub start: Duration,
    /// Loss of signal.
    pub end: Duration,
    /// Where the satellite is seen meanwhile, where that is predicted.
    pub seen: Option<Seen>,
}

/// Where a satellite is seen in a pass, without refraction. Azimuths are from north by east.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// When it is highest, by UTC since 1970.
    pub highest: Duration,
    /// How high that is, in degrees.
    pub elevation_max_deg: f64,
    /// Where it rises.
    pub azimuth_start_deg: f64,
    /// Where it is highest.
    pub azimuth_highest_deg: f64,
    /// Where it sinks.
    pub azimuth_end_deg: f64,
}

impl Contact {
    /// Whether it is contact at `now`.
    pub fn covers(&self, now: Duration) -> bool {
        self.start <= now && now < self.end
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        self.end.saturating_sub(self.start)
    }
}

#[derive(Debug)]
pub(super) enum Source {
    Predicted {
        orbit: Box<Orbit>,
        stations: Vec<(String, Station)>,
    },
    Given(Vec<GivenContact>),
}

impl Source {
    pub(super) fn predicted(
        orbit: Orbit,
        stations: &[StationSettings],
    ) -> Result<Self, PassesError> {
        let places = stations.iter();
        let places = places.map(|station| Ok((station.name.clone(), station.place()?)));
        Ok(Source::Predicted {
            orbit: Box::new(orbit),
            stations: places.collect::<Result<_, PassesError>>()?,
        })
    }

    /// In the order in which they begin.
    pub(super) fn given(contacts: &[GivenContact]) -> Self {
        Source::Given(contacts.to_vec())
    }

    /// Whether it says nothing of `now` and later.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        match self {
            Source::Predicted { .. } => false,
            Source::Given(contacts) => contacts.iter().all(|contact| contact.end <= now),
        }
    }

    /// The epoch of the elements.
    pub(super) fn epoch(&self) -> Option<Duration> {
        match self {
            Source::Predicted { orbit, .. } => Some(orbit.epoch()),
            Source::Given(_) => None,
        }
    }

    /// Contacts with a part between two times.
    pub(super) fn between(&self, from: Duration, until: Duration) -> Result<Vec<Contact>, String> {
        match self {
            Source::Given(contacts) => {
                let overlap = |contact: &&GivenContact| contact.end > from && contact.start < until;
                let contacts = contacts.iter().filter(overlap);
                Ok(contacts.map(of_given).collect())
            }
            Source::Predicted { orbit, stations } => {
                let mut contacts = Vec::new();
                for (name, station) in stations {
                    over(orbit, name, station, from, until, &mut contacts)?;
                }
                contacts
                    .sort_by(|one, two| (one.start, &one.station).cmp(&(two.start, &two.station)));
                Ok(contacts)
            }
        }
    }
}

fn of_given(contact: &GivenContact) -> Contact {
    Contact {
        station: contact.station.clone(),
        start: contact.start,
        end: contact.end,
        seen: None,
    }
}

/// A pass that the interval cuts is followed to its ends.
fn over(
    orbit: &Orbit,
    name: &str,
    station: &Station,
    from: Duration,
    until: Duration,
    contacts: &mut Vec<Contact>,
) -> Result<(), String> {
    let refused = |error: PassesError| format!("passes over {name}: {error}");
    // In two orbits, every pass that is no whole day has ended.
    let more = (orbit.period() * 2).min(INTERVAL_MAX / 4);
    let passes = Passes::new(orbit, station, from, until).map_err(refused)?;
    for pass in passes {
        let pass = pass.map_err(|error| format!("passes over {name}: {error}"))?;
        let pass = match pass.began_before || pass.goes_on {
            false => pass,
            true => {
                let (earlier, later) = (from.saturating_sub(more), until + more);
                let from = if pass.began_before { earlier } else { pass.aos };
                let until = if pass.goes_on { later } else { pass.los };
                whole(orbit, station, &pass, from, until).unwrap_or(pass)
            }
        };
        contacts.push(of_pass(name, &pass));
    }
    Ok(())
}

/// `part` of a pass, to its ends between two times.
fn whole(
    orbit: &Orbit,
    station: &Station,
    part: &Pass,
    from: Duration,
    until: Duration,
) -> Option<Pass> {
    let passes = Passes::new(orbit, station, from, until).ok()?;
    let mut passes = passes.map_while(Result::ok);
    passes.find(|pass| pass.aos <= part.highest && part.highest <= pass.los)
}

fn of_pass(name: &str, pass: &Pass) -> Contact {
    Contact {
        station: Some(name.to_owned()),
        start: pass.aos,
        end: pass.los,
        seen: Some(Seen {
            highest: pass.highest,
            elevation_max_deg: pass.elevation_max_deg,
            azimuth_start_deg: pass.azimuth_aos_deg,
            azimuth_highest_deg: pass.azimuth_highest_deg,
            azimuth_end_deg: pass.azimuth_los_deg,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Duration = Duration::from_secs(1_767_225_600);
    const DAY: Duration = Duration::from_secs(86_400);

    fn source() -> Source {
        let place = |name: &str, latitude_deg| StationSettings {
            name: name.to_owned(),
            latitude_deg,
            longitude_deg: 13.4,
            altitude_km: 0.0,
            elevation_min_deg: 5.0,
        };
        let stations = [place("north", 70.0), place("south", -50.0)];
        Source::predicted(Orbit::example(), &stations).unwrap()
    }

    #[test]
    fn contacts_of_all_stations_are_in_the_order_in_which_they_begin() {
        let contacts = source().between(EPOCH, EPOCH + DAY).unwrap();
        assert!(contacts.is_sorted_by_key(|contact| contact.start));
        for station in ["north", "south"] {
            let of = |contact: &&Contact| contact.station.as_deref() == Some(station);
            assert!(contacts.iter().filter(of).count() > 2);
        }
    }

    #[test]
    fn a_contact_that_is_under_way_has_its_whole_length() {
        let whole = source().between(EPOCH, EPOCH + DAY).unwrap().remove(1);
        let middle = (whole.start + whole.end) / 2;
        for (from, until) in [(middle, EPOCH + DAY), (EPOCH, middle), (middle, middle)] {
            let contacts = source().between(from, until).unwrap();
            let same = |contact: &&Contact| {
                contact.start.abs_diff(whole.start) < Duration::from_millis(5)
                    && contact.end.abs_diff(whole.end) < Duration::from_millis(5)
            };
            assert!(
                contacts.iter().any(|contact| same(&contact)),
                "{contacts:?}"
            );
        }
    }

    #[test]
    fn what_the_elements_do_not_reach_is_said() {
        let far = EPOCH + bus_telemetry::SPAN_MAX + DAY;
        let error = source().between(far, far + DAY).unwrap_err();
        assert!(error.contains("newer elements"), "{error}");
    }
}

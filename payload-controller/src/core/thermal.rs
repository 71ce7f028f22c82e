//! Places that are kept warm for an app: a heater goes on beneath the lower threshold and off
//! above the upper one.

use std::collections::BTreeMap;
use std::time::Duration;

use payload_interface::{AppName, ReqStatus};

use super::rules::ThermalRules;
use super::time::{Now, earlier};

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) app: AppName,
    pub(crate) correlation_id: i32,
    pub(crate) duration: Duration,
    /// °C.
    pub(crate) lower: i8,
    /// °C.
    pub(crate) upper: i8,
}

#[derive(Debug)]
struct Managed {
    wish: Wish,
    until: Duration,
    next: Duration,
    /// What was told last.
    told: Option<(bool, Level)>,
}

/// Where a temperature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Within,
    Below,
    Above,
}

impl Level {
    /// As the app is told it.
    pub(crate) fn number(self) -> i32 {
        match self {
            Level::Within => 0,
            Level::Below => 1,
            Level::Above => 2,
        }
    }
}

#[derive(Debug)]
struct Place {
    rules: ThermalRules,
    is_heated: bool,
    managed: Option<Managed>,
}

#[derive(Debug, Default)]
pub(crate) struct Thermal(BTreeMap<u8, Place>);

/// What is to be done at a place.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) place: u8,
    /// The heater is to be switched so.
    pub(crate) heat: Option<bool>,
    /// The app is to be told.
    pub(crate) tell: Option<Told>,
}

#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) app: AppName,
    pub(crate) correlation_id: i32,
    pub(crate) is_heated: bool,
    pub(crate) level: Level,
    pub(crate) temperature: i8,
}

/// What a field of 8 bits says as a temperature: -10 comes as 246 from some payloads.
pub(crate) fn signed(field: i32) -> Option<i8> {
    match field {
        -128..=127 => i8::try_from(field).ok(),
        128..=255 => i8::try_from(field - 256).ok(),
        _ => None,
    }
}

/// A temperature as 8 bits with a sign have it.
pub(crate) fn whole(celsius: f64) -> Option<i8> {
    let rounded = celsius.round();
    // What is beyond is as far as it goes.
    #[allow(clippy::cast_possible_truncation)]
    rounded
        .is_finite()
        .then(|| rounded.clamp(-128.0, 127.0) as i8)
}

impl Thermal {
    pub(crate) fn new(rules: Vec<ThermalRules>) -> Self {
        let places = rules.into_iter().map(|rules| {
            let place = Place {
                is_heated: false,
                managed: None,
                rules,
            };
            (place.rules.id, place)
        });
        Thermal(places.collect())
    }

    /// Begins.
    pub(crate) fn start(&mut self, now: Now, id: u8, wish: Wish) -> ReqStatus {
        let Some(place) = self.0.get_mut(&id) else {
            return ReqStatus::InvalidHardware;
        };
        let rules = &place.rules;
        let allowed = rules.lowest_c..=rules.highest_c;
        match () {
            () if place.managed.is_some() => ReqStatus::Busy,
            () if wish.duration.is_zero() || wish.duration > rules.duration_max => {
                ReqStatus::InvalidTimer
            }
            () if wish.lower >= wish.upper
                || !allowed.contains(&wish.lower)
                || !allowed.contains(&wish.upper) =>
            {
                ReqStatus::InvalidTemperature
            }
            () => {
                place.managed = Some(Managed {
                    until: now.after(wish.duration),
                    next: now.monotonic,
                    told: None,
                    wish,
                });
                ReqStatus::Success
            }
        }
    }

    /// Ends it. The heater is to be off then.
    pub(crate) fn stop(&mut self, id: u8, app: &AppName) -> (ReqStatus, Option<Look>) {
        let Some(place) = self.0.get_mut(&id) else {
            return (ReqStatus::InvalidHardware, None);
        };
        let is_its_own = |managed: &mut Managed| managed.wish.app == *app;
        match place.managed.take_if(is_its_own) {
            None => (ReqStatus::Failed, None),
            Some(_) => (ReqStatus::Success, place.off(id)),
        }
    }

    /// All of an app end.
    pub(crate) fn stop_all(&mut self, app: &AppName) -> Vec<Look> {
        let ids: Vec<u8> = self.0.keys().copied().collect();
        ids.into_iter()
            .filter_map(|id| self.stop(id, app).1)
            .collect()
    }

    pub(crate) fn sensor(&self, id: u8) -> Option<&str> {
        self.0.get(&id).map(|place| place.rules.sensor.as_str())
    }

    pub(crate) fn is_heated(&self, id: u8) -> bool {
        self.0.get(&id).is_some_and(|place| place.is_heated)
    }

    /// Looks at those that are to be looked at. What is not known keeps no heater on.
    pub(crate) fn due(&mut self, now: Now, read: impl Fn(&str) -> Option<f64>) -> Vec<Look> {
        let mut looks = Vec::new();
        for (id, place) in &mut self.0 {
            let Some(managed) = &mut place.managed else {
                continue;
            };
            if managed.until <= now.monotonic {
                place.managed = None;
                looks.extend(place.off(*id));
                continue;
            }
            if managed.next > now.monotonic {
                continue;
            }
            managed.next = now.after(place.rules.every);
            let temperature = read(&place.rules.sensor).and_then(whole);
            let level = temperature.map(|temperature| match temperature {
                below if below < managed.wish.lower => Level::Below,
                above if above > managed.wish.upper => Level::Above,
                _ => Level::Within,
            });
            let is_to_be = match level {
                None | Some(Level::Above) => false,
                Some(Level::Below) => true,
                Some(Level::Within) => place.is_heated,
            };
            let heat = (is_to_be != place.is_heated).then_some(is_to_be);
            place.is_heated = is_to_be;
            let state = level.map(|level| (is_to_be, level));
            let told = temperature.zip(level).filter(|_| state != managed.told);
            let tell = told.map(|(temperature, level)| Told {
                app: managed.wish.app.clone(),
                correlation_id: managed.wish.correlation_id,
                is_heated: is_to_be,
                level,
                temperature,
            });
            managed.told = state.or(managed.told);
            let place = *id;
            looks.push(Look { place, heat, tell });
        }
        looks
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        let managed = self.0.values().filter_map(|place| place.managed.as_ref());
        managed
            .map(|managed| managed.next.min(managed.until))
            .fold(None, |least, next| earlier(least, Some(next)))
    }
}

impl Place {
    fn off(&mut self, id: u8) -> Option<Look> {
        let was_heated = std::mem::take(&mut self.is_heated);
        was_heated.then_some(Look {
            place: id,
            heat: Some(false),
            tell: None,
        })
    }
}

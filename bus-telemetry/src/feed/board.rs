//! The latest of each group.

use std::time::Duration;

use super::snapshot::{Snapshot, Told};
use crate::state::{
    Aged, Attitude, BusState, EarthFixed, Inertial, Location, Missing, Power, Reading, Thermal,
};
use crate::telemetry::TelemetryError;

/// Keeps the latest of each group that was told, and gives it while it is young enough.
///
/// Its times are of a clock that only goes forward, whatever that counts from: UTC may jump when
/// a receiver finds its satellites, and what is old must not become young by that.
#[derive(Clone, Debug)]
pub struct Board {
    age_max: Duration,
    utc: Option<Held<Duration>>,
    inertial: Option<Held<Inertial>>,
    earth_fixed: Option<Held<EarthFixed>>,
    location: Option<Held<Location>>,
    attitude: Option<Held<Attitude>>,
    eclipse: Option<Held<bool>>,
    power: Option<Held<Power>>,
    thermal: Option<Held<Thermal>>,
    payload_server_c: Option<Held<f64>>,
}

#[derive(Clone, Debug)]
struct Held<T> {
    value: T,
    received: Duration,
    /// How old it was then.
    age: Duration,
}

impl Board {
    /// An empty one, which gives nothing that is older than `age_max`.
    pub fn new(age_max: Duration) -> Self {
        Self {
            age_max,
            utc: None,
            inertial: None,
            earth_fixed: None,
            location: None,
            attitude: None,
            eclipse: None,
            power: None,
            thermal: None,
            payload_server_c: None,
        }
    }

    /// Takes the groups of a snapshot that came at `at`; each replaces the one before as a
    /// whole.
    pub fn put(&mut self, snapshot: Snapshot, at: Duration) {
        let utc = snapshot.utc_s.map(|told| Told {
            value: Duration::try_from_secs_f64(told.value).unwrap_or_default(),
            age_s: told.age_s,
        });
        put(&mut self.utc, utc, at);
        put(&mut self.inertial, snapshot.inertial, at);
        put(&mut self.earth_fixed, snapshot.earth_fixed, at);
        put(&mut self.location, snapshot.location, at);
        put(&mut self.attitude, snapshot.attitude, at);
        put(&mut self.eclipse, snapshot.eclipse, at);
        put(&mut self.power, snapshot.power, at);
        put(&mut self.thermal, snapshot.thermal, at);
        put(&mut self.payload_server_c, snapshot.payload_server_c, at);
    }

    /// The state at `at`.
    pub fn state(&self, at: Duration) -> Result<BusState, TelemetryError> {
        let age_max = self.age_max;
        let mut youngest = None;
        let state = BusState {
            utc: read(&self.utc, at, age_max, &mut youngest),
            inertial: read(&self.inertial, at, age_max, &mut youngest),
            earth_fixed: read(&self.earth_fixed, at, age_max, &mut youngest),
            location: read(&self.location, at, age_max, &mut youngest),
            attitude: read(&self.attitude, at, age_max, &mut youngest),
            eclipse: read(&self.eclipse, at, age_max, &mut youngest),
            power: read(&self.power, at, age_max, &mut youngest),
            thermal: read(&self.thermal, at, age_max, &mut youngest),
            payload_server_c: read(&self.payload_server_c, at, age_max, &mut youngest),
        };
        match youngest {
            None => Err(TelemetryError::Unavailable),
            Some(age) if age > age_max => Err(TelemetryError::Stale { age, age_max }),
            Some(_) => Ok(state),
        }
    }
}

fn put<T>(held: &mut Option<Held<T>>, told: Option<Told<T>>, received: Duration) {
    if let Some(told) = told {
        let age = told.age();
        let value = told.value;
        *held = Some(Held {
            value,
            received,
            age,
        });
    }
}

fn read<T: Clone>(
    held: &Option<Held<T>>,
    at: Duration,
    age_max: Duration,
    youngest: &mut Option<Duration>,
) -> Reading<T> {
    let held = held.as_ref().ok_or(Missing::Unknown)?;
    let age = at.saturating_sub(held.received).saturating_add(held.age);
    *youngest = Some(youngest.map_or(age, |youngest| youngest.min(age)));
    if age > age_max {
        return Err(Missing::Stale { age, age_max });
    }
    let value = held.value.clone();
    Ok(Aged { value, age })
}

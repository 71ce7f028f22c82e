//! Whether what was told can be.

use super::snapshot::{FeedError, Snapshot};
use crate::state::{Attitude, Location, Power, Quaternion, Sensor, Target};

const AGE_MAX_S: f64 = 1e9;
/// The year 2500.
const UTC_MAX_S: f64 = 16_725_225_600.0;
const RAILS_MAX: usize = 32;
const SENSORS_MAX: usize = 64;
const NAME_OCTETS_MAX: usize = 32;
const ABSOLUTE_ZERO_C: f64 = -273.15;
/// What a sensor says that is torn off.
const TEMPERATURE_MAX_C: f64 = 1000.0;
/// How far from 1 a rounded quaternion may be.
const NORM_WITHIN: f64 = 0.01;

pub(super) fn check(snapshot: &Snapshot) -> Result<(), FeedError> {
    let mut ages = snapshot.ages_s().peekable();
    if ages.peek().is_none() {
        return Err(FeedError::Empty);
    }
    for age_s in ages {
        within("age_s", age_s, 0.0, AGE_MAX_S)?;
    }
    // JSON has no NaN and no infinity, so positions and velocities are finite.
    if let Some(told) = &snapshot.utc_s {
        within("utc_s", told.value, 0.0, UTC_MAX_S)?;
    }
    if let Some(told) = &snapshot.location {
        location(&told.value)?;
    }
    if let Some(told) = &snapshot.attitude {
        attitude(&told.value)?;
    }
    if let Some(told) = &snapshot.power {
        power(&told.value)?;
    }
    if let Some(told) = &snapshot.thermal {
        sensors(&told.value.sensors)?;
    }
    if let Some(told) = &snapshot.payload_server_c {
        temperature("payload_server_c", told.value)?;
    }
    Ok(())
}

fn location(location: &Location) -> Result<(), FeedError> {
    within("latitude_deg", location.latitude_deg, -90.0, 90.0)?;
    within("longitude_deg", location.longitude_deg, -180.0, 180.0)?;
    match location.deviation {
        None => Ok(()),
        Some(deviation) => {
            let least = deviation.latitude_deg.min(deviation.longitude_deg);
            within("deviation", least.min(deviation.altitude_km), 0.0, f64::MAX)
        }
    }
}

fn attitude(attitude: &Attitude) -> Result<(), FeedError> {
    for (field, quaternion) in [
        ("body_from_eci", &attitude.body_from_eci),
        ("body_from_orbit", &attitude.body_from_orbit),
    ] {
        let norm = quaternion.as_ref().map_or(1.0, Quaternion::norm);
        if (norm - 1.0).abs() > NORM_WITHIN {
            let problem = "is no rotation: its norm must be 1";
            return Err(FeedError::OutOfRange { field, problem });
        }
    }
    match attitude.target {
        None => Ok(()),
        Some(Target {
            latitude_deg,
            longitude_deg,
        }) => {
            within("target.latitude_deg", latitude_deg, -90.0, 90.0)?;
            within("target.longitude_deg", longitude_deg, -180.0, 180.0)
        }
    }
}

fn power(power: &Power) -> Result<(), FeedError> {
    if power.rails.len() > RAILS_MAX {
        let (field, problem) = ("rails", "are more than 32");
        return Err(FeedError::OutOfRange { field, problem });
    }
    names(power.rails.iter().map(|rail| rail.name.as_str()))
}

fn sensors(sensors: &[Sensor]) -> Result<(), FeedError> {
    if sensors.len() > SENSORS_MAX {
        let (field, problem) = ("sensors", "are more than 64");
        return Err(FeedError::OutOfRange { field, problem });
    }
    for sensor in sensors {
        temperature("temperature_c", sensor.temperature_c)?;
    }
    names(sensors.iter().map(|sensor| sensor.name.as_str()))
}

fn names<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<(), FeedError> {
    let wrong = |name: &str| name.is_empty() || name.len() > NAME_OCTETS_MAX;
    if names.any(wrong) {
        let (field, problem) = ("name", "must have 1 to 32 octets");
        return Err(FeedError::OutOfRange { field, problem });
    }
    Ok(())
}

fn temperature(field: &'static str, celsius: f64) -> Result<(), FeedError> {
    within(field, celsius, ABSOLUTE_ZERO_C, TEMPERATURE_MAX_C)
}

fn within(field: &'static str, value: f64, least: f64, most: f64) -> Result<(), FeedError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let problem = if value < least {
        "is too small"
    } else {
        "is too large"
    };
    Err(FeedError::OutOfRange { field, problem })
}

//! When a station sees the spacecraft.

use std::time::Duration;

use crate::orbit::earth::{position_ecef, to_ecef};
use crate::orbit::vector::{dot, minus, norm};
use crate::orbit::{Orbit, OrbitError};
use crate::state::Vector;

/// The longest interval that is searched: 31 days.
pub const INTERVAL_MAX: Duration = Duration::from_secs(31 * 86_400);

/// Parts of a revolution that are looked at one by one.
const STEPS_PER_REVOLUTION: u32 = 180;
/// What is looked at in revolutions of any length, so that none is skipped at a perigee.
const STEP_MAX: Duration = Duration::from_secs(60);
/// How well AOS and LOS are found.
const CROSSING_WITHIN: Duration = Duration::from_millis(1);
/// How well the time of the highest elevation is found.
const PEAK_WITHIN: Duration = Duration::from_millis(50);

/// A place on the ground, and how high above its horizon it hears.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    elevation_min_deg: f64,
    r_ecef_km: Vector,
    /// Away from the ellipsoid.
    up: Vector,
    north: Vector,
    east: Vector,
}

/// Where something is seen from a station, without refraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// From north by east, from 0 to below 360.
    pub azimuth_deg: f64,
    /// Above the horizon, from -90 to 90.
    pub elevation_deg: f64,
    /// How far it is.
    pub range_km: f64,
}

impl Station {
    /// A station at a geodetic latitude (-90° to 90°), a longitude (-180° to 360°), and a height
    /// above the ellipsoid (-1 km to 100 km), which hears above a minimum elevation (-5° to 90°,
    /// without refraction).
    pub fn new(
        latitude_deg: f64,
        longitude_deg: f64,
        altitude_km: f64,
        elevation_min_deg: f64,
    ) -> Result<Self, PassesError> {
        for (what, value, least, most) in [
            ("latitude", latitude_deg, -90.0, 90.0),
            ("longitude", longitude_deg, -180.0, 360.0),
            ("altitude in km", altitude_km, -1.0, 100.0),
            ("minimum elevation", elevation_min_deg, -5.0, 90.0),
        ] {
            if !(least..=most).contains(&value) {
                return Err(PassesError::Station { what, least, most });
            }
        }
        let (sin, cos) = latitude_deg.to_radians().sin_cos();
        let (sin_longitude, cos_longitude) = longitude_deg.to_radians().sin_cos();
        Ok(Self {
            elevation_min_deg,
            r_ecef_km: position_ecef(latitude_deg, longitude_deg, altitude_km),
            up: [cos * cos_longitude, cos * sin_longitude, sin],
            north: [-sin * cos_longitude, -sin * sin_longitude, cos],
            east: [-sin_longitude, cos_longitude, 0.0],
        })
    }

    /// Where a position in the Earth's frame is seen.
    pub fn look(&self, r_ecef_km: Vector) -> Look {
        let line = minus(r_ecef_km, self.r_ecef_km);
        let turned = dot(line, self.east).atan2(dot(line, self.north));
        Look {
            azimuth_deg: turned.to_degrees().rem_euclid(360.0),
            elevation_deg: self.elevation_deg(r_ecef_km),
            range_km: norm(line),
        }
    }

    /// How high above the horizon a position in the Earth's frame is seen, in degrees.
    pub fn elevation_deg(&self, r_ecef_km: Vector) -> f64 {
        let line = minus(r_ecef_km, self.r_ecef_km);
        let sine = dot(line, self.up) / norm(line);
        sine.clamp(-1.0, 1.0).asin().to_degrees()
    }
}

/// Why no passes are searched.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PassesError {
    /// A station has a value that no place on the Earth has.
    #[error("{what} of a station must be from {least} to {most}")]
    Station {
        /// Of what.
        what: &'static str,
        /// The least it may be.
        least: f64,
        /// The most it may be.
        most: f64,
    },
    /// The interval ends before it begins.
    #[error("the interval ends before it begins")]
    Backwards,
    /// The interval is longer than [`INTERVAL_MAX`].
    #[error("the interval is longer than {} days", INTERVAL_MAX.as_secs() / 86_400)]
    TooLong,
}

/// A time for which a station sees the spacecraft. All times are UTC since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// Acquisition of signal: it rises above the minimum elevation.
    pub aos: Duration,
    /// Loss of signal: it sinks below it.
    pub los: Duration,
    /// When it is highest.
    pub highest: Duration,
    /// How high that is, in degrees.
    pub elevation_max_deg: f64,
    /// Where it is at `aos`, in degrees from north by east.
    pub azimuth_aos_deg: f64,
    /// Where it is when it is highest.
    pub azimuth_highest_deg: f64,
    /// Where it is at `los`.
    pub azimuth_los_deg: f64,
    /// It was above the minimum elevation before the interval: `aos` is where that begins.
    pub began_before: bool,
    /// It stays above the minimum elevation: `los` is where the interval ends.
    pub goes_on: bool,
}

/// The passes over a station in an interval, in order; nothing follows an error.
///
/// The elevation is computed in steps (30 s in a low orbit). What rises and sinks again between
/// two steps is found too; a gap of less than one step between two passes is not.
#[derive(Debug)]
pub struct Passes<'a> {
    orbit: &'a Orbit,
    station: &'a Station,
    until: Duration,
    step: Duration,
    /// The step before `here`.
    before: Option<Sample>,
    /// What is looked at next; nothing at the end.
    here: Option<Place>,
}

#[derive(Debug)]
enum Place {
    Start(Duration),
    At(Sample),
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    elevation_deg: f64,
}

impl<'a> Passes<'a> {
    /// Passes of `orbit` over `station` between two times, at most [`INTERVAL_MAX`] apart.
    pub fn new(
        orbit: &'a Orbit,
        station: &'a Station,
        from: Duration,
        until: Duration,
    ) -> Result<Self, PassesError> {
        let interval = until.checked_sub(from).ok_or(PassesError::Backwards)?;
        if interval > INTERVAL_MAX {
            return Err(PassesError::TooLong);
        }
        Ok(Self {
            orbit,
            station,
            until,
            step: STEP_MAX.min(orbit.period() / STEPS_PER_REVOLUTION),
            before: None,
            here: Some(Place::Start(from)),
        })
    }

    fn find(&mut self) -> Result<Option<Pass>, OrbitError> {
        let mut here = match self.here.take() {
            None => return Ok(None),
            Some(Place::At(sample)) => sample,
            Some(Place::Start(from)) => self.sample(from)?,
        };
        loop {
            if self.sees(here) {
                return self.follow(here).map(Some);
            }
            let Some(next) = self.sample_after(here)? else {
                return Ok(None);
            };
            if let Some(pass) = self.between(self.before, here, next)? {
                self.go_on(here, next);
                return Ok(Some(pass));
            }
            self.before = Some(here);
            here = next;
        }
    }

    /// The pass that `first` is the first sample of.
    fn follow(&mut self, first: Sample) -> Result<Pass, OrbitError> {
        let began_before = self.before.is_none();
        let aos = match self.before {
            Some(before) => self.crossing(before.at, first.at)?,
            None => first.at,
        };
        let (mut last, mut highest) = (first, first);
        let los = loop {
            let Some(next) = self.sample_after(last)? else {
                break None;
            };
            if !self.sees(next) {
                self.go_on(last, next);
                break Some(self.crossing(last.at, next.at)?);
            }
            if next.elevation_deg > highest.elevation_deg {
                highest = next;
            }
            last = next;
        };
        let around = highest.at.saturating_sub(self.step)..highest.at + self.step;
        let end = los.unwrap_or(last.at);
        let top = self.peak(around.start.max(aos), around.end.min(end))?;
        let pass = self.pass(aos, end, top)?;
        Ok(Pass {
            began_before,
            goes_on: los.is_none(),
            ..pass
        })
    }

    /// A pass so short that it is seen at neither of three samples.
    fn between(
        &self,
        before: Option<Sample>,
        here: Sample,
        next: Sample,
    ) -> Result<Option<Pass>, OrbitError> {
        let Some(before) = before else {
            return Ok(None);
        };
        let highest = before.elevation_deg.max(next.elevation_deg);
        if self.sees(next) || here.elevation_deg < highest {
            return Ok(None);
        }
        let top = self.peak(before.at, next.at)?;
        if !self.sees(top) {
            return Ok(None);
        }
        let aos = self.crossing(before.at, top.at)?;
        let los = self.crossing(top.at, next.at)?;
        self.pass(aos, los, top).map(Some)
    }

    /// A pass that is whole in the interval.
    fn pass(&self, aos: Duration, los: Duration, top: Sample) -> Result<Pass, OrbitError> {
        Ok(Pass {
            aos,
            los,
            highest: top.at,
            elevation_max_deg: top.elevation_deg,
            azimuth_aos_deg: self.azimuth_deg(aos)?,
            azimuth_highest_deg: self.azimuth_deg(top.at)?,
            azimuth_los_deg: self.azimuth_deg(los)?,
            began_before: false,
            goes_on: false,
        })
    }

    fn azimuth_deg(&self, at: Duration) -> Result<f64, OrbitError> {
        let position = to_ecef(&self.orbit.inertial(at)?, at);
        Ok(self.station.look(position.r_ecef_km).azimuth_deg)
    }

    fn go_on(&mut self, before: Sample, here: Sample) {
        self.before = Some(before);
        self.here = Some(Place::At(here));
    }

    /// Between two times of which it is seen at one only: when that changes.
    fn crossing(&self, mut from: Duration, mut until: Duration) -> Result<Duration, OrbitError> {
        let rises = !self.sees(self.sample(from)?);
        while until.saturating_sub(from) > CROSSING_WITHIN {
            let middle = from + (until - from) / 2;
            if self.sees(self.sample(middle)?) == rises {
                until = middle;
            } else {
                from = middle;
            }
        }
        Ok(from + (until.saturating_sub(from)) / 2)
    }

    /// The highest point between two times with one such between them: a ternary search.
    fn peak(&self, mut from: Duration, mut until: Duration) -> Result<Sample, OrbitError> {
        while until.saturating_sub(from) > PEAK_WITHIN {
            let third = (until - from) / 3;
            let (left, right) = (self.sample(from + third)?, self.sample(until - third)?);
            if left.elevation_deg < right.elevation_deg {
                from = left.at;
            } else {
                until = right.at;
            }
        }
        self.sample(from + until.saturating_sub(from) / 2)
    }

    fn sample_after(&self, sample: Sample) -> Result<Option<Sample>, OrbitError> {
        if sample.at >= self.until {
            return Ok(None);
        }
        let next = sample.at.saturating_add(self.step).min(self.until);
        self.sample(next).map(Some)
    }

    fn sample(&self, at: Duration) -> Result<Sample, OrbitError> {
        let position = to_ecef(&self.orbit.inertial(at)?, at);
        let elevation_deg = self.station.elevation_deg(position.r_ecef_km);
        Ok(Sample { at, elevation_deg })
    }

    fn sees(&self, sample: Sample) -> bool {
        sample.elevation_deg >= self.station.elevation_min_deg
    }
}

impl Iterator for Passes<'_> {
    type Item = Result<Pass, OrbitError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.find().transpose()
    }
}

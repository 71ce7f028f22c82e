//! An orbit by two-line elements and SGP4.

pub(crate) mod earth;
pub(crate) mod sun;
mod tle;
pub(crate) mod vector;

use std::time::Duration;

use sgp4::{Constants, Elements, MinutesSinceEpoch, WGS72};

pub use tle::{TLE_OCTETS_MAX, TleError};

use crate::state::Inertial;
use vector::norm;

/// How far from its epoch an orbit is computed: 20 years. Elements are good for days only;
/// the limit is one of computation.
pub const SPAN_MAX: Duration = Duration::from_secs(20 * 31_557_600);

/// The equatorial radius of WGS-72, which SGP4 has, in km.
const EARTH_RADIUS_KM: f64 = 6378.135;

/// An orbit, by SGP4 with the constants of WGS-72, by which two-line elements are made.
#[derive(Clone, Debug)]
pub struct Orbit {
    constants: Constants,
    name: Option<String>,
    norad_id: u64,
    /// Nanoseconds since 1970.
    epoch_ns: i128,
    period: Duration,
}

/// Why an orbit has no position at some time.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OrbitError {
    /// The time is further from the epoch than [`SPAN_MAX`].
    #[error(
        "{days} days from the epoch of the elements; {} are the most: use newer elements",
        SPAN_MAX.as_secs() / 86_400
    )]
    TooFar {
        /// How far, in days.
        days: u64,
    },
    /// The elements lead into the Earth.
    #[error("the orbit has decayed by then: use newer elements")]
    Decayed,
    /// The elements give no orbit at that time.
    #[error("SGP4: {0}: use newer elements")]
    Diverged(String),
}

impl Orbit {
    /// A Sun-synchronous orbit 500 km high that does not decay, of no real object. Its epoch is
    /// 2026-01-01.
    pub fn example() -> Self {
        tle::example()
    }

    /// From two-line elements, with or without a line for the name before them.
    pub fn from_tle(text: &str) -> Result<Self, TleError> {
        Self::from_elements(tle::parse(text)?)
    }

    fn from_elements(elements: Elements) -> Result<Self, TleError> {
        let unusable = |why: &dyn std::fmt::Display| TleError::Unusable(why.to_string());
        let radians = f64::to_radians;
        let brouwer = sgp4::Orbit::from_kozai_elements(
            &WGS72,
            radians(elements.inclination),
            radians(elements.right_ascension),
            elements.eccentricity,
            radians(elements.argument_of_perigee),
            radians(elements.mean_anomaly),
            // Revolutions a day to radians a minute.
            elements.mean_motion * std::f64::consts::TAU / 1440.0,
        )
        .map_err(|error| unusable(&error))?;
        let constants = Constants::new(
            WGS72,
            sgp4::iau_epoch_to_sidereal_time,
            elements.epoch(),
            elements.drag_term,
            brouwer,
        )
        .map_err(|error| unusable(&error))?;
        let epoch = elements.datetime.and_utc();
        let epoch_ns = i128::from(epoch.timestamp()) * 1_000_000_000
            + i128::from(epoch.timestamp_subsec_nanos());
        let period = Duration::try_from_secs_f64(86_400.0 / elements.mean_motion)
            .map_err(|error| unusable(&error))?;
        Ok(Self {
            constants,
            name: elements.object_name,
            norad_id: elements.norad_id,
            epoch_ns,
            period,
        })
    }

    /// The same elements as if they had been made at `epoch`: what they say of the past and of
    /// the future moves with it. It is for simulations; no real object is there.
    #[must_use]
    pub fn with_epoch(mut self, epoch: Duration) -> Self {
        self.epoch_ns = nanoseconds(epoch);
        self
    }

    /// When the elements are right, by UTC since 1970; elements of before 1970 are of 1970.
    pub fn epoch(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.epoch_ns.max(0)).unwrap_or(u64::MAX))
    }

    /// The name in the elements, if they have one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The number in the catalogue.
    pub fn norad_id(&self) -> u64 {
        self.norad_id
    }

    /// How long one revolution takes.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Position and velocity at `at`, which is UTC since 1970.
    pub fn inertial(&self, at: Duration) -> Result<Inertial, OrbitError> {
        let since_epoch_ns = nanoseconds(at) - self.epoch_ns;
        let distance = since_epoch_ns.unsigned_abs();
        if distance > SPAN_MAX.as_nanos() {
            let days = u64::try_from(distance / 86_400_000_000_000).unwrap_or(u64::MAX);
            return Err(OrbitError::TooFar { days });
        }
        let minutes = MinutesSinceEpoch(since_epoch_ns as f64 / 60e9);
        let predicted = self
            .constants
            .propagate(minutes)
            .map_err(|error| OrbitError::Diverged(error.to_string()))?;
        let components = predicted.position.iter().chain(&predicted.velocity);
        if !components.into_iter().all(|value| value.is_finite()) {
            return Err(OrbitError::Diverged("not a number".to_owned()));
        }
        if norm(predicted.position) < EARTH_RADIUS_KM {
            return Err(OrbitError::Decayed);
        }
        Ok(Inertial {
            r_eci_km: predicted.position,
            v_eci_km_s: predicted.velocity,
        })
    }
}

fn nanoseconds(at: Duration) -> i128 {
    // At most 2⁶⁴ seconds: 94 bits.
    at.as_nanos() as i128
}

//! A spacecraft that is not there: an orbit, and models of the rest.

mod attitude;
mod model;

use std::time::Duration;

use crate::orbit::earth::{geodetic, to_ecef};
use crate::orbit::sun::{in_shadow, sun_position};
use crate::orbit::{Orbit, OrbitError};
use crate::state::{Aged, BusState};
use crate::telemetry::{Telemetry, TelemetryError};
use model::Exposure;

/// Telemetry of a simulated spacecraft that always points to the Earth.
///
/// The same orbit and time give the same state. Position and eclipse are as good as the
/// elements; power and temperatures follow a simple model of light and shadow (see
/// the documentation of bus telemetry) and are of no real bus.
#[derive(Clone, Debug)]
pub struct Simulator {
    orbit: Orbit,
}

impl Simulator {
    /// On this orbit.
    pub fn new(orbit: Orbit) -> Self {
        Self { orbit }
    }

    /// Its orbit.
    pub fn orbit(&self) -> &Orbit {
        &self.orbit
    }

    fn simulated(&self, now: Duration) -> Result<BusState, OrbitError> {
        let inertial = self.orbit.inertial(now)?;
        let earth_fixed = to_ecef(&inertial, now);
        let sun = sun_position(now);
        let exposure = Exposure::before(now, &self.orbit, sun)?;
        let lit = !in_shadow(inertial.r_eci_km, sun);
        Ok(BusState {
            utc: Ok(Aged::fresh(now)),
            location: Ok(Aged::fresh(geodetic(earth_fixed.r_ecef_km))),
            attitude: Ok(Aged::fresh(attitude::to_nadir(&inertial))),
            inertial: Ok(Aged::fresh(inertial)),
            earth_fixed: Ok(Aged::fresh(earth_fixed)),
            eclipse: Ok(Aged::fresh(!lit)),
            power: Ok(Aged::fresh(model::power(&exposure, lit))),
            thermal: Ok(Aged::fresh(model::thermal(&exposure))),
            payload_server_c: Ok(Aged::fresh(model::payload_server_c(&exposure))),
        })
    }
}

impl Telemetry for Simulator {
    fn state(&self, now: Duration) -> Result<BusState, TelemetryError> {
        Ok(self.simulated(now)?)
    }
}

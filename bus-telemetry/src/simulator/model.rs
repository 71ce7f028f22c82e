//! Power and temperatures that follow light and shadow.
//!
//! Each value is between what it comes to in shadow and in light, by the share of the last
//! revolution that was lit, in which the recent past counts more: that of `t` ago by
//! e^(-t / lag). So nothing is remembered, and a state is a function of time.

use std::time::Duration;

use crate::orbit::sun::in_shadow;
use crate::orbit::{Orbit, OrbitError};
use crate::state::{Power, Rail, Sensor, Thermal, Vector};

/// Parts of the last revolution that are looked at.
const SAMPLES: u32 = 96;

/// Light and shadow of the last revolution.
pub(super) struct Exposure {
    /// Between two samples, in minutes.
    step_min: f64,
    /// Whether it was lit, the latest first.
    lit: Vec<bool>,
}

impl Exposure {
    pub(super) fn before(now: Duration, orbit: &Orbit, sun_km: Vector) -> Result<Self, OrbitError> {
        let step = orbit.period() / SAMPLES;
        let lit = (0..SAMPLES).map(|index| {
            let inertial = orbit.inertial(now.saturating_sub(step * index))?;
            Ok(!in_shadow(inertial.r_eci_km, sun_km))
        });
        Ok(Self {
            step_min: step.as_secs_f64() / 60.0,
            lit: lit.collect::<Result<_, OrbitError>>()?,
        })
    }

    /// What has `dark` in lasting shadow, `bright` in lasting light, and follows after `lag_min`.
    fn between(&self, dark: f64, bright: f64, lag_min: f64) -> f64 {
        let (mut lit, mut all, mut weight) = (0.0, 0.0, 1.0);
        let fading = (-self.step_min / lag_min).exp();
        for is_lit in &self.lit {
            lit += if *is_lit { weight } else { 0.0 };
            all += weight;
            weight *= fading;
        }
        dark + (bright - dark) * lit / all
    }
}

/// A battery of two lithium cells that the solar array charges, and four rails.
pub(super) fn power(exposure: &Exposure, lit: bool) -> Power {
    let battery_v = exposure.between(7.0, 8.2, 50.0);
    let rail = |name: &str, on, voltage_v, current_a| Rail {
        name: name.to_owned(),
        on: Some(on),
        voltage_v: Some(voltage_v),
        current_a: Some(current_a),
    };
    let (array_v, array_a) = if lit { (16.8, 1.6) } else { (0.0, 0.0) };
    Power {
        battery_v: Some(battery_v),
        rails: vec![
            rail("solar-array", lit, array_v, array_a),
            rail("3v3", true, 3.3, 0.4),
            rail("5v", true, 5.0, 0.6),
            rail("payload-server", true, battery_v, 0.9),
        ],
    }
}

pub(super) fn thermal(exposure: &Exposure) -> Thermal {
    let sensor = |name: &str, temperature_c, heater_on| Sensor {
        name: name.to_owned(),
        temperature_c,
        heater_on,
    };
    let battery_c = exposure.between(-2.0, 18.0, 60.0);
    Thermal {
        sensors: vec![
            sensor("solar-panel", exposure.between(-60.0, 65.0, 8.0), None),
            sensor("structure", exposure.between(-20.0, 25.0, 35.0), None),
            sensor("battery", battery_c, Some(battery_c < 5.0)),
        ],
    }
}

pub(super) fn payload_server_c(exposure: &Exposure) -> f64 {
    exposure.between(8.0, 38.0, 30.0)
}

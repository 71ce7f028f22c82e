//! The Sun, and whether the Earth hides it.

use std::time::Duration;

use super::earth::since_j2000_s;
use super::vector::{dot, minus, norm, times, unit};
use crate::state::Vector;

/// The Earth's equatorial radius, in km.
const EARTH_RADIUS_KM: f64 = 6378.137;
/// One astronomical unit, in km.
const AU_KM: f64 = 149_597_870.7;

/// Where the Sun is seen from the Earth, in km, in the frame of the mean equator of date.
///
/// The low-precision formula of the Astronomical Almanac (page C5), exact to 0.01° from 1950 to
/// 2050.
pub fn sun_position(at: Duration) -> Vector {
    let days = since_j2000_s(at) / 86_400.0;
    let mean_longitude = (280.460 + 0.985_647_4 * days).rem_euclid(360.0);
    let anomaly = (357.528 + 0.985_600_3 * days)
        .rem_euclid(360.0)
        .to_radians();
    let centre = 1.915 * anomaly.sin() + 0.020 * (2.0 * anomaly).sin();
    let longitude = (mean_longitude + centre).to_radians();
    let obliquity = (23.439 - 0.000_000_4 * days).to_radians();
    let distance = 1.000_14 - 0.016_71 * anomaly.cos() - 0.000_14 * (2.0 * anomaly).cos();
    let direction = [
        longitude.cos(),
        obliquity.cos() * longitude.sin(),
        obliquity.sin() * longitude.sin(),
    ];
    times(direction, distance * AU_KM)
}

/// Whether a position is in the Earth's shadow, taken as a cylinder (Montenbruck and Gill,
/// Satellite Orbits, §3.4.2). Penumbra is not told: in low orbits it takes some 10 s.
pub fn in_shadow(r_eci_km: Vector, sun_km: Vector) -> bool {
    let to_sun = unit(sun_km);
    let along = dot(r_eci_km, to_sun);
    let aside = norm(minus(r_eci_km, times(to_sun, along)));
    along < 0.0 && aside < EARTH_RADIUS_KM
}

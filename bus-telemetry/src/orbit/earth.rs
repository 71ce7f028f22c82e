//! The Earth: how far it has turned, and places on it by WGS-84.

use std::f64::consts::TAU;
use std::time::Duration;

use super::vector::{cross, minus};
use crate::state::{EarthFixed, Inertial, Location, Vector};

/// Semi-major axis of WGS-84, in km.
const A_KM: f64 = 6378.137;
/// Flattening of WGS-84.
const FLATTENING: f64 = 1.0 / 298.257_223_563;
const B_KM: f64 = A_KM * (1.0 - FLATTENING);
/// First eccentricity, squared.
const E2: f64 = FLATTENING * (2.0 - FLATTENING);
/// Second eccentricity, squared.
const E2_SECOND: f64 = E2 / (1.0 - E2);
/// How fast the Earth turns, in rad/s (IERS).
const TURN_RAD_S: f64 = 7.292_115e-5;
/// 2000-01-01 12:00, since 1970.
const J2000: Duration = Duration::from_secs(946_728_000);
const JULIAN_YEAR_S: f64 = 31_557_600.0;

/// Seconds since J2000, with the day of UTC.
pub(super) fn since_j2000_s(at: Duration) -> f64 {
    at.as_secs_f64() - J2000.as_secs_f64()
}

/// Greenwich mean sidereal time (IAU 1982) at `at`, in rad from 0 to 2π; UT1 is taken to be UTC,
/// from which it differs by less than 0.9 s (0.004°).
pub fn sidereal_angle(at: Duration) -> f64 {
    sgp4::iau_epoch_to_sidereal_time(since_j2000_s(at) / JULIAN_YEAR_S).rem_euclid(TAU)
}

/// From TEME to the frame that turns with the Earth, without polar motion (15 m at most).
pub fn to_ecef(inertial: &Inertial, at: Duration) -> EarthFixed {
    let (sin, cos) = sidereal_angle(at).sin_cos();
    let turned = |[x, y, z]: Vector| [x * cos + y * sin, y * cos - x * sin, z];
    let r_ecef_km = turned(inertial.r_eci_km);
    let carried = cross([0.0, 0.0, TURN_RAD_S], r_ecef_km);
    EarthFixed {
        r_ecef_km,
        v_ecef_km_s: minus(turned(inertial.v_eci_km_s), carried),
    }
}

/// The place that a position outside the Earth's core is above: Bowring's formula, twice, which
/// is exact to less than a millimetre for any satellite.
pub fn geodetic(r_ecef_km: Vector) -> Location {
    let [x, y, z] = r_ecef_km;
    let p = x.hypot(y);
    let mut reduced = (z * A_KM).atan2(p * B_KM);
    let mut latitude = 0.0;
    for _ in 0..2 {
        let (sin, cos) = reduced.sin_cos();
        latitude = (z + E2_SECOND * B_KM * sin.powi(3)).atan2(p - E2 * A_KM * cos.powi(3));
        reduced = (B_KM * latitude.sin()).atan2(A_KM * latitude.cos());
    }
    let (sin, cos) = f64::sin_cos(latitude);
    Location {
        latitude_deg: latitude.to_degrees(),
        longitude_deg: y.atan2(x).to_degrees(),
        altitude_km: p * cos + z * sin - A_KM * (1.0 - E2 * sin * sin).sqrt(),
        deviation: None,
    }
}

/// Where a place is in the frame that turns with the Earth, in km.
pub fn position_ecef(latitude_deg: f64, longitude_deg: f64, altitude_km: f64) -> Vector {
    let (sin, cos) = latitude_deg.to_radians().sin_cos();
    let (sin_longitude, cos_longitude) = longitude_deg.to_radians().sin_cos();
    let normal_km = A_KM / (1.0 - E2 * sin * sin).sqrt();
    let p = (normal_km + altitude_km) * cos;
    [
        p * cos_longitude,
        p * sin_longitude,
        (normal_km * (1.0 - E2) + altitude_km) * sin,
    ]
}

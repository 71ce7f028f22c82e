//! One snapshot of the bus.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Three components, x, y and z.
pub type Vector = [f64; 3];

/// Where the spacecraft is and how it is, each group as old as it says.
///
/// What is not known is [`Missing`], or `None` within a group; it is never zero.
#[derive(Clone, Debug, PartialEq)]
pub struct BusState {
    /// UTC since 1970, as the bus has it.
    pub utc: Reading<Duration>,
    /// Position and velocity among the stars.
    pub inertial: Reading<Inertial>,
    /// Position and velocity in the frame that turns with the Earth.
    pub earth_fixed: Reading<EarthFixed>,
    /// The place on the Earth that it is above.
    pub location: Reading<Location>,
    /// Where it points.
    pub attitude: Reading<Attitude>,
    /// Whether the Earth is between it and the Sun.
    pub eclipse: Reading<bool>,
    /// The electrical power system.
    pub power: Reading<Power>,
    /// Temperatures of the bus.
    pub thermal: Reading<Thermal>,
    /// Temperature of the payload server, in °C.
    pub payload_server_c: Reading<f64>,
}

/// A group of values, or why there is none.
pub type Reading<T> = Result<Aged<T>, Missing>;

/// A value, and how long ago it was so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aged<T> {
    /// What it was.
    pub value: T,
    /// How long ago.
    pub age: Duration,
}

impl<T> Aged<T> {
    /// A value of now.
    pub fn fresh(value: T) -> Self {
        let age = Duration::ZERO;
        Self { value, age }
    }
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Nobody ever told it.
    #[error("not known: no source has told it")]
    Unknown,
    /// It is too old to be given to anybody.
    #[error("last told {} s ago; more than {} s is too old", .age.as_secs(), .age_max.as_secs())]
    Stale {
        /// How old it is.
        age: Duration,
        /// How old it may be.
        age_max: Duration,
    },
}

impl BusState {
    /// A state of which nothing is known.
    pub fn unknown() -> Self {
        Self {
            utc: Err(Missing::Unknown),
            inertial: Err(Missing::Unknown),
            earth_fixed: Err(Missing::Unknown),
            location: Err(Missing::Unknown),
            attitude: Err(Missing::Unknown),
            eclipse: Err(Missing::Unknown),
            power: Err(Missing::Unknown),
            thermal: Err(Missing::Unknown),
            payload_server_c: Err(Missing::Unknown),
        }
    }
}

/// Position and velocity in the frame of SGP4: true equator, mean equinox of date (TEME).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inertial {
    /// Position, in km.
    pub r_eci_km: Vector,
    /// Velocity, in km/s.
    pub v_eci_km_s: Vector,
}

/// Position and velocity in the frame of WGS-84, which turns with the Earth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarthFixed {
    /// Position, in km.
    pub r_ecef_km: Vector,
    /// Velocity as it is seen in that frame, in km/s.
    pub v_ecef_km_s: Vector,
}

/// A place by the ellipsoid of WGS-84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Geodetic latitude, -90° to 90°, north positive.
    pub latitude_deg: f64,
    /// Longitude, -180° to 180°, east positive.
    pub longitude_deg: f64,
    /// Height above the ellipsoid, in km.
    pub altitude_km: f64,
    /// Standard deviations, where the source knows them.
    pub deviation: Option<Deviation>,
}

/// Standard deviations of a [`Location`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Of the latitude.
    pub latitude_deg: f64,
    /// Of the longitude.
    pub longitude_deg: f64,
    /// Of the altitude.
    pub altitude_km: f64,
}

/// Where the spacecraft points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attitude {
    /// What attitude control does now.
    pub mode: AttitudeMode,
    /// What it was told to do.
    pub mode_commanded: Option<AttitudeMode>,
    /// Turns vectors of the inertial frame into such of the body.
    pub body_from_eci: Option<Quaternion>,
    /// Turns vectors of the orbital frame (x along the track, y against the orbit's normal,
    /// z to the Earth's centre) into such of the body.
    pub body_from_orbit: Option<Quaternion>,
    /// The same as angles about the axes, in the order yaw, pitch, roll.
    pub euler: Option<Euler>,
    /// How fast the body turns among the stars, about its own axes, in °/s.
    pub rates_deg_s: Option<Vector>,
    /// Angle between where it points and where it should, in degrees.
    pub control_error_deg: Option<f64>,
    /// What it follows on the ground.
    pub target: Option<Target>,
}

/// What attitude control does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AttitudeMode {
    /// Nothing.
    Noop,
    /// Slows rotation by the magnetic field.
    Bdot,
    /// Slows rotation.
    Detumble,
    /// Points to the Sun.
    SunPoint,
    /// Points to the Earth, with yaw as commanded.
    NadirPointYaw,
    /// Turns about the axis to the Sun.
    SunSpin,
    /// Points to the Earth, and then to the Sun as well as it can.
    NadirPointSun,
    /// Points to the Sun, and then to the Earth as well as it can.
    SunPointNadir,
    /// Follows a place on the ground.
    LatLonTrack,
    /// Stands still among the stars.
    InertialPoint,
}

/// A rotation: `w` is the scalar part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Quaternion {
    pub x: f64,
    pub y: f64,
    pub z: f64,
    pub w: f64,
}

impl Quaternion {
    /// No rotation.
    pub const IDENTITY: Self = Self {
        x: 0.0,
        y: 0.0,
        z: 0.0,
        w: 1.0,
    };

    /// 1 for a rotation.
    pub fn norm(&self) -> f64 {
        let Self { x, y, z, w } = self;
        (x * x + y * y + z * z + w * w).sqrt()
    }
}

/// Angles about the axes of the body, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Euler {
    pub roll_deg: f64,
    pub pitch_deg: f64,
    pub yaw_deg: f64,
}

/// A place on the ground.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Target {
    pub latitude_deg: f64,
    pub longitude_deg: f64,
}

/// The electrical power system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// Voltage of the battery, in V.
    pub battery_v: Option<f64>,
    /// The rails that are measured, at most 32.
    #[serde(default)]
    pub rails: Vec<Rail>,
}

/// A rail of the power system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rail {
    /// Its name, at most 32 octets.
    pub name: String,
    /// Whether it is switched on.
    pub on: Option<bool>,
    /// Its voltage, in V.
    pub voltage_v: Option<f64>,
    /// Its current, in A.
    pub current_a: Option<f64>,
}

/// Temperatures of the bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thermal {
    /// The sensors, at most 64.
    pub sensors: Vec<Sensor>,
}

/// A sensor of temperature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensor {
    /// Its name, at most 32 octets.
    pub name: String,
    /// What it measures, in °C.
    pub temperature_c: f64,
    /// Whether the heater at that place is on.
    pub heater_on: Option<bool>,
}

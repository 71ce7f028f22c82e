//! The spacecraft's telemetry in the words of the original's clients. As there, lengths are in m,
//! velocities in m/s and rates in rad/s; angles are in rad, but for those whose names say `deg`
//! and those of Euler, which are in degrees. Of a quaternion q4 is the scalar part.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus_telemetry::{Attitude, BusState, Inertial, Quaternion, Vector};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{NoTelemetry, Telemetry};

/// Asks a source of telemetry.
pub struct OfBus {
    source: Arc<dyn bus_telemetry::Telemetry>,
    now: fn() -> Duration,
}

/// Longest command, and longest name of an aperture, in characters.
const COMMAND_CHARACTERS_MAX: usize = 5;
const APERTURE_CHARACTERS_MAX: usize = 24;

#[derive(Deserialize)]
struct Command {
    command: String,
    aperture: Option<String>,
    target: Option<Value>,
}

impl OfBus {
    /// Of that source, by the system's clock.
    #[must_use]
    pub fn new(source: Arc<dyn bus_telemetry::Telemetry>) -> Self {
        OfBus {
            source,
            now: || {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                since.unwrap_or_default()
            },
        }
    }

    /// The same by another clock. For tests.
    #[must_use]
    pub fn at(mut self, now: fn() -> Duration) -> Self {
        self.now = now;
        self
    }

    fn state(&self) -> Result<BusState, NoTelemetry> {
        let state = self.source.state((self.now)());
        state.map_err(|error| NoTelemetry(error.to_string()))
    }
}

impl Telemetry for OfBus {
    fn adcs(&self) -> Result<Value, NoTelemetry> {
        let state = self.state()?;
        let attitude = state.attitude.as_ref().map_err(|missing| {
            NoTelemetry(format!(
                "Adcs interface is unavailable: attitude: {missing}"
            ))
        })?;
        Ok(json!({
            "mode": attitude.value.mode,
            "age": attitude.age.as_secs_f64(),
            "hk": housekeeping(&state, &attitude.value),
        }))
    }

    /// The source of telemetry takes no commands: what is not so already, fails.
    fn command_adcs(&self, command: &Value) -> Result<Value, NoTelemetry> {
        let command: Command = serde_json::from_value(command.clone())
            .map_err(|error| NoTelemetry(format!("Bad request: {error}")))?;
        let aperture = command.aperture.as_deref().unwrap_or_default();
        for (what, text, max) in [
            ("command", command.command.as_str(), COMMAND_CHARACTERS_MAX),
            ("aperture", aperture, APERTURE_CHARACTERS_MAX),
        ] {
            if text.chars().count() > max {
                let text = format!("Bad request: {what} has at most {max} characters");
                return Err(NoTelemetry(text));
            }
        }
        let adcs = self.adcs()?;
        let mode = adcs.get("mode").and_then(Value::as_str).unwrap_or_default();
        let wants_aperture = ["NADIR", "TRACK"].contains(&command.command.as_str());
        let reason = match command.command.as_str() {
            "IDLE" | "NADIR" | "TRACK" if wants_aperture && command.aperture.is_none() => {
                "an aperture is to be named"
            }
            "TRACK" if command.target.is_none() => "a target is to be named",
            "NADIR" if mode.starts_with("NADIR") => {
                return Ok(json!({"status": "OK", "mode": mode}));
            }
            "IDLE" if mode == "NOOP" => return Ok(json!({"status": "OK", "mode": mode})),
            "IDLE" | "NADIR" | "TRACK" => "the source of telemetry takes no commands",
            _ => "the command is to be IDLE, NADIR or TRACK",
        };
        Ok(json!({"status": "FAIL", "reason": reason, "mode": mode}))
    }

    fn tfrs(&self) -> Result<Value, NoTelemetry> {
        let state = self.state()?;
        let unavailable = |what: &str, missing: &bus_telemetry::Missing| {
            NoTelemetry(format!("Tfrs interface is unavailable: {what}: {missing}"))
        };
        let utc = state.utc.as_ref();
        let utc = utc.map_err(|missing| unavailable("time", missing))?;
        let place = state.earth_fixed.as_ref();
        let place = place.map_err(|missing| unavailable("position", missing))?;
        let age = utc.age.max(place.age).as_secs_f64();
        let [px, py, pz] = metres(place.value.r_ecef_km);
        let [vx, vy, vz] = metres(place.value.v_ecef_km_s);
        Ok(json!({
            "age": age,
            "utc_time": utc.value.as_secs(),
            "ecef_pos_x": px, "ecef_pos_y": py, "ecef_pos_z": pz,
            "ecef_vel_x": vx, "ecef_vel_y": vy, "ecef_vel_z": vz,
        }))
    }
}

/// What is not known is left out.
fn housekeeping(state: &BusState, attitude: &Attitude) -> Value {
    let mut all = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            all.insert(key.to_owned(), value);
        }
    };
    put("acs_mode_active", Some(json!(attitude.mode)));
    put(
        "acs_mode_cmd",
        attitude.mode_commanded.map(|mode| json!(mode)),
    );
    let error = attitude.control_error_deg;
    put("control_error_angle_deg", error.map(|angle| json!(angle)));
    put("q_bi_est", attitude.body_from_eci.as_ref().map(quaternion));
    put(
        "q_bo_est",
        attitude.body_from_orbit.as_ref().map(quaternion),
    );
    let euler = attitude.euler;
    let euler = euler.map(
        |euler| json!({"roll": euler.roll_deg, "pitch": euler.pitch_deg, "yaw": euler.yaw_deg}),
    );
    put("euler_angles", euler);
    // No error is one rotation only.
    let without = error.filter(|angle| *angle == 0.0);
    put(
        "control_error_q",
        without.map(|_| quaternion(&Quaternion::IDENTITY)),
    );
    let inertial = state.inertial.as_ref().ok().map(|inertial| inertial.value);
    let rates = attitude.rates_deg_s.map(|rates| rates.map(f64::to_radians));
    put("omega_bi_est", rates.map(vector));
    let in_orbit = inertial.zip(attitude.body_from_orbit).zip(rates);
    let in_orbit =
        in_orbit.map(|((inertial, body), rates)| rates_in_orbit(rates, &inertial, &body));
    put("omega_bo_est", in_orbit.map(vector));
    put(
        "latlontrack_lat",
        attitude
            .target
            .map(|target| json!(target.latitude_deg.to_radians())),
    );
    put(
        "latlontrack_lon",
        attitude
            .target
            .map(|target| json!(target.longitude_deg.to_radians())),
    );
    let place = state.location.as_ref().ok().map(|place| place.value);
    put("lat_deg", place.map(|place| json!(place.latitude_deg)));
    put("lon_deg", place.map(|place| json!(place.longitude_deg)));
    put(
        "altitude",
        place.map(|place| json!(place.altitude_km * METRES_PER_KM)),
    );
    put(
        "r_eci",
        inertial.map(|inertial| vector(metres(inertial.r_eci_km))),
    );
    put(
        "v_eci",
        inertial.map(|inertial| vector(metres(inertial.v_eci_km_s))),
    );
    let fixed = state.earth_fixed.as_ref().ok().map(|fixed| fixed.value);
    put("r_ecef", fixed.map(|fixed| vector(metres(fixed.r_ecef_km))));
    let eclipse = state.eclipse.as_ref().ok().map(|eclipse| eclipse.value);
    put(
        "eclipse_flag",
        eclipse.map(|eclipse| json!(u8::from(eclipse))),
    );
    let utc = state.utc.as_ref().ok().map(|utc| utc.value);
    put("unix_timestamp", utc.map(|utc| json!(utc.as_secs())));
    Value::Object(all)
}

/// The rates of a body among the stars, without those of the orbital frame, which turns about its
/// y once in a revolution; in rad/s, about the axes of the body.
fn rates_in_orbit(rates: Vector, inertial: &Inertial, body_from_orbit: &Quaternion) -> Vector {
    let (r, v) = (inertial.r_eci_km, inertial.v_eci_km_s);
    let turn = norm(cross(r, v)) / norm(r).powi(2);
    let [fx, fy, fz] = turned([0.0, -turn, 0.0], body_from_orbit);
    let [x, y, z] = rates;
    [x - fx, y - fy, z - fz]
}

/// A vector, turned by a rotation.
fn turned(of: Vector, by: &Quaternion) -> Vector {
    let axis = [by.x, by.y, by.z];
    let [cx, cy, cz] = cross(axis, of).map(|component| 2.0 * component);
    let [dx, dy, dz] = cross(axis, [cx, cy, cz]);
    let [x, y, z] = of;
    [x + by.w * cx + dx, y + by.w * cy + dy, z + by.w * cz + dz]
}

fn cross([ax, ay, az]: Vector, [bx, by, bz]: Vector) -> Vector {
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

fn norm([x, y, z]: Vector) -> f64 {
    (x * x + y * y + z * z).sqrt()
}

const METRES_PER_KM: f64 = 1_000.0;

fn metres(of_km: Vector) -> Vector {
    of_km.map(|component| component * METRES_PER_KM)
}

fn vector([x, y, z]: Vector) -> Value {
    json!({"x": x, "y": y, "z": z})
}

fn quaternion(of: &Quaternion) -> Value {
    json!({"q1": of.x, "q2": of.y, "q3": of.z, "q4": of.w})
}

//! What payloads are told of the spacecraft. What is not known, or old, is said to be so; it
//! is never told as zero.

use std::sync::Arc;
use std::time::Duration;

use bus_telemetry::{BusState, Telemetry};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use payload_interface::ReqStatus;
use payload_interface::messages as msg;

use super::time::Now;

/// The telemetry of the bus.
#[derive(Clone)]
pub(crate) struct Bus(pub(crate) Arc<dyn Telemetry>);

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bus")
    }
}

impl Bus {
    fn state(&self, now: Now) -> BusState {
        let state = self.0.state(now.wall);
        state.unwrap_or_else(|_| BusState::unknown())
    }

    /// Degrees, degrees and km.
    pub(crate) fn location(
        &self,
        now: Now,
        correlation_id: i32,
    ) -> msg::RespGetCurrentLocationParams {
        let Ok(location) = self.state(now).location else {
            return msg::RespGetCurrentLocationParams {
                correlation_id,
                req_status: ReqStatus::Failed.into(),
                ..Default::default()
            };
        };
        let at = now.wall.saturating_sub(location.age);
        let place = location.value;
        let deviation = place.deviation;
        let single = |value: Option<f64>| value.map_or(0.0, narrow);
        msg::RespGetCurrentLocationParams {
            correlation_id,
            req_status: ReqStatus::Success.into(),
            latitude: place.latitude_deg,
            longitude: place.longitude_deg,
            altitude: place.altitude_km,
            sd_latitude: single(deviation.map(|sd| sd.latitude_deg)),
            sd_longitude: single(deviation.map(|sd| sd.longitude_deg)),
            sd_altitude: single(deviation.map(|sd| sd.altitude_km)),
            determined_at: i64::try_from(at.as_secs()).unwrap_or(i64::MAX),
        }
    }

    /// V; none where it is not known.
    pub(crate) fn battery(&self, now: Now) -> Option<f64> {
        self.state(now).power.ok()?.value.battery_v
    }

    /// °C; none where it is not known.
    pub(crate) fn payload_server(&self, now: Now) -> Option<f64> {
        Some(self.state(now).payload_server_c.ok()?.value)
    }

    /// °C; none where it is not known.
    pub(crate) fn sensor(&self, now: Now, name: &str) -> Option<f64> {
        let thermal = self.state(now).thermal.ok()?;
        let mut sensors = thermal.value.sensors.iter();
        let sensor = sensors.find(|sensor| sensor.name == name)?;
        Some(sensor.temperature_c)
    }

    /// Each of the two blocks is there with its flag 1, or not there with its flag 0. None
    /// where neither is.
    pub(crate) fn ephemeris(&self, now: Now, correlation_id: i32) -> Option<msg::GnssEphData> {
        let state = self.state(now);
        let adcs_eph_data = adcs(&state);
        let gps_eph_data = gps(&state, now);
        if adcs_eph_data.is_none() && gps_eph_data.is_none() {
            return None;
        }
        Some(msg::GnssEphData {
            correlation_id,
            adcs_timeout_flag: adcs_eph_data.is_some().into(),
            gps_timeout_flag: gps_eph_data.is_some().into(),
            adcs_eph_data,
            gps_eph_data,
            obc_time: Some(obc_time(now.wall)),
        })
    }
}

fn adcs(state: &BusState) -> Option<msg::AdcsEphemerisData> {
    let inertial = state.inertial.as_ref().ok()?;
    let mut data = msg::AdcsEphemerisData::default();
    let [x, y, z] = inertial.value.r_eci_km;
    (
        data.eci_position_x,
        data.eci_position_y,
        data.eci_position_z,
    ) = (x, y, z);
    let [x, y, z] = inertial.value.v_eci_km_s;
    (
        data.eci_velocity_x,
        data.eci_velocity_y,
        data.eci_velocity_z,
    ) = (x, y, z);
    data.validity_flags |= validity::INERTIAL;
    if let Ok(utc) = &state.utc {
        data.orbit_time = utc.value.as_secs_f64();
        data.validity_flags |= validity::TIME;
    }
    if let Ok(fixed) = &state.earth_fixed {
        let [x, y, z] = fixed.value.r_ecef_km;
        (
            data.ecef_position_x,
            data.ecef_position_y,
            data.ecef_position_z,
        ) = (x, y, z);
        let [x, y, z] = fixed.value.v_ecef_km_s;
        (
            data.ecef_velocity_x,
            data.ecef_velocity_y,
            data.ecef_velocity_z,
        ) = (x, y, z);
        data.validity_flags |= validity::EARTH_FIXED;
    }
    if let Ok(location) = &state.location {
        data.latitude = narrow(location.value.latitude_deg);
        data.longitude = narrow(location.value.longitude_deg);
        data.altitude = narrow(location.value.altitude_km);
        data.validity_flags |= validity::LOCATION;
    }
    if let Ok(attitude) = &state.attitude {
        if let Some(q) = attitude.value.body_from_eci {
            (
                data.att_quat_1,
                data.att_quat_2,
                data.att_quat_3,
                data.att_quat_4,
            ) = (q.x, q.y, q.z, q.w);
            data.validity_flags |= validity::ATTITUDE;
        }
        if let Some([x, y, z]) = attitude.value.rates_deg_s {
            (data.ang_rate_x, data.ang_rate_y, data.ang_rate_z) = (x, y, z);
            data.validity_flags |= validity::RATES;
        }
    }
    Some(data)
}

/// Which groups of the ADCS block are there. The original does not say what its bits mean;
/// these are ours.
mod validity {
    pub(super) const TIME: i32 = 1;
    pub(super) const INERTIAL: i32 = 1 << 1;
    pub(super) const EARTH_FIXED: i32 = 1 << 2;
    pub(super) const RATES: i32 = 1 << 3;
    pub(super) const ATTITUDE: i32 = 1 << 4;
    pub(super) const LOCATION: i32 = 1 << 5;
}

fn gps(state: &BusState, now: Now) -> Option<msg::GpsEphemerisData> {
    let fixed = state.earth_fixed.as_ref().ok()?;
    let fix = now.wall.saturating_sub(fixed.age);
    let [px, py, pz] = fixed.value.r_ecef_km;
    let [vx, vy, vz] = fixed.value.v_ecef_km_s;
    Some(msg::GpsEphemerisData {
        gps_fix_time: Some(obc_time(fix)),
        gps_sys_time: Some(obc_time(now.wall)),
        gps_position_ecef_x: px,
        gps_position_ecef_y: py,
        gps_position_ecef_z: pz,
        gps_velocity_ecef_x: vx,
        gps_velocity_ecef_y: vy,
        gps_velocity_ecef_z: vz,
        gps_validity_flag_pos: 1,
        gps_validity_flag_vel: 1,
    })
}

/// A moment as the interface has it: `millisecond` counts those of the minute.
fn obc_time(wall: Duration) -> msg::ObcTime {
    let ms = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
    let Ok(at) = Timestamp::from_millisecond(ms) else {
        return msg::ObcTime::default();
    };
    let at = TimeZone::UTC.to_datetime(at);
    msg::ObcTime {
        hour: at.hour().into(),
        minute: at.minute().into(),
        millisecond: i32::from(at.second()) * 1000 + i32::from(at.millisecond()),
        date: at.day().into(),
        month: at.month().into(),
        year: at.year().into(),
    }
}

/// To the precision of a field of 32 bits.
#[allow(clippy::cast_possible_truncation)]
fn narrow(value: f64) -> f32 {
    value as f32
}

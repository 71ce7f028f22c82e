//! `[[payload-controller.devices]]` and `[[payload-controller.thermal]]`.

use std::time::Duration;

use payload_interface::AppName;
use serde::Deserialize;

use super::error::Problem;
use crate::core::{DeviceRules, ThermalRules};

/// A device that is switched.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DeviceSettings {
    id: u16,
    owner: Option<AppName>,
    off_min_s: Option<u64>,
    battery_v_min: Option<f64>,
    off_with_app: Option<bool>,
    timeout_ms: Option<u64>,
}

impl DeviceSettings {
    pub(super) fn checked(self) -> Result<DeviceRules, Problem> {
        let place = format!("device {}", self.id);
        let mut rules = DeviceRules::new(self.id, self.owner);
        if let Some(seconds) = self.off_min_s {
            rules.off_min = Duration::from_secs(seconds);
        }
        if self.battery_v_min.is_some_and(|volts| !volts.is_finite()) {
            return Err(Problem::value(place, "`battery-v-min` is no voltage"));
        }
        rules.battery_v_min = self.battery_v_min;
        rules.off_with_app = self.off_with_app.unwrap_or(rules.off_with_app);
        if let Some(ms) = self.timeout_ms {
            rules.timeout = Duration::from_millis(ms);
        }
        Ok(rules)
    }
}

/// A place that is kept warm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ThermalSettings {
    id: u8,
    sensor: String,
    lowest_c: Option<i8>,
    highest_c: Option<i8>,
    duration_max_s: Option<u64>,
    every_s: Option<u64>,
}

impl ThermalSettings {
    pub(super) fn checked(self) -> Result<ThermalRules, Problem> {
        let place = format!("thermal {}", self.id);
        let mut rules = ThermalRules::new(self.id, self.sensor);
        rules.lowest_c = self.lowest_c.unwrap_or(rules.lowest_c);
        rules.highest_c = self.highest_c.unwrap_or(rules.highest_c);
        if let Some(seconds) = self.duration_max_s {
            rules.duration_max = Duration::from_secs(seconds);
        }
        if let Some(seconds) = self.every_s {
            rules.every = Duration::from_secs(seconds);
        }
        if rules.lowest_c >= rules.highest_c {
            return Err(Problem::value(place, "`lowest-c` is not below `highest-c`"));
        }
        if rules.every.is_zero() {
            return Err(Problem::value(place, "`every-s` is 0"));
        }
        Ok(rules)
    }
}

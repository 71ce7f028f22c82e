//! An app has places kept warm, and asks how warm they are.

use std::time::Duration;

use payload_interface::ReqStatus;
use payload_interface::messages as msg;

use super::action::Action;
use super::app::App;
use super::craft::Craft;
use super::thermal::{Wish, signed, whole};
use super::time::Now;

impl App {
    /// The place of thermal control, if the app may ask of it.
    fn place(&self, hardware_id: i32) -> Option<u8> {
        let place = u8::try_from(hardware_id).ok()?;
        self.rules.thermal.contains(&place).then_some(place)
    }

    pub(super) fn start_thermal(
        &mut self,
        craft: &mut Craft,
        now: Now,
        ask: &msg::StartSesThermMgmntReq,
    ) -> ReqStatus {
        let Some(place) = self.place(ask.hardware_id) else {
            return ReqStatus::InvalidHardware;
        };
        let limits = signed(ask.lower_threshold).zip(signed(ask.upper_threshold));
        let Some((lower, upper)) = limits else {
            return ReqStatus::InvalidTemperature;
        };
        let Ok(seconds) = u64::try_from(ask.duration) else {
            return ReqStatus::InvalidTimer;
        };
        let wish = Wish {
            app: self.rules.name.clone(),
            correlation_id: ask.correlation_id,
            duration: Duration::from_secs(seconds),
            lower,
            upper,
        };
        craft.thermal.start(now, place, wish)
    }

    pub(super) fn stop_thermal(&mut self, craft: &mut Craft, hardware_id: i32) -> ReqStatus {
        let Some(place) = self.place(hardware_id) else {
            return ReqStatus::InvalidHardware;
        };
        let (status, look) = craft.thermal.stop(place, &self.rules.name);
        if let Some(on) = look.and_then(|look| look.heat) {
            craft.act(Action::Heat { place, on });
        }
        status
    }

    pub(super) fn temperature(
        &self,
        craft: &Craft,
        now: Now,
        ask: &msg::SesTempReq,
    ) -> msg::RespSesTempReqParams {
        let mut response = msg::RespSesTempReqParams {
            correlation_id: ask.correlation_id,
            hardware_id: ask.hardware_id,
            ..Default::default()
        };
        let Some(place) = self.place(ask.hardware_id) else {
            response.status = ReqStatus::InvalidHardware.into();
            return response;
        };
        let sensor = craft.thermal.sensor(place);
        let celsius = sensor.and_then(|sensor| craft.bus.sensor(now, sensor));
        response.heater_pwr_status = craft.thermal.is_heated(place).into();
        match celsius.and_then(whole) {
            Some(celsius) => response.temperature = celsius.into(),
            None => response.status = ReqStatus::Failed.into(),
        }
        response
    }
}

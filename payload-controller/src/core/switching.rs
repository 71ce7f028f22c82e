//! An app switches its devices.

use payload_interface::ReturnCode;
use payload_interface::messages as msg;

use super::action::RequestId;
use super::app::App;
use super::craft::Craft;
use super::notice::What;
use super::power::Asker;
use super::requests::{Refusal, refuse};
use super::time::Now;

impl App {
    pub(super) fn power(
        &mut self,
        craft: &mut Craft,
        now: Now,
        after: Option<RequestId>,
        ask: &msg::ReqPayloadPowerControlParams,
    ) -> Result<(), Refusal> {
        let on = match ask.power_operation {
            0 => false,
            1 => true,
            _ => {
                return refuse(
                    ReturnCode::INVALID_PARAMS,
                    "power_operation is neither 0 nor 1",
                );
            }
        };
        let Ok(device) = u16::try_from(ask.hw_id) else {
            return refuse(ReturnCode::INVALID_PARAMS, "hw_id has not 16 bits");
        };
        let device = match (device, self.rules.default_device) {
            (0, Some(device)) => device,
            (device, _) => device,
        };
        let owner = craft.devices.get(device);
        let owner = owner.and_then(|device| device.rules.owner.as_ref());
        // Nobody learns which devices there are but its own.
        if owner != Some(&self.rules.name) {
            let why = format!("device {device} is not one of the app's");
            return refuse(ReturnCode::NOT_PERMITTED, why);
        }
        let asker = Asker::App {
            app: self.rules.name.clone(),
            session: self.session_number(),
            correlation_id: ask.correlation_id,
        };
        if let Err(interlock) = craft.switch(now, device, on, asker) {
            let why = interlock.to_string();
            let what = What::NotSwitched { device, on, why };
            craft.tell(now, Some(&self.rules.name), what);
            let response = msg::RespPayloadPowerControlParams {
                correlation_id: ask.correlation_id,
                req_status: interlock.status().into(),
            };
            self.respond(now, after, response);
        }
        Ok(())
    }
}

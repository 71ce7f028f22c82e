//! Which callback is which call, and what came of it.

use std::error::Error as _;
use std::time::Duration;

use payload_interface::extension::Acknowledgement;
use payload_interface::extension::payload_application_client::PayloadApplicationClient;
use payload_interface::messages::AntarisReturnType;
use payload_interface::messages::antarisapi_application_callback_client::AntarisapiApplicationCallbackClient;
use payload_interface::{CallOutcome, Callback, ReturnCode};
use tokio::time::timeout;
use tonic::codegen::http::Uri;
use tonic::{Code, Request, Response, Status};

use super::channel::{CallError, Caller};
use crate::grpc::limits::MESSAGE_BYTES_MAX;

/// Makes a call that fits, and waits for what comes of it.
pub(super) async fn invoke(
    caller: Caller,
    origin: Uri,
    callback: Callback,
    deadline: Duration,
) -> CallOutcome {
    match timeout(deadline, call(caller, origin, callback, deadline)).await {
        Ok(Ok(code)) => CallOutcome::Returned(code),
        Ok(Err(status)) => outcome(&status),
        Err(_) => CallOutcome::TimedOut,
    }
}

async fn call(
    caller: Caller,
    origin: Uri,
    callback: Callback,
    deadline: Duration,
) -> Result<ReturnCode, Status> {
    let mut app = AntarisapiApplicationCallbackClient::with_origin(caller.clone(), origin.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    /// The code that a call returns, which is told when to give up.
    macro_rules! code {
        ($client:ident . $rpc:ident($message:ident)) => {{
            let mut request = Request::new($message);
            request.set_timeout(deadline);
            code_of($client.$rpc(request).await?)
        }};
    }
    Ok(match callback {
        Callback::StartSequence(message) => code!(app.pa_start_sequence(message)),
        Callback::ShutdownApp(message) => code!(app.pa_shutdown_app(message)),
        Callback::HealthCheck(message) => code!(app.pa_process_health_check(message)),
        Callback::ResponseRegister(message) => code!(app.pa_process_response_register(message)),
        Callback::ResponseGetCurrentLocation(message) => {
            code!(app.pa_process_response_get_current_location(message))
        }
        Callback::ResponseStageFileDownload(message) => {
            code!(app.pa_process_response_stage_file_download(message))
        }
        Callback::ResponsePayloadPowerControl(message) => {
            code!(app.pa_process_response_payload_power_control(message))
        }
        Callback::ReqPayloadMetrics(message) => {
            code!(app.pa_process_req_payload_metrics(message))
        }
        Callback::ResponseGnssEphStop(message) => {
            code!(app.pa_process_resp_gnss_eph_stop_data_req(message))
        }
        Callback::ResponseGnssEphStart(message) => {
            code!(app.pa_process_resp_gnss_eph_start_data_req(message))
        }
        Callback::GnssEphData(message) => code!(app.pa_process_gnss_eph_data(message)),
        Callback::ResponseEpsVoltageStop(message) => {
            code!(app.pa_process_resp_get_eps_voltage_stop_req(message))
        }
        Callback::ResponseEpsVoltageStart(message) => {
            code!(app.pa_process_resp_get_eps_voltage_start_req(message))
        }
        Callback::EpsVoltage(message) => code!(app.pa_process_get_eps_voltage(message)),
        Callback::ResponseSesThermalStart(message) => {
            code!(app.pa_process_resp_start_ses_therm_mgmnt_req(message))
        }
        Callback::ResponseSesThermalStop(message) => {
            code!(app.pa_process_resp_stop_ses_therm_mgmnt_req(message))
        }
        Callback::ResponseSesTemperature(message) => {
            code!(app.pa_process_resp_ses_temp_req(message))
        }
        Callback::ResponsePsTemperature(message) => code!(app.pa_process_resp_ps_temp(message)),
        Callback::SesThermalStatus(message) => code!(app.pa_process_ses_thrml_ntf(message)),
        Callback::ResponsePaSatOsMessage(message) => {
            code!(app.pa_process_resp_pa_sat_os_msg(message))
        }
        Callback::SatOsPaMessage(message) => code!(app.pa_process_sat_os_pa_msg(message)),
        Callback::RemoteAcPowerStatus(message) => {
            code!(app.pa_process_remote_ac_pwr_status_ntf(message))
        }
        Callback::FcmOperationNotify(message) => {
            code!(app.pa_process_host_to_peer_fcm_operation_notify(message))
        }
        Callback::CancelSequence(message) => {
            let mut app = PayloadApplicationClient::with_origin(caller, origin)
                .max_decoding_message_size(MESSAGE_BYTES_MAX);
            code!(app.cancel_sequence(message))
        }
    })
}

/// Whatever a payload returns, it is a number.
trait Coded {
    fn code(&self) -> i32;
}

impl Coded for AntarisReturnType {
    fn code(&self) -> i32 {
        self.return_code
    }
}

impl Coded for Acknowledgement {
    fn code(&self) -> i32 {
        self.return_code
    }
}

fn code_of(response: Response<impl Coded>) -> ReturnCode {
    ReturnCode(response.get_ref().code())
}

/// What a call without an answer means. Only what surely did nothing is said to have done
/// nothing: a payload that fails in the middle of a call says `UNKNOWN`.
fn outcome(status: &Status) -> CallOutcome {
    if let Some(CallError::Unsent(_)) = status
        .source()
        .and_then(<dyn std::error::Error>::downcast_ref)
    {
        return CallOutcome::Unreachable(status.message().to_owned());
    }
    match status.code() {
        Code::Unimplemented => CallOutcome::Unimplemented,
        code @ (Code::Unauthenticated
        | Code::PermissionDenied
        | Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::ResourceExhausted
        | Code::NotFound) => CallOutcome::Refused(format!("{code:?}: {}", status.message())),
        _ => CallOutcome::TimedOut,
    }
}

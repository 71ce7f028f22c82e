//! Which request is which call, and what the controller says to it.

use std::error::Error as _;
use std::time::Duration;

use payload_interface::extension::payload_controller_client::PayloadControllerClient;
use payload_interface::extension::{Acknowledgement, SessionStatus};
use payload_interface::messages::AntarisReturnType;
use payload_interface::messages::antarisapi_payload_controller_client::AntarisapiPayloadControllerClient;
use payload_interface::{Request, ReturnCode};
use tonic::codegen::http::Uri;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Code, Response, Status};

use super::MESSAGE_BYTES_MAX;
use super::connection::{Caller, WireError};
use crate::error::CallError;

/// The header in which the controller says why not.
const REASON: &str = "x-heliograph-reason";
/// The header of the token of a session.
const SESSION: &str = "x-heliograph-session";

/// The controller took it.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// What [`Request::GetSession`] asks for.
    pub(crate) session: Option<SessionStatus>,
}

/// What shows whose call it is.
#[derive(Debug)]
pub(crate) struct Shown {
    cookie: MetadataValue<Ascii>,
    token: Option<MetadataValue<Ascii>>,
}

impl Shown {
    /// None, where one of them cannot stand in a header.
    pub(crate) fn new(cookie: &str, token: Option<&str>) -> Option<Shown> {
        let hidden = |text: &str| {
            let mut value: MetadataValue<Ascii> = text.parse().ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        Some(Shown {
            cookie: hidden(cookie)?,
            token: match token {
                Some(token) => Some(hidden(token)?),
                None => None,
            },
        })
    }

    fn on<T>(&self, message: T, deadline: Duration) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.set_timeout(deadline);
        let headers = request.metadata_mut();
        headers.insert("cookie", self.cookie.clone());
        if let Some(token) = &self.token {
            headers.insert(SESSION, token.clone());
        }
        request
    }
}

/// Makes a call whose fields fit.
pub(crate) async fn invoke(
    caller: Caller,
    origin: Uri,
    shown: &Shown,
    request: Request,
    deadline: Duration,
) -> Result<Taken, CallError> {
    let rpc = request.rpc();
    let (said, reason) = call(caller, origin, shown, request, deadline)
        .await
        .map_err(|status| failed(rpc, &status))?;
    let (code, session) = said;
    match code.is_success() {
        true => Ok(Taken { session }),
        false => Err(CallError::Refused { rpc, code, reason }),
    }
}

type Said = ((ReturnCode, Option<SessionStatus>), String);

async fn call(
    caller: Caller,
    origin: Uri,
    shown: &Shown,
    request: Request,
    deadline: Duration,
) -> Result<Said, Status> {
    let mut it = AntarisapiPayloadControllerClient::with_origin(caller.clone(), origin.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let mut beside = PayloadControllerClient::with_origin(caller, origin)
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    macro_rules! said {
        ($client:ident . $rpc:ident($message:ident)) => {
            said($client.$rpc(shown.on($message, deadline)).await?)
        };
    }
    Ok(match request {
        Request::Register(message) => said!(it.pc_register(message)),
        Request::GetCurrentLocation(message) => said!(it.pc_get_current_location(message)),
        Request::StageFileDownload(message) => said!(it.pc_stage_file_download(message)),
        Request::SequenceDone(message) => said!(it.pc_sequence_done(message)),
        Request::PayloadPowerControl(message) => said!(it.pc_payload_power_control(message)),
        Request::ResponseHealthCheck(message) => said!(it.pc_response_health_check(message)),
        Request::ResponseShutdown(message) => said!(it.pc_response_shutdown(message)),
        Request::ResponsePayloadMetrics(message) => {
            said!(it.pc_response_payload_metrics(message))
        }
        Request::GnssEphStop(message) => said!(it.pc_gnss_eph_stop_req(message)),
        Request::GnssEphStart(message) => said!(it.pc_gnss_eph_start_req(message)),
        Request::EpsVoltageStop(message) => said!(it.pc_get_eps_voltage_stop_req(message)),
        Request::EpsVoltageStart(message) => said!(it.pc_get_eps_voltage_start_req(message)),
        Request::SesThermalStart(message) => said!(it.pc_start_ses_therm_mgmnt_req(message)),
        Request::SesThermalStop(message) => said!(it.pc_stop_ses_therm_mgmnt_req(message)),
        Request::SesTemperature(message) => said!(it.pc_ses_temp_req(message)),
        Request::PsTemperature(message) => said!(it.pc_ps_temp_req(message)),
        Request::PaSatOsMessage(message) => said!(it.pc_pa_satos_message(message)),
        Request::FcmOperation(message) => said!(it.pc_host_to_peer_fcm_operation(message)),
        Request::ResponseSatOsPaMessage(message) => said!(it.pc_satos_pa_message(message)),
        Request::ReportProgress(message) => said!(beside.report_progress(message)),
        Request::ReportResult(message) => said!(beside.report_result(message)),
        Request::GetSession(message) => said!(beside.get_session(message)),
        Request::CloseSession(message) => said!(beside.close_session(message)),
    })
}

/// What an answer says.
trait Says {
    fn says(self, headers: &MetadataMap) -> Said;
}

impl Says for AntarisReturnType {
    fn says(self, headers: &MetadataMap) -> Said {
        let reason = headers.get(REASON).and_then(|it| it.to_str().ok());
        let code = ReturnCode(self.return_code);
        ((code, None), reason.unwrap_or_default().to_owned())
    }
}

impl Says for Acknowledgement {
    fn says(self, _: &MetadataMap) -> Said {
        ((ReturnCode(self.return_code), None), self.reason)
    }
}

impl Says for SessionStatus {
    fn says(self, headers: &MetadataMap) -> Said {
        let acknowledgement = self.acknowledgement.clone().unwrap_or_default();
        let ((code, _), reason) = acknowledgement.says(headers);
        ((code, Some(self)), reason)
    }
}

fn said(response: Response<impl Says>) -> Said {
    let (headers, message, _) = response.into_parts();
    message.says(&headers)
}

fn failed(rpc: &'static str, status: &Status) -> CallError {
    let why = status.message().to_owned();
    if let Some(WireError::Unsent(_)) = status
        .source()
        .and_then(<dyn std::error::Error>::downcast_ref)
    {
        return CallError::Unreachable { rpc, why };
    }
    match status.code() {
        Code::Unimplemented => CallError::Unimplemented { rpc },
        Code::Unauthenticated | Code::PermissionDenied => CallError::Refused {
            rpc,
            code: ReturnCode::NOT_PERMITTED,
            reason: why,
        },
        _ => CallError::Unknown { rpc, why },
    }
}

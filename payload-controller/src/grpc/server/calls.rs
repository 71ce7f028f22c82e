//! Which call is which request, and what becomes of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use payload_interface::extension::payload_controller_server::PayloadController;
use payload_interface::extension::{
    Acknowledgement, CloseSessionRequest, SequenceProgress, SequenceResult, SessionRequest,
    SessionStatus,
};
use payload_interface::messages::AntarisReturnType;
use payload_interface::messages::antarisapi_payload_controller_server::AntarisapiPayloadController;
use payload_interface::messages::*;
use payload_interface::{Answer, AppName, Request, ReturnCode};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::metadata::MetadataValue;
use tonic::{Response, Status};

use super::answered::Tells;
use super::refusal::{REASON, ascii};
use crate::grpc::access::Caller;
use crate::grpc::front::{Answered, Answering, Front, GrpcEvent, Refusal, Reply, RequestId};
use crate::grpc::limits::Limits;
use crate::grpc::refusals::Refusals;

/// Where calls go.
pub(in crate::grpc) struct Calls {
    front: Arc<dyn Front>,
    refusals: Arc<Refusals>,
    limits: Limits,
    next: AtomicU64,
    /// Calls of each app that have no answer yet.
    open: Arc<Mutex<BTreeMap<AppName, usize>>>,
}

impl Calls {
    pub(in crate::grpc) fn new(
        front: Arc<dyn Front>,
        refusals: Arc<Refusals>,
        limits: Limits,
    ) -> Self {
        Calls {
            front,
            refusals,
            limits,
            next: AtomicU64::new(1),
            open: Arc::default(),
        }
    }

    /// What is to be answered, and who tells when it has left.
    async fn take(
        &self,
        asked: tonic::Request<impl Into<Request>>,
    ) -> Result<(Answer, Option<Tells>), Status> {
        let (_, extensions, message) = asked.into_parts();
        let Some(caller) = extensions.get::<Caller>() else {
            return Err(Status::unauthenticated(Refusal::Unknown.to_string()));
        };
        let mut request = message.into();
        let rpc = request.rpc();
        if let Err(invalid) = request.fit(caller.app.profile) {
            let why = Refusal::Invalid(invalid.to_string());
            return Ok(self.refused(caller, rpc, ReturnCode::INVALID_PARAMS, why));
        }
        let Some(_place) = self.place(&caller.app.name) else {
            return Ok(self.refused(caller, rpc, ReturnCode::OUT_OF_RESOURCES, Refusal::Busy));
        };
        let id = RequestId(self.next.fetch_add(1, Ordering::Relaxed));
        let (answer, answered) = oneshot::channel();
        let tells = Tells::new(
            Arc::clone(&self.front),
            Answered {
                app: caller.app.name.clone(),
                id,
                is_whole: false,
            },
            self.limits.answer_lead,
        );
        let reply = Reply { id, answer };
        self.front
            .request(&caller.app.name, &caller.peer, request, reply);
        match timeout(self.limits.answer_timeout, answered).await {
            Ok(Ok(Answering {
                answer,
                is_told: true,
            })) => Ok((answer, Some(tells))),
            Ok(Ok(Answering { answer, .. })) => {
                tells.forget();
                Ok((answer, None))
            }
            Ok(Err(_)) => {
                let (answer, _) =
                    self.refused(caller, rpc, ReturnCode::OUT_OF_RESOURCES, Refusal::Busy);
                Ok((answer, Some(tells)))
            }
            Err(_) => Err(Status::deadline_exceeded(
                "the controller did not answer in time: whether it did what was asked is unknown",
            )),
        }
    }

    fn refused(
        &self,
        caller: &Caller,
        rpc: &str,
        code: ReturnCode,
        why: Refusal,
    ) -> (Answer, Option<Tells>) {
        let answer = Answer::refused(code, why.to_string());
        self.refusals.tell(GrpcEvent::Refused {
            peer: caller.peer.addr,
            app: Some(caller.app.name.clone()),
            rpc: rpc.to_owned(),
            why,
        });
        (answer, None)
    }

    fn place(&self, app: &AppName) -> Option<OpenCall> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(app.clone()).or_default();
        if *count >= self.limits.requests_of_an_app_max {
            return None;
        }
        *count += 1;
        Some(OpenCall {
            app: app.clone(),
            open: Arc::clone(&self.open),
        })
    }
}

/// A call that has no answer yet.
struct OpenCall {
    app: AppName,
    open: Arc<Mutex<BTreeMap<AppName, usize>>>,
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.app) {
            *count = count.saturating_sub(1);
        }
    }
}

/// As the original has it, and in a header why not.
fn returned((answer, tells): (Answer, Option<Tells>)) -> Response<AntarisReturnType> {
    let mut response = Response::new(AntarisReturnType::from(answer.code));
    if let Some(reason) = answer.reason
        && let Ok(reason) = MetadataValue::try_from(ascii(&reason))
    {
        response.metadata_mut().insert(REASON, reason);
    }
    goes_with(response, tells)
}

/// As the extension has it.
fn acknowledged((answer, tells): (Answer, Option<Tells>)) -> Response<Acknowledgement> {
    goes_with(Response::new(acknowledgement(&answer)), tells)
}

fn acknowledgement(answer: &Answer) -> Acknowledgement {
    Acknowledgement {
        return_code: answer.code.0,
        reason: answer.reason.clone().unwrap_or_default(),
    }
}

fn goes_with<T>(mut response: Response<T>, tells: Option<Tells>) -> Response<T> {
    if let Some(tells) = tells {
        response.extensions_mut().insert(tells);
    }
    response
}

macro_rules! served {
    ($( $call:ident($message:ty) )+) => {
        #[tonic::async_trait]
        impl AntarisapiPayloadController for Calls {
            $(
                async fn $call(
                    &self,
                    request: tonic::Request<$message>,
                ) -> Result<Response<AntarisReturnType>, Status> {
                    Ok(returned(self.take(request).await?))
                }
            )+
        }
    };
}

served! {
    pc_register(ReqRegisterParams)
    pc_get_current_location(ReqGetCurrentLocationParams)
    pc_stage_file_download(ReqStageFileDownloadParams)
    pc_sequence_done(CmdSequenceDoneParams)
    pc_payload_power_control(ReqPayloadPowerControlParams)
    pc_response_health_check(RespHealthCheckParams)
    pc_response_shutdown(RespShutdownParams)
    pc_response_payload_metrics(PayloadMetricsResponse)
    pc_gnss_eph_stop_req(ReqGnssEphStopDataReq)
    pc_gnss_eph_start_req(ReqGnssEphStartDataReq)
    pc_get_eps_voltage_stop_req(ReqGetEpsVoltageStopReq)
    pc_get_eps_voltage_start_req(ReqGetEpsVoltageStartReq)
    pc_start_ses_therm_mgmnt_req(StartSesThermMgmntReq)
    pc_stop_ses_therm_mgmnt_req(StopSesThermMgmntReq)
    pc_ses_temp_req(SesTempReq)
    pc_ps_temp_req(PsTempReq)
    pc_pa_satos_message(PaSatOsMsg)
    pc_host_to_peer_fcm_operation(HostToPeerFcmOperation)
    pc_satos_pa_message(RespSatOsPaMsg)
}

#[tonic::async_trait]
impl PayloadController for Calls {
    async fn report_progress(
        &self,
        request: tonic::Request<SequenceProgress>,
    ) -> Result<Response<Acknowledgement>, Status> {
        Ok(acknowledged(self.take(request).await?))
    }

    async fn report_result(
        &self,
        request: tonic::Request<SequenceResult>,
    ) -> Result<Response<Acknowledgement>, Status> {
        Ok(acknowledged(self.take(request).await?))
    }

    async fn get_session(
        &self,
        request: tonic::Request<SessionRequest>,
    ) -> Result<Response<SessionStatus>, Status> {
        let (mut answer, tells) = self.take(request).await?;
        let status = answer.session.take().unwrap_or_default();
        let status = SessionStatus {
            acknowledgement: Some(acknowledgement(&answer)),
            ..*status
        };
        Ok(goes_with(Response::new(status), tells))
    }

    async fn close_session(
        &self,
        request: tonic::Request<CloseSessionRequest>,
    ) -> Result<Response<Acknowledgement>, Status> {
        Ok(acknowledged(self.take(request).await?))
    }
}

//! What payloads ask for: who may, whether there is room, and what becomes of it.
//!
//! Whatever is asked is answered at once; what comes of it follows as a call of the payload.

use std::time::Duration;

use payload_interface::extension::sequence_result::Outcome;
use payload_interface::messages as msg;
use payload_interface::{Answer, ReqStatus, Request, ReturnCode};

use super::action::{Action, RequestId};
use super::app::{App, request_id};
use super::craft::Craft;
use super::notice::What;
use super::record::StreamKind;
use super::thermal::whole;
use super::time::Now;

/// An answer, and the number of the request where something waits for that it has left.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What the payload is told at once.
    pub answer: Answer,
    /// [`Event::Answered`](super::Event::Answered) with this number is wanted.
    pub request: Option<RequestId>,
}

/// Why not: what the payload is told, and why.
pub(super) struct Refusal(pub(super) ReturnCode, pub(super) String);

pub(super) fn refuse<T>(code: ReturnCode, why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(code, why.into()))
}

pub(super) fn unasked<T>(
    app: &mut App,
    craft: &mut Craft,
    now: Now,
    rpc: &'static str,
) -> Result<T, Refusal> {
    app.counts.unasked += 1;
    if app.refusals_told.take(now.monotonic) {
        craft.tell(now, Some(&app.rules.name), What::Unasked { rpc });
    }
    refuse(ReturnCode::NOT_PERMITTED, "it was not asked for")
}

/// What an app tells of itself, or answers.
fn is_reply(request: &Request) -> bool {
    matches!(
        request,
        Request::SequenceDone(_)
            | Request::ResponseHealthCheck(_)
            | Request::ResponseShutdown(_)
            | Request::ResponsePayloadMetrics(_)
            | Request::ResponseSatOsPaMessage(_)
            | Request::ReportProgress(_)
            | Request::ReportResult(_)
            | Request::GetSession(_)
            | Request::CloseSession(_)
    )
}

impl App {
    pub(super) fn request(&mut self, craft: &mut Craft, now: Now, request: Request) -> Reply {
        let rpc = request.rpc();
        let is_done = matches!(request, Request::SequenceDone(_) | Request::ReportResult(_));
        let id = request_id(craft);
        let mut is_waited_for = is_done;
        let answer = self.admitted(&request, now).and_then(|()| {
            let waiting = self.outbox.waiting();
            let session = self.session(&request);
            let done = self.handle(craft, now, id, request);
            is_waited_for |= self.outbox.waiting() > waiting;
            done.map(|()| match session {
                Some(session) => Answer::session(session),
                None => Answer::accepted(),
            })
        });
        let answer = answer.unwrap_or_else(|Refusal(code, reason)| {
            let code = self.rules.interface.code(code);
            if self.refusals_told.take(now.monotonic) {
                let reason = reason.clone();
                let what = What::Refused { rpc, code, reason };
                craft.tell(now, Some(&self.rules.name), what);
            }
            Answer::refused(code, reason)
        });
        self.counts.answered(answer.code);
        let is_waited_for = is_waited_for && answer.code.is_success();
        if is_waited_for {
            let until = now.after(self.rules.outbox.flush_max);
            self.open_answers.insert(id, (until, is_done));
        }
        Reply {
            answer,
            request: is_waited_for.then_some(id),
        }
    }

    fn admitted(&mut self, request: &Request, now: Now) -> Result<(), Refusal> {
        let bucket = match is_reply(request) {
            true => &mut self.replies,
            false => &mut self.requests,
        };
        if !bucket.take(now.monotonic) {
            return refuse(ReturnCode::OUT_OF_RESOURCES, "too many calls a second");
        }
        let needs_session = !matches!(request, Request::Register(_) | Request::GetSession(_));
        if needs_session && self.session.is_none() {
            let why = format!("the app is not registered: it is {}", self.life.name());
            return refuse(ReturnCode::NOT_PERMITTED, why);
        }
        self.reads_the_answer(request)?;
        if !is_reply(request) && self.outbox.is_full_of_responses() {
            let why = "too many answers wait for the app";
            return refuse(ReturnCode::OUT_OF_RESOURCES, why);
        }
        Ok(())
    }

    fn handle(
        &mut self,
        craft: &mut Craft,
        now: Now,
        id: RequestId,
        request: Request,
    ) -> Result<(), Refusal> {
        let after = Some(id);
        match request {
            Request::Register(ask) => self.register(craft, now, after, &ask),
            Request::GetCurrentLocation(ask) => {
                let location = craft.bus.location(now, ask.correlation_id);
                self.respond(now, after, location);
                Ok(())
            }
            Request::StageFileDownload(ask) => self.stage(craft, now, ask),
            Request::SequenceDone(told) => match self.runs.done(now, &told.sequence_id) {
                Some(changes) => {
                    self.changed(craft, now, changes);
                    Ok(())
                }
                None => self.no_such_run(craft, now, "PC_sequence_done", &told.sequence_id),
            },
            Request::PayloadPowerControl(ask) => self.power(craft, now, after, &ask),
            Request::ResponseHealthCheck(told) => match self.health.told(told.application_state) {
                None => unasked(self, craft, now, "PC_response_health_check"),
                Some(miss) => {
                    if let Some(miss) = miss {
                        self.missed(craft, now, miss);
                    }
                    Ok(())
                }
            },
            Request::ResponseShutdown(told) => match self.said_that_it_shut_down(craft) {
                false => unasked(self, craft, now, "PC_response_shutdown"),
                true => {
                    let status = told.req_status;
                    craft.tell(now, Some(&self.rules.name), What::ShutDown { status });
                    Ok(())
                }
            },
            Request::ResponsePayloadMetrics(told) => self.take_metrics(craft, now, told),
            Request::GnssEphStart(ask) => {
                let kind = StreamKind::Ephemeris;
                let period_ms = ask.periodicity_in_ms;
                let (status, data) =
                    self.start_stream(craft, now, kind, ask.correlation_id, period_ms);
                let response = msg::RespGnssEphStartDataReq {
                    correlation_id: ask.correlation_id,
                    req_status: status.into(),
                };
                self.respond(now, after, response);
                self.first_of_stream(now, after, data);
                Ok(())
            }
            Request::GnssEphStop(ask) => {
                let response = msg::RespGnssEphStopDataReq {
                    correlation_id: ask.correlation_id,
                    req_status: self.stop_stream(StreamKind::Ephemeris).into(),
                };
                self.respond(now, after, response);
                Ok(())
            }
            Request::EpsVoltageStart(ask) => {
                let kind = StreamKind::EpsVoltage;
                let period_ms = ask.periodicity_in_ms;
                let (status, data) =
                    self.start_stream(craft, now, kind, ask.correlation_id, period_ms);
                let response = msg::RespGetEpsVoltageStartReq {
                    correlation_id: ask.correlation_id,
                    req_status: status.into(),
                };
                self.respond(now, after, response);
                self.first_of_stream(now, after, data);
                Ok(())
            }
            Request::EpsVoltageStop(ask) => {
                let response = msg::RespGetEpsVoltageStopReq {
                    correlation_id: ask.correlation_id,
                    req_status: self.stop_stream(StreamKind::EpsVoltage).into(),
                };
                self.respond(now, after, response);
                Ok(())
            }
            Request::SesThermalStart(ask) => {
                let status = self.start_thermal(craft, now, &ask);
                let response = msg::RespStartSesThermMgmntReq {
                    correlation_id: ask.correlation_id,
                    req_status: status.into(),
                };
                self.respond(now, after, response);
                Ok(())
            }
            Request::SesThermalStop(ask) => {
                let status = self.stop_thermal(craft, ask.hardware_id);
                let response = msg::RespStopSesThermMgmntReq {
                    correlation_id: ask.correlation_id,
                    req_status: status.into(),
                };
                self.respond(now, after, response);
                Ok(())
            }
            Request::SesTemperature(ask) => {
                let response = self.temperature(craft, now, &ask);
                self.respond(now, after, response);
                Ok(())
            }
            Request::PsTemperature(ask) => {
                // Its answer has no field to say that there is none.
                let Some(temperature) = craft.bus.payload_server(now).and_then(whole) else {
                    let why = "the payload server's temperature is not known, or old";
                    return refuse(ReturnCode::GENERIC_FAILURE, why);
                };
                let response = msg::RespPsTemp {
                    correlation_id: ask.correlation_id,
                    temperature: temperature.into(),
                };
                self.respond(now, after, response);
                Ok(())
            }
            Request::PaSatOsMessage(told) => {
                let response = msg::RespPaSatOsMsg {
                    correlation_id: told.correlation_id,
                    command_id: told.command_id,
                    req_status: ReqStatus::Success.into(),
                };
                craft.act(Action::Message {
                    app: self.rules.name.clone(),
                    command_id: told.command_id,
                    data: told.payload_data,
                });
                self.respond(now, after, response);
                Ok(())
            }
            Request::FcmOperation(ask) => self.copy_files(craft, now, &ask),
            Request::ResponseSatOsPaMessage(told) => {
                let by_id = |message: &(i32, i32, Duration)| message.0 == told.correlation_id;
                let by_command = |message: &(i32, i32, Duration)| message.1 == told.command_id;
                let found = self.messages.iter().position(by_id);
                let found = found.or_else(|| self.messages.iter().rposition(by_command));
                match found.and_then(|found| self.messages.remove(found)) {
                    None => unasked(self, craft, now, "PC_satos_pa_message"),
                    Some((_, command_id, _)) => {
                        let status = told.req_status;
                        let what = What::MessageAnswered { command_id, status };
                        craft.tell(now, Some(&self.rules.name), what);
                        Ok(())
                    }
                }
            }
            Request::ReportProgress(told) => {
                let run = told.run.unwrap_or_default();
                let name = &run.sequence_id;
                let id = run.correlation_id;
                let changes = self.runs.progress(now, name, id, told.percent, told.text);
                match changes {
                    Some(changes) => {
                        self.changed(craft, now, changes);
                        Ok(())
                    }
                    None => self.no_such_run(craft, now, "ReportProgress", name),
                }
            }
            Request::ReportResult(told) => {
                let run = told.run.unwrap_or_default();
                let name = &run.sequence_id;
                let id = run.correlation_id;
                let outcome = Outcome::try_from(told.outcome).unwrap_or_default();
                let changes = self
                    .runs
                    .result(now, name, id, outcome, told.text, told.data);
                match changes {
                    Some(changes) => {
                        self.changed(craft, now, changes);
                        Ok(())
                    }
                    None => self.no_such_run(craft, now, "ReportResult", name),
                }
            }
            Request::GetSession(_) => Ok(()),
            Request::CloseSession(told) => {
                self.closed(craft, now, &told.reason);
                Ok(())
            }
        }
    }

    fn no_such_run(
        &mut self,
        craft: &mut Craft,
        now: Now,
        rpc: &'static str,
        sequence: &str,
    ) -> Result<(), Refusal> {
        self.counts.unasked += 1;
        if self.refusals_told.take(now.monotonic) {
            craft.tell(now, Some(&self.rules.name), What::Unasked { rpc });
        }
        let sequence = sequence.escape_debug();
        let why = format!("there is no run of `{sequence}` that has not ended");
        refuse(ReturnCode::INVALID_SEQUENCE, why)
    }
}

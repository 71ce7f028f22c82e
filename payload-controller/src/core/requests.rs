//! What payloads ask for: who may, whether there is room, and what becomes of it.
//!
//! Whatever is asked is answered at once; what comes of it follows as a call of the payload.

use std::time::Duration;

use payload_interface::extension as ext;
use payload_interface::extension::sequence_result::Outcome;
use payload_interface::messages as msg;
use payload_interface::{Answer, AppNumber, Callback, ReqStatus, Request, ReturnCode};

use super::action::{Action, RequestId};
use super::app::{App, Stream, request_id};
use super::copies::Copying;
use super::craft::{Craft, next};
use super::files::{NewFile, within};
use super::life::{Life, Step, Then};
use super::notice::What;
use super::power::Asker;
use super::record::{
    FileBand, FileId, FilePriority, RunState, SessionRecord, StreamKind, StreamRecord,
};
use super::rules::{STREAM_PERIOD_MAX, Version};
use super::thermal::{Wish, signed, whole};
use super::time::Now;

/// Most files of one copy, as the interface has them.
const COPY_FILES_MAX: usize = 32;
/// Most counters of a payload that are kept.
const METRICS_MAX: usize = 32;

/// An answer, and the number of the request where something waits for that it has left.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What the payload is told at once.
    pub answer: Answer,
    /// [`Event::Answered`](super::Event::Answered) with this number is wanted.
    pub request: Option<RequestId>,
}

/// Why not: what the payload is told, and why.
struct Refusal(ReturnCode, String);

fn refuse<T>(code: ReturnCode, why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(code, why.into()))
}

fn unasked<T>(app: &mut App, craft: &mut Craft, now: Now, rpc: &'static str) -> Result<T, Refusal> {
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

    fn register(
        &mut self,
        craft: &mut Craft,
        now: Now,
        after: Option<RequestId>,
        ask: &msg::ReqRegisterParams,
    ) -> Result<(), Refusal> {
        let has_process = self.rules.has_process;
        let life = self.life.name();
        match self.life {
            Life::Starting { .. } | Life::Awaited | Life::Up => {}
            Life::Closed => {}
            Life::Off | Life::HostOn { .. } | Life::Pausing { .. } if !has_process => {}
            // Whoever starts it was quicker than we.
            Life::Stopping {
                step: Step::Leaving,
                then,
                ..
            } if !has_process => self.ended(craft, now, then, "it registered anew"),
            _ => {
                let why = format!("the app is {life}, and may not register now");
                return refuse(ReturnCode::NOT_PERMITTED, why);
            }
        }
        let version = ask.sdk_version.unwrap_or_default();
        let version = Version(version.major, version.minor, version.patch);
        if !self.rules.versions.allows(version) {
            let why = format!("SDK {version} is not taken: {:?}", self.rules.versions);
            return refuse(ReturnCode::INCOMPATIBLE_VERSION, why);
        }
        if !matches!(ask.health_check_fail_action, 0 | 1) {
            let why = "health_check_fail_action is neither 0 nor 1";
            return refuse(ReturnCode::INVALID_PARAMS, why);
        }
        self.down(craft, now, "it registered anew");
        self.is_wanted = true;
        self.sessions = self.sessions.saturating_add(1);
        self.session = Some(SessionRecord {
            number: self.sessions,
            at: now.seconds(),
            restart_when_ill: ask.health_check_fail_action == 1,
            version: (version.0, version.1, version.2),
        });
        self.up(now, now.after(self.health.every()));
        let what = What::Registered {
            session: self.sessions,
            version: version.to_string(),
        };
        craft.tell(now, Some(&self.rules.name), what);
        craft
            .gone_on_or_off
            .push_back((self.rules.name.clone(), true));
        let response = msg::RespRegisterParams {
            correlation_id: ask.correlation_id,
            req_status: ReqStatus::Success.into(),
            auth_token: String::new(),
        };
        self.respond(now, after, response);
        Ok(())
    }

    fn stage(
        &mut self,
        craft: &mut Craft,
        now: Now,
        ask: msg::ReqStageFileDownloadParams,
    ) -> Result<(), Refusal> {
        let path = match within(&ask.file_path, &craft.outbound) {
            Ok(path) => path,
            Err(why) => return refuse(ReturnCode::INVALID_PARAMS, why),
        };
        let priority = match ask.file_priority {
            0 => FilePriority::Low,
            1 => FilePriority::Normal,
            2 => FilePriority::High,
            3 => FilePriority::Immediate,
            _ => return refuse(ReturnCode::INVALID_PARAMS, "there is no such priority"),
        };
        let band = match ask.file_dl_band {
            0 => FileBand::SBand,
            1 => FileBand::XBand,
            _ => return refuse(ReturnCode::INVALID_PARAMS, "there is no such band"),
        };
        if let Some(why) = self.files.full() {
            return refuse(ReturnCode::OUT_OF_RESOURCES, why);
        }
        self.counts.files += 1;
        let new = NewFile {
            id: FileId(next(&mut craft.ids.file)),
            app: self.rules.name.clone(),
            path,
            priority,
            band,
            correlation_id: ask.correlation_id,
            session: self.session_number(),
        };
        let file = self.files.ask(now, new);
        craft.record(super::record::Record::File(Box::new(file.clone())));
        craft.act(Action::Stage(Box::new(file)));
        Ok(())
    }

    fn power(
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

    fn take_metrics(
        &mut self,
        craft: &mut Craft,
        now: Now,
        told: msg::PayloadMetricsResponse,
    ) -> Result<(), Refusal> {
        let is_asked = |until: &mut Duration| now.monotonic < *until;
        if self.metrics_asked.take_if(is_asked).is_none() {
            return unasked(self, craft, now, "PC_response_payload_metrics");
        }
        let used = usize::try_from(told.used_counter).unwrap_or_default();
        let counters = told.metrics.into_iter().take(used.min(METRICS_MAX));
        // A counter has 32 bits without a sign, and the field has one.
        #[allow(clippy::cast_sign_loss)]
        let counters = counters.map(|metric| (metric.names, metric.counter as u32));
        self.metrics = counters.collect();
        let what = What::Metrics(self.metrics.clone());
        craft.tell(now, Some(&self.rules.name), what);
        Ok(())
    }

    fn start_stream(
        &mut self,
        craft: &Craft,
        now: Now,
        kind: StreamKind,
        correlation_id: i32,
        period_ms: i32,
    ) -> (ReqStatus, Option<Callback>) {
        let Ok(period_ms) = u64::try_from(period_ms) else {
            return (ReqStatus::InvalidTimer, None);
        };
        let period = Duration::from_millis(period_ms);
        let is_once = period.is_zero();
        let allowed = self.rules.stream_period_min..=STREAM_PERIOD_MAX;
        if !is_once && !allowed.contains(&period) {
            return (ReqStatus::InvalidTimer, None);
        }
        if self.streams.contains_key(&kind) {
            return (ReqStatus::Busy, None);
        }
        let data = self.sample(craft, now, kind, correlation_id);
        if data.is_none() {
            self.counts.stale += 1;
        }
        if is_once {
            return match data {
                Some(data) => (ReqStatus::Success, Some(data)),
                None => (ReqStatus::Failed, None),
            };
        }
        let record = StreamRecord {
            kind,
            correlation_id,
            period_ms,
        };
        let next = now.after(period);
        self.streams.insert(kind, Stream { record, next });
        (ReqStatus::Success, data)
    }

    /// The first value follows the answer, in its lane.
    fn first_of_stream(&mut self, now: Now, after: Option<RequestId>, data: Option<Callback>) {
        if let Some(data) = data {
            self.respond(now, after, data);
        }
    }

    fn stop_stream(&mut self, kind: StreamKind) -> ReqStatus {
        match self.streams.remove(&kind) {
            Some(_) => ReqStatus::Success,
            None => ReqStatus::Failed,
        }
    }

    /// The place of thermal control, if the app may ask of it.
    fn place(&self, hardware_id: i32) -> Option<u8> {
        let place = u8::try_from(hardware_id).ok()?;
        self.rules.thermal.contains(&place).then_some(place)
    }

    fn start_thermal(
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

    fn stop_thermal(&mut self, craft: &mut Craft, hardware_id: i32) -> ReqStatus {
        let Some(place) = self.place(hardware_id) else {
            return ReqStatus::InvalidHardware;
        };
        let (status, look) = craft.thermal.stop(place, &self.rules.name);
        if let Some(on) = look.and_then(|look| look.heat) {
            craft.act(Action::Heat { place, on });
        }
        status
    }

    fn temperature(
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

    fn copy_files(
        &mut self,
        craft: &mut Craft,
        now: Now,
        ask: &msg::HostToPeerFcmOperation,
    ) -> Result<(), Refusal> {
        let number = u16::try_from(ask.peer_app_id).ok();
        let number = number.and_then(|number| AppNumber::try_from(number).ok());
        let peer = number.and_then(|number| craft.numbers.get(&number));
        let peer = peer.filter(|peer| self.rules.copies_to.contains(peer));
        let Some(peer) = peer.cloned() else {
            let why = format!("the app may not copy to app {}", ask.peer_app_id);
            return refuse(ReturnCode::NOT_PERMITTED, why);
        };
        let count = usize::try_from(ask.no_of_files).unwrap_or_default();
        if count == 0 || count > COPY_FILES_MAX || count > ask.file_input.len() {
            let why = "no_of_files is not the number of files, 1 to 32";
            return refuse(ReturnCode::INVALID_PARAMS, why);
        }
        if self.copies.is_full() {
            return refuse(ReturnCode::OUT_OF_RESOURCES, "too many copies wait");
        }
        let names = ask.file_input.iter().take(count).map(|file| {
            let length = usize::try_from(file.filename_length).unwrap_or_default();
            let name = file.filename.get(..length).unwrap_or_default();
            let name = std::str::from_utf8(name).map_err(|_| "a name is no UTF-8")?;
            within(name.trim_end_matches('\0'), &craft.outbound)
        });
        let names = match names.collect::<Result<_, _>>() {
            Ok(names) => names,
            Err(why) => return refuse(ReturnCode::INVALID_PARAMS, why),
        };
        let copying = Copying {
            peer,
            correlation_id: ask.correlation_id,
            names,
        };
        self.copy(craft, now, copying);
        Ok(())
    }

    /// What the app is told of itself.
    fn session(&self, request: &Request) -> Option<ext::SessionStatus> {
        let Request::GetSession(_) = request else {
            return None;
        };
        let runs = self.runs.open().map(|run| {
            use ext::run_status::State;
            let state = match run.state {
                RunState::Running => State::Running,
                RunState::Late => State::Late,
                RunState::Unknown => State::Unknown,
                _ => State::Accepted,
            };
            let deadline = run.asked.saturating_add(run.within_ms) / 1000;
            ext::RunStatus {
                run: Some(ext::SequenceRun {
                    sequence_id: run.sequence.clone(),
                    correlation_id: run.correlation_id,
                }),
                state: state.into(),
                deadline: i64::try_from(deadline).unwrap_or(i64::MAX),
                percent: run.percent,
            }
        });
        let waiting = self.outbox.waiting();
        Some(ext::SessionStatus {
            acknowledgement: Some(ext::Acknowledgement::default()),
            is_registered: self.session.is_some(),
            registered_at: self.session.as_ref().map_or(0, |session| session.at),
            health_misses: self.health.misses(),
            runs: runs.collect(),
            calls_waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        })
    }

    /// An operator wants it to shut down.
    pub(super) fn order_shutdown(
        &mut self,
        craft: &mut Craft,
        now: Now,
        grace: Option<Duration>,
        reason: u8,
    ) {
        self.is_wanted = false;
        let grace = grace.unwrap_or(self.rules.shutdown.grace);
        match self.life {
            _ if self.is_up() => {
                self.ask_to_shut_down(craft, now, grace, reason, Then::Off);
            }
            Life::Stopping { step, until, .. } => {
                let then = Then::Off;
                self.life = Life::Stopping { step, until, then };
            }
            _ => self.kill(craft, now, Then::Off),
        }
    }
}

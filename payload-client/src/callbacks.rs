//! What becomes of a callback.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use payload_interface::extension as ext;
use payload_interface::messages as msg;
use payload_interface::{Callback, ReqStatus, ReturnCode};

use crate::asks::Asks;
use crate::channel::{Channel, Inner};
use crate::error::CallError;
use crate::payload::{Payload, RUNS_MAX, Shutdown};
use crate::run::Run;
use crate::secret::Secret;
use crate::wire::Callee;

/// Octets of a text of the extension.
const TEXT_BYTES_MAX: usize = 127;

/// Where callbacks go.
pub(crate) struct Callbacks {
    pub(crate) payload: Arc<dyn Payload>,
    pub(crate) asks: Arc<Asks>,
    pub(crate) life: Arc<Life>,
    /// Set once the channel is there.
    pub(crate) channel: Mutex<Weak<Inner>>,
}

/// What goes on in a payload.
#[derive(Debug, Default)]
pub(crate) struct Life {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    runs: BTreeMap<String, (i32, Arc<AtomicBool>)>,
    is_stopping: bool,
    has_stopped: bool,
}

impl Life {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Waits until that holds; whether it did, within that time.
    fn wait(&self, time: Option<Duration>, holds: impl Fn(&State) -> bool) -> bool {
        let until = time.and_then(|time| Instant::now().checked_add(time));
        let mut state = self.state();
        while !holds(&state) {
            let Some(until) = until else {
                let waited = self.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    pub(crate) fn wait_for_shutdown(&self, time: Option<Duration>) -> bool {
        self.wait(time, |state| state.has_stopped)
    }

    pub(crate) fn cancel_all(&self) {
        for (_, is_cancelled) in self.state().runs.values() {
            is_cancelled.store(true, Ordering::Relaxed);
        }
    }
}

impl Callee for Callbacks {
    fn called(&self, callback: Callback) -> ReturnCode {
        if let Some(code) = self.payload.intercept(&callback) {
            return code;
        }
        match callback {
            Callback::StartSequence(started) => self.start(started),
            Callback::CancelSequence(cancel) => self.cancel(&cancel),
            Callback::ShutdownApp(told) => self.shut_down(&told),
            Callback::HealthCheck(_) => self.payload.health(),
            Callback::ReqPayloadMetrics(asked) => self.metrics(asked.correlation_id),
            Callback::SatOsPaMessage(message) => self.message(&message),
            Callback::GnssEphData(data) => self.told(|payload| payload.ephemeris(&data)),
            Callback::EpsVoltage(data) => self.told(|payload| payload.voltage(data.eps_voltage)),
            Callback::SesThermalStatus(data) => self.told(|payload| payload.thermal(&data)),
            Callback::RemoteAcPowerStatus(data) => self.told(|payload| payload.remote_power(&data)),
            Callback::FcmOperationNotify(data) => self.told(|payload| payload.copied(&data)),
            Callback::ResponseRegister(ref told) => {
                if !told.auth_token.is_empty() {
                    *self.asks.token() = Some(Secret::new(told.auth_token.clone()));
                }
                self.answer(told.correlation_id, callback)
            }
            other => self.answer(correlation_id(&other), other),
        }
    }
}

impl Callbacks {
    fn told(&self, tell: impl FnOnce(&dyn Payload)) -> ReturnCode {
        tell(&*self.payload);
        ReturnCode::SUCCESS
    }

    fn answer(&self, id: i32, callback: Callback) -> ReturnCode {
        let rpc = callback.rpc();
        match self.asks.answers.tell(id, callback) {
            true => ReturnCode::SUCCESS,
            false => {
                log::warn!("{rpc} answers {id}, which was not asked, or too long ago");
                ReturnCode::INVALID_PARAMS
            }
        }
    }

    fn channel(&self) -> Option<Channel> {
        let channel = self.channel.lock();
        let channel = channel.unwrap_or_else(PoisonError::into_inner).upgrade();
        channel.map(Channel)
    }

    fn start(&self, started: msg::StartSequenceParams) -> ReturnCode {
        let sequence = started.sequence_id.clone();
        if !self.payload.has_sequence(&sequence) {
            return ReturnCode::INVALID_SEQUENCE;
        }
        let Some(channel) = self.channel() else {
            return ReturnCode::OUT_OF_RESOURCES;
        };
        let is_cancelled = Arc::new(AtomicBool::new(false));
        {
            let mut state = self.life.state();
            if state.is_stopping {
                return ReturnCode::NOT_PERMITTED;
            }
            if state.runs.contains_key(&sequence) {
                return ReturnCode::GENERIC_FAILURE;
            }
            if state.runs.len() >= RUNS_MAX {
                return ReturnCode::OUT_OF_RESOURCES;
            }
            let run = (started.correlation_id, Arc::clone(&is_cancelled));
            state.runs.insert(sequence.clone(), run);
        }
        let run = Run {
            started,
            is_cancelled,
            asks: Arc::clone(&self.asks),
        };
        let mut ended = Ended {
            life: Arc::clone(&self.life),
            sequence: sequence.clone(),
        };
        let payload = Arc::clone(&self.payload);
        let spawned = thread::Builder::new()
            .name("payload-run".to_owned())
            .spawn(move || {
                let came = payload.sequence(&channel, &run);
                // Before the controller may begin the same sequence again.
                ended.forget();
                tell_result(&run, came);
            });
        match spawned {
            Ok(_) => ReturnCode::SUCCESS,
            Err(error) => {
                log::error!("no thread for `{sequence}`: {error}");
                ReturnCode::OUT_OF_RESOURCES
            }
        }
    }

    fn cancel(&self, cancel: &ext::CancelSequenceRequest) -> ReturnCode {
        let Some(named) = &cancel.run else {
            return ReturnCode::INVALID_PARAMS;
        };
        let state = self.life.state();
        match state.runs.get(&named.sequence_id) {
            Some((id, is_cancelled)) if *id == named.correlation_id => {
                is_cancelled.store(true, Ordering::Relaxed);
                ReturnCode::SUCCESS
            }
            _ => ReturnCode::INVALID_SEQUENCE,
        }
    }

    fn shut_down(&self, told: &msg::ShutdownParams) -> ReturnCode {
        let mut is_first = false;
        self.life.change(|state| {
            is_first = !state.is_stopping;
            state.is_stopping = true;
        });
        if !is_first {
            return ReturnCode::SUCCESS;
        }
        self.life.cancel_all();
        let grace = Duration::from_secs(u64::try_from(told.grace_time).unwrap_or(0));
        let shutdown = Shutdown {
            grace,
            reason: told.shutdown_reason,
        };
        let (payload, life) = (Arc::clone(&self.payload), Arc::clone(&self.life));
        let (asks, id) = (Arc::clone(&self.asks), told.correlation_id);
        let spawned = thread::Builder::new()
            .name("payload-shutdown".to_owned())
            .spawn(move || {
                payload.shutdown(shutdown);
                let is_done = life.wait(Some(grace), |state| state.runs.is_empty());
                let status = match is_done {
                    true => ReqStatus::Success,
                    false => ReqStatus::Failed,
                };
                said(asks.call(msg::RespShutdownParams {
                    correlation_id: id,
                    req_status: status.into(),
                }));
                life.change(|state| state.has_stopped = true);
            });
        match spawned {
            Ok(_) => ReturnCode::SUCCESS,
            Err(_) => ReturnCode::OUT_OF_RESOURCES,
        }
    }

    fn metrics(&self, id: i32) -> ReturnCode {
        let metrics = self.payload.metrics();
        let counters = metrics.into_iter().map(|(names, counter)| {
            // 32 bits, whatever the sign of them is called.
            let counter = i32::from_ne_bytes(counter.to_ne_bytes());
            msg::PayloadMetricsInfo { counter, names }
        });
        let metrics: Vec<_> = counters.collect();
        let used = i32::try_from(metrics.len()).unwrap_or(i32::MAX);
        said(self.asks.call(msg::PayloadMetricsResponse {
            correlation_id: id,
            timestamp: now(),
            used_counter: used,
            metrics,
        }))
    }

    fn message(&self, message: &msg::SatOsPaMsg) -> ReturnCode {
        let code = self
            .payload
            .message(message.command_id, &message.payload_data);
        let status = match code.is_success() {
            true => ReqStatus::Success,
            false => ReqStatus::Failed,
        };
        said(self.asks.call(msg::RespSatOsPaMsg {
            correlation_id: message.correlation_id,
            app_id: 0,
            command_id: message.command_id,
            req_status: status.into(),
        }));
        code
    }
}

/// A run is forgotten when it ends, be it by a panic.
struct Ended {
    life: Arc<Life>,
    sequence: String,
}

impl Ended {
    fn forget(&mut self) {
        self.life.change(|state| {
            state.runs.remove(&self.sequence);
        });
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if thread::panicking() {
            self.forget();
        }
    }
}

/// The extension says all of it; a controller without it hears that the sequence is done.
fn tell_result(run: &Run, came: Result<(), String>) {
    use ext::sequence_result::Outcome;
    let outcome = match (&came, run.is_cancelled()) {
        (Ok(()), _) => Outcome::Succeeded,
        (Err(_), true) => Outcome::Cancelled,
        (Err(_), false) => Outcome::Failed,
    };
    let result = ext::SequenceResult {
        run: Some(run.named()),
        outcome: outcome.into(),
        text: cut(came.err().unwrap_or_default()),
        data: Vec::new(),
    };
    let told = run.asks.call(result);
    if let Err(CallError::Unimplemented { .. }) = told {
        let sequence_id = run.sequence().to_owned();
        said(run.asks.call(msg::CmdSequenceDoneParams { sequence_id }));
    } else {
        said(told);
    }
}

fn said(told: Result<(), CallError>) -> ReturnCode {
    match told {
        Ok(()) => ReturnCode::SUCCESS,
        Err(error) => {
            log::warn!("{error}");
            ReturnCode::GENERIC_FAILURE
        }
    }
}

fn cut(text: String) -> String {
    let text = text.replace('\0', " ");
    let mut length = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(length) {
        length = length.saturating_sub(1);
    }
    text.get(..length).unwrap_or_default().to_owned()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

fn correlation_id(callback: &Callback) -> i32 {
    match callback {
        Callback::ResponseRegister(it) => it.correlation_id,
        Callback::ResponseGetCurrentLocation(it) => it.correlation_id,
        Callback::ResponseStageFileDownload(it) => it.correlation_id,
        Callback::ResponsePayloadPowerControl(it) => it.correlation_id,
        Callback::ResponseGnssEphStop(it) => it.correlation_id,
        Callback::ResponseGnssEphStart(it) => it.correlation_id,
        Callback::ResponseEpsVoltageStop(it) => it.correlation_id,
        Callback::ResponseEpsVoltageStart(it) => it.correlation_id,
        Callback::ResponseSesThermalStart(it) => it.correlation_id,
        Callback::ResponseSesThermalStop(it) => it.correlation_id,
        Callback::ResponseSesTemperature(it) => it.correlation_id,
        Callback::ResponsePsTemperature(it) => it.correlation_id,
        Callback::ResponsePaSatOsMessage(it) => it.correlation_id,
        _ => 0,
    }
}

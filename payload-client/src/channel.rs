//! What a payload asks.

use std::net::TcpListener as StdListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use payload_interface::extension as ext;
use payload_interface::messages as msg;
use payload_interface::{Callback, ReqStatus, Request};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::answers::Answers;
use crate::asks::Asks;
use crate::callbacks::{Callbacks, Life};
use crate::error::{CallError, ChannelError};
use crate::payload::Payload;
use crate::setup::{Files, Setup};
use crate::wire::{self, Dial, listen};

/// What a payload says of its SDK when it registers.
pub const SDK_VERSION: (i32, i32, i32) = (1, 1, 1);

/// Threads in which callbacks wait.
const THREADS_MAX: usize = 64;
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// What the controller is to do when health checks fail again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailedHealth {
    /// Nothing.
    Nothing,
    /// Shut the payload down, and begin it again.
    Restart,
}

/// The channel to the controller. Clones are the same; with the last of them it closes, without
/// telling the controller: [`delete_channel`](Channel::delete_channel) does.
#[derive(Clone, Debug)]
pub struct Channel(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    asks: Arc<Asks>,
    life: Arc<Life>,
    stop: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Opens an encrypted channel: the payload can be called when this returns.
///
/// # Errors
/// [`ChannelError`].
pub fn create_channel(files: &Files, payload: impl Payload) -> Result<Channel, ChannelError> {
    let setup = Setup::read(files)?;
    match setup.identity {
        Some(_) => Channel::open(setup, payload),
        None => Err(ChannelError::OtherSecurity {
            flag: 0,
            call: "create_insecure_channel",
        }),
    }
}

/// Opens a channel that everybody on the way can read.
///
/// # Errors
/// [`ChannelError`].
pub fn create_insecure_channel(
    files: &Files,
    payload: impl Payload,
) -> Result<Channel, ChannelError> {
    let setup = Setup::read(files)?;
    match setup.identity {
        None => Channel::open(setup, payload),
        Some(_) => Err(ChannelError::OtherSecurity {
            flag: 1,
            call: "create_channel",
        }),
    }
}

impl Channel {
    /// Opens one as it is set up, encrypted or not.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn open(setup: Setup, payload: impl Payload) -> Result<Channel, ChannelError> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(THREADS_MAX)
            .build()?;
        let (client, server) = match &setup.identity {
            None => (None, None),
            Some(identity) => {
                let client = wire::client(identity)?;
                (Some(client), Some(wire::server(identity)?))
            }
        };
        let address = setup.listen;
        let socket =
            StdListener::bind(address).map_err(|error| ChannelError::Listen { address, error })?;
        socket.set_nonblocking(true)?;
        let only = server.is_none().then_some(setup.controller.ip());
        let asks = Arc::new(Asks {
            answers: Answers::default(),
            handle: runtime.handle().clone(),
            dial: Dial::new(setup.controller, client),
            cookie: setup.cookie,
            token: Mutex::new(None),
            patience: setup.patience,
            is_closed: AtomicBool::new(false),
        });
        let life = Arc::new(Life::default());
        let callbacks = Arc::new(Callbacks {
            payload: Arc::new(payload),
            asks: Arc::clone(&asks),
            life: Arc::clone(&life),
            channel: Mutex::new(Weak::new()),
        });
        let socket = {
            let _inside = runtime.enter();
            TcpListener::from_std(socket)?
        };
        let (stop, mut stopped) = watch::channel(false);
        let callee = Arc::clone(&callbacks);
        let thread = thread::Builder::new()
            .name("payload-client".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        () = listen(socket, server, only, callee) => {}
                        // It fails where the channel is gone.
                        _ = stopped.wait_for(|is_stopped| *is_stopped) => {}
                    }
                });
                runtime.shutdown_timeout(STOP_TIMEOUT);
            })?;
        let inner = Arc::new(Inner {
            asks,
            life,
            stop,
            thread: Mutex::new(Some(thread)),
        });
        let mut channel = callbacks
            .channel
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *channel = Arc::downgrade(&inner);
        drop(channel);
        Ok(Channel(inner))
    }

    /// Registers the payload, and waits until the controller says that it did.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn register(&self, on_failed_health: OnFailedHealth) -> Result<(), CallError> {
        let (major, minor, patch) = SDK_VERSION;
        let action = match on_failed_health {
            OnFailedHealth::Nothing => 0,
            OnFailedHealth::Restart => 1,
        };
        let told = self.ask("PA_ProcessResponseRegister", |correlation_id| {
            msg::ReqRegisterParams {
                correlation_id,
                health_check_fail_action: action,
                sdk_version: Some(msg::AntarisSdkVersion {
                    major,
                    minor,
                    patch,
                }),
            }
        })?;
        match told {
            Callback::ResponseRegister(it) => done("PC_register", it.req_status),
            _ => Ok(()),
        }
    }

    /// Where the spacecraft is: a place whose age is
    /// [`determined_at`](msg::RespGetCurrentLocationParams::determined_at).
    ///
    /// # Errors
    /// [`CallError`].
    pub fn current_location(&self) -> Result<msg::RespGetCurrentLocationParams, CallError> {
        let rpc = "PC_get_current_location";
        let told = self.ask("PA_ProcessResponseGetCurrentLocation", |correlation_id| {
            msg::ReqGetCurrentLocationParams { correlation_id }
        })?;
        match told {
            Callback::ResponseGetCurrentLocation(it) => done(rpc, it.req_status).map(|()| it),
            _ => Err(CallError::NoResult { rpc }),
        }
    }

    /// Has a file of the outbound directory go down. When this returns, it will, and may be
    /// forgotten.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn stage_file_download(
        &self,
        path: &Path,
        priority: msg::FilePriorities,
        band: msg::FileDlRadioType,
    ) -> Result<(), CallError> {
        let path = path.to_string_lossy().into_owned();
        let told = self.ask("PA_ProcessResponseStageFileDownload", |correlation_id| {
            msg::ReqStageFileDownloadParams {
                correlation_id,
                file_path: path,
                file_priority: priority.into(),
                file_dl_band: band.into(),
            }
        })?;
        match told {
            Callback::ResponseStageFileDownload(it) => {
                done("PC_stage_file_download", it.req_status)
            }
            _ => Ok(()),
        }
    }

    /// Has a device switched; 0 is the payload's own.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn payload_power_control(&self, device: u16, on: bool) -> Result<(), CallError> {
        let told = self.ask("PA_ProcessResponsePayloadPowerControl", |correlation_id| {
            msg::ReqPayloadPowerControlParams {
                correlation_id,
                power_operation: i32::from(on),
                hw_id: i32::from(device),
            }
        })?;
        match told {
            Callback::ResponsePayloadPowerControl(it) => {
                done("PC_payload_power_control", it.req_status)
            }
            _ => Ok(()),
        }
    }

    /// Has ephemeris told to [`Payload::ephemeris`], every so many ms; once, if 0.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn start_ephemeris(&self, period_ms: u16) -> Result<(), CallError> {
        let told = self.ask("PA_ProcessRespGnssEphStartDataReq", |correlation_id| {
            msg::ReqGnssEphStartDataReq {
                correlation_id,
                periodicity_in_ms: i32::from(period_ms),
                eph2_enable: 1,
            }
        })?;
        match told {
            Callback::ResponseGnssEphStart(it) => done("PC_gnss_eph_start_req", it.req_status),
            _ => Ok(()),
        }
    }

    /// No more of it.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn stop_ephemeris(&self) -> Result<(), CallError> {
        let told = self.ask("PA_ProcessRespGnssEphStopDataReq", |correlation_id| {
            msg::ReqGnssEphStopDataReq { correlation_id }
        })?;
        match told {
            Callback::ResponseGnssEphStop(it) => done("PC_gnss_eph_stop_req", it.req_status),
            _ => Ok(()),
        }
    }

    /// Has the bus voltage told to [`Payload::voltage`], every so many ms; once, if 0.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn start_voltage(&self, period_ms: u16) -> Result<(), CallError> {
        let told = self.ask("PA_ProcessRespGetEpsVoltageStartReq", |correlation_id| {
            msg::ReqGetEpsVoltageStartReq {
                correlation_id,
                periodicity_in_ms: i32::from(period_ms),
            }
        })?;
        match told {
            Callback::ResponseEpsVoltageStart(it) => {
                done("PC_get_eps_voltage_start_req", it.req_status)
            }
            _ => Ok(()),
        }
    }

    /// No more of it.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn stop_voltage(&self) -> Result<(), CallError> {
        let told = self.ask("PA_ProcessRespGetEpsVoltageStopReq", |correlation_id| {
            msg::ReqGetEpsVoltageStopReq { correlation_id }
        })?;
        match told {
            Callback::ResponseEpsVoltageStop(it) => {
                done("PC_get_eps_voltage_stop_req", it.req_status)
            }
            _ => Ok(()),
        }
    }

    /// Has a device kept between two temperatures, in °C, for so many s.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn start_thermal(
        &self,
        device: u8,
        duration_s: i32,
        lower_c: i8,
        upper_c: i8,
    ) -> Result<(), CallError> {
        let told = self.ask("PA_ProcessRespStartSesThermMgmntReq", |correlation_id| {
            msg::StartSesThermMgmntReq {
                correlation_id,
                hardware_id: i32::from(device),
                duration: duration_s,
                lower_threshold: i32::from(lower_c),
                upper_threshold: i32::from(upper_c),
            }
        })?;
        match told {
            Callback::ResponseSesThermalStart(it) => {
                done("PC_start_ses_therm_mgmnt_req", it.req_status)
            }
            _ => Ok(()),
        }
    }

    /// It is not, any more.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn stop_thermal(&self, device: u8) -> Result<(), CallError> {
        let told = self.ask("PA_ProcessRespStopSesThermMgmntReq", |correlation_id| {
            msg::StopSesThermMgmntReq {
                correlation_id,
                hardware_id: i32::from(device),
            }
        })?;
        match told {
            Callback::ResponseSesThermalStop(it) => {
                done("PC_stop_ses_therm_mgmnt_req", it.req_status)
            }
            _ => Ok(()),
        }
    }

    /// How warm a device is, in °C.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn temperature(&self, device: u8) -> Result<i32, CallError> {
        let rpc = "PC_ses_temp_req";
        let told = self.ask("PA_ProcessRespSesTempReq", |correlation_id| {
            msg::SesTempReq {
                correlation_id,
                hardware_id: i32::from(device),
            }
        })?;
        match told {
            Callback::ResponseSesTemperature(it) => done(rpc, it.status).map(|()| it.temperature),
            _ => Err(CallError::NoResult { rpc }),
        }
    }

    /// How warm the payload server is, in °C.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn server_temperature(&self) -> Result<i32, CallError> {
        let rpc = "PC_ps_temp_req";
        let told = self.ask("PA_ProcessRespPsTemp", |correlation_id| msg::PsTempReq {
            correlation_id,
        })?;
        match told {
            Callback::ResponsePsTemperature(it) => Ok(it.temperature),
            _ => Err(CallError::NoResult { rpc }),
        }
    }

    /// Gives the spacecraft a message of 1020 octets at most.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn send_message(&self, command_id: u16, data: &[u8]) -> Result<(), CallError> {
        let told = self.ask("PA_ProcessRespPaSatOsMsg", |correlation_id| {
            msg::PaSatOsMsg {
                correlation_id,
                command_id: i32::from(command_id),
                payload_data: data.to_vec(),
            }
        })?;
        match told {
            Callback::ResponsePaSatOsMessage(it) => done("PC_pa_satos_message", it.req_status),
            _ => Ok(()),
        }
    }

    /// Has files copied between hosts; [`Payload::copied`] is told of each.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn copy_files(&self, operation: msg::HostToPeerFcmOperation) -> Result<(), CallError> {
        self.call(operation)
    }

    /// What the controller knows of the payload.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn session(&self) -> Result<ext::SessionStatus, CallError> {
        let taken = self.0.asks.taken(ext::SessionRequest {})?;
        let rpc = "GetSession";
        taken.session.ok_or(CallError::NoResult { rpc })
    }

    /// Makes a call as it is; what comes of it is not waited for.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&self, request: impl Into<Request>) -> Result<(), CallError> {
        self.0.asks.call(request)
    }

    /// Waits until the payload was told to shut down, did, and told the controller. False, where
    /// it was not within that time.
    #[must_use = "without a shutdown the payload is to go on"]
    pub fn wait_for_shutdown(&self, time: Option<Duration>) -> bool {
        self.0.life.wait_for_shutdown(time)
    }

    /// Closes the channel: runs are asked to end, the controller is told, and nothing is called
    /// in the payload any more.
    pub fn delete_channel(self) {
        self.0.life.cancel_all();
        let reason = String::new();
        if let Err(error) = self.call(ext::CloseSessionRequest { reason }) {
            log::debug!("{error}");
        }
        self.0.stop();
        let thread = self.0.thread.lock();
        let thread = thread.unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread of the channel panicked");
        }
    }

    fn ask<R: Into<Request>>(
        &self,
        told_by: &'static str,
        request: impl FnOnce(i32) -> R,
    ) -> Result<Callback, CallError> {
        self.0.asks.ask(told_by, request)
    }
}

impl Inner {
    fn stop(&self) {
        self.asks.is_closed.store(true, Ordering::Release);
        // It fails where the thread has ended.
        let _ = self.stop.send(true);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

fn done(rpc: &'static str, status: i32) -> Result<(), CallError> {
    match status == i32::from(ReqStatus::Success) {
        true => Ok(()),
        false => Err(CallError::Failed { rpc, status }),
    }
}

//! Every field, and what fits it.
//!
//! The original's arrays of characters end with an octet of 0: one octet fewer than their
//! length fits. What is longer it makes empty, and goes on; here it is refused.

use crate::extension::{
    CancelSequenceRequest, CloseSessionRequest, SequenceProgress, SequenceResult, SequenceRun,
    SessionRequest,
};
use crate::invalid::{Invalid, Problem};
use crate::messages::*;
use crate::profile::Binding;
use crate::rule::Int::{Any, Id, Octet, SignedOctet, Within, Word};
use crate::rule::{
    Finite, Fit, List, Needed, Octets, Part, Percent, Rule as _, Time, counted, one_of,
};

/// Octets of the name of a sequence.
pub const SEQUENCE_ID_BYTES_MAX: usize = 15;
/// Octets of the parameters of a sequence.
pub const SEQUENCE_PARAMS_BYTES_MAX: usize = 127;
/// Octets of the path of a file that goes down.
pub const FILE_PATH_BYTES_MAX: usize = 191;
/// Octets of the token of a session.
pub const AUTH_TOKEN_BYTES_MAX: usize = 255;
/// Octets of the name of a counter.
pub const METRIC_NAME_BYTES_MAX: usize = 15;
/// Counters of an app.
pub const METRICS_MAX: usize = 8;
/// Octets of a message that is passed on as it is.
pub const OPAQUE_BYTES_MAX: usize = 1020;
/// Files of one copy between hosts.
pub const COPIED_FILES_MAX: usize = 32;
/// Octets of the name of a file that is copied.
pub const COPIED_FILE_BYTES_MAX: usize = 127;
/// Octets of the name of a file that was copied.
pub const COPIED_FILE_TOLD_BYTES_MAX: usize = 15;
/// Octets of what is said to people.
pub const TEXT_BYTES_MAX: usize = 127;
/// The lowest and the highest temperature, in degrees Celsius: what the original has 8 bits
/// for, some of them without a sign.
const CELSIUS: crate::rule::Int = SignedOctet;

macro_rules! fields {
    ($( $message:ident { $( $field:ident: $rule:expr ),* $(,)? } )+) => {
        $(
            impl Fit for $message {
                fn fit(&mut self, binding: Binding) -> Result<(), Invalid> {
                    // Named one by one, so that none is without a rule.
                    let $message { $( $field ),* } = self;
                    $(
                        $rule
                            .apply($field, binding)
                            .map_err(|invalid| invalid.of(stringify!($field)))?;
                    )*
                    let _ = binding;
                    Ok(())
                }
            }
        )+
    };
}

// What payloads send.
fields! {
    AntarisSdkVersion { major: Word, minor: Word, patch: Word }
    ReqRegisterParams { correlation_id: Id, health_check_fail_action: Word, sdk_version: Part }
    ReqGetCurrentLocationParams { correlation_id: Id }
    ReqStageFileDownloadParams {
        correlation_id: Id,
        file_path: Octets(1, FILE_PATH_BYTES_MAX),
        file_priority: one_of::<FilePriorities>(),
        file_dl_band: one_of::<FileDlRadioType>(),
    }
    CmdSequenceDoneParams { sequence_id: Octets(1, SEQUENCE_ID_BYTES_MAX) }
    ReqPayloadPowerControlParams { correlation_id: Id, power_operation: Within(0, 1), hw_id: Word }
    RespHealthCheckParams {
        correlation_id: Id,
        application_state: Word,
        reqs_to_pc_in_err_cnt: Word,
        resps_to_pc_in_err_cnt: Word,
    }
    RespShutdownParams { correlation_id: Id, req_status: Any }
    PayloadMetricsInfo { counter: Any, names: Octets(0, METRIC_NAME_BYTES_MAX) }
    ReqGnssEphStopDataReq { correlation_id: Id }
    ReqGnssEphStartDataReq { correlation_id: Id, periodicity_in_ms: Word, eph2_enable: SignedOctet }
    ReqGetEpsVoltageStopReq { correlation_id: Id }
    ReqGetEpsVoltageStartReq { correlation_id: Id, periodicity_in_ms: Word }
    StartSesThermMgmntReq {
        correlation_id: Id,
        hardware_id: Octet,
        duration: Any,
        lower_threshold: CELSIUS,
        upper_threshold: CELSIUS,
    }
    StopSesThermMgmntReq { correlation_id: Id, hardware_id: Octet }
    SesTempReq { correlation_id: Id, hardware_id: Octet }
    PsTempReq { correlation_id: Id }
    PaSatOsMsg {
        correlation_id: Id,
        command_id: Word,
        payload_data: Octets(0, OPAQUE_BYTES_MAX),
    }
    RespSatOsPaMsg { correlation_id: Id, app_id: Word, command_id: Word, req_status: Any }
}

// What the controller sends.
fields! {
    StartSequenceParams {
        correlation_id: Id,
        sequence_id: Octets(1, SEQUENCE_ID_BYTES_MAX),
        sequence_params: Octets(0, SEQUENCE_PARAMS_BYTES_MAX),
        scheduled_deadline: Time,
    }
    ShutdownParams { correlation_id: Id, grace_time: Word, shutdown_reason: Octet }
    HealthCheckParams {
        correlation_id: Id,
        application_state: Word,
        reqs_to_pc_in_err_cnt: Word,
        resps_to_pc_in_err_cnt: Word,
    }
    RespRegisterParams {
        correlation_id: Id,
        req_status: Any,
        auth_token: Octets(0, AUTH_TOKEN_BYTES_MAX),
    }
    RespGetCurrentLocationParams {
        correlation_id: Id,
        req_status: Any,
        latitude: Finite,
        longitude: Finite,
        altitude: Finite,
        sd_latitude: Finite,
        sd_longitude: Finite,
        sd_altitude: Finite,
        determined_at: Time,
    }
    RespStageFileDownloadParams { correlation_id: Id, req_status: Any }
    RespPayloadPowerControlParams { correlation_id: Id, req_status: Any }
    ReqPayloadMetricsParams { correlation_id: Id }
    RespGnssEphStopDataReq { correlation_id: Id, req_status: Any }
    RespGnssEphStartDataReq { correlation_id: Id, req_status: Any }
    GnssEphData {
        correlation_id: Id,
        adcs_eph_data: Part,
        gps_eph_data: Part,
        obc_time: Part,
        adcs_timeout_flag: Octet,
        gps_timeout_flag: Octet,
    }
    ObcTime {
        hour: Octet,
        minute: Octet,
        millisecond: Word,
        date: Octet,
        month: Octet,
        year: Word,
    }
    GpsEphemerisData {
        gps_fix_time: Part,
        gps_sys_time: Part,
        gps_position_ecef_x: Finite,
        gps_position_ecef_y: Finite,
        gps_position_ecef_z: Finite,
        gps_velocity_ecef_x: Finite,
        gps_velocity_ecef_y: Finite,
        gps_velocity_ecef_z: Finite,
        gps_validity_flag_pos: Octet,
        gps_validity_flag_vel: Octet,
    }
    AdcsEphemerisData {
        orbit_time: Finite,
        eci_position_x: Finite,
        eci_position_y: Finite,
        eci_position_z: Finite,
        eci_velocity_x: Finite,
        eci_velocity_y: Finite,
        eci_velocity_z: Finite,
        ecef_position_x: Finite,
        ecef_position_y: Finite,
        ecef_position_z: Finite,
        ecef_velocity_x: Finite,
        ecef_velocity_y: Finite,
        ecef_velocity_z: Finite,
        ang_rate_x: Finite,
        ang_rate_y: Finite,
        ang_rate_z: Finite,
        att_quat_1: Finite,
        att_quat_2: Finite,
        att_quat_3: Finite,
        att_quat_4: Finite,
        latitude: Finite,
        longitude: Finite,
        altitude: Finite,
        nadir_vector_x: Finite,
        nadir_vector_y: Finite,
        nadir_vector_z: Finite,
        gd_nadir_vector_x: Finite,
        gd_nadir_vector_y: Finite,
        gd_nadir_vector_z: Finite,
        beta_angle: Finite,
        validity_flags: Word,
    }
    RespGetEpsVoltageStopReq { correlation_id: Id, req_status: Any }
    RespGetEpsVoltageStartReq { correlation_id: Id, req_status: Any }
    GetEpsVoltage { correlation_id: Id, eps_voltage: Finite }
    RespStartSesThermMgmntReq { correlation_id: Id, req_status: Octet }
    RespStopSesThermMgmntReq { correlation_id: Id, req_status: Octet }
    RespSesTempReqParams {
        correlation_id: Id,
        status: Octet,
        temperature: CELSIUS,
        hardware_id: Octet,
        heater_pwr_status: Octet,
    }
    RespPsTemp { correlation_id: Id, temperature: CELSIUS }
    SesThermalStatusNtf {
        correlation_id: Id,
        heater_pwr_status: Octet,
        hardware_id: Octet,
        reserved: Octet,
        heater_temp_status: Octet,
        temperature: CELSIUS,
    }
    RespPaSatOsMsg { correlation_id: Id, command_id: Word, req_status: Any }
    SatOsPaMsg {
        correlation_id: Id,
        command_id: Word,
        payload_data: Octets(0, OPAQUE_BYTES_MAX),
    }
    NtfRemoteAcPwrStatus { correlation_id: Id, ac_app_id: Octet, power_status: Octet }
    HostToPeerFcmOperationNotify {
        correlation_id: Id,
        fcm_complete: Octet,
        req_status: Any,
        file_name: Octets(0, COPIED_FILE_TOLD_BYTES_MAX),
    }
}

// The extension.
fields! {
    SequenceRun { sequence_id: Octets(1, SEQUENCE_ID_BYTES_MAX), correlation_id: Id }
    SequenceProgress { run: Needed, percent: Percent, text: Octets(0, TEXT_BYTES_MAX) }
    SequenceResult {
        run: Needed,
        outcome: Within(1, 3),
        text: Octets(0, TEXT_BYTES_MAX),
        data: Octets(0, OPAQUE_BYTES_MAX),
    }
    SessionRequest {}
    CloseSessionRequest { reason: Octets(0, TEXT_BYTES_MAX) }
    CancelSequenceRequest { correlation_id: Id, run: Needed, reason: Octets(0, TEXT_BYTES_MAX) }
}

/// The C++ SDK always sends as many as there is room for.
impl Fit for PayloadMetricsResponse {
    fn fit(&mut self, binding: Binding) -> Result<(), Invalid> {
        let of = |name: &'static str| move |invalid: Invalid| invalid.of(name);
        Id.apply(&mut self.correlation_id, binding)
            .map_err(of("correlation_id"))?;
        Time.apply(&mut self.timestamp, binding)
            .map_err(of("timestamp"))?;
        counted(self.used_counter, &mut self.metrics).map_err(of("metrics"))?;
        List(METRICS_MAX)
            .apply(&mut self.metrics, binding)
            .map_err(of("metrics"))
    }
}

/// The C++ SDK always sends as many as there is room for.
impl Fit for HostToPeerFcmOperation {
    fn fit(&mut self, binding: Binding) -> Result<(), Invalid> {
        let of = |name: &'static str| move |invalid: Invalid| invalid.of(name);
        for (name, rule, value) in [
            ("correlation_id", Id, &mut self.correlation_id),
            ("peer_app_id", Octet, &mut self.peer_app_id),
            ("fcm_src", Octet, &mut self.fcm_src),
            ("fcm_dest", Octet, &mut self.fcm_dest),
        ] {
            rule.apply(value, binding).map_err(of(name))?;
        }
        counted(self.no_of_files, &mut self.file_input).map_err(of("file_input"))?;
        List(COPIED_FILES_MAX)
            .apply(&mut self.file_input, binding)
            .map_err(of("file_input"))
    }
}

/// The C++ SDK fills the name up with octets of 0.
impl Fit for FileInput {
    fn fit(&mut self, binding: Binding) -> Result<(), Invalid> {
        let of = |name: &'static str| move |invalid: Invalid| invalid.of(name);
        SignedOctet
            .apply(&mut self.filename_length, binding)
            .map_err(of("filename_length"))?;
        counted(self.filename_length, &mut self.filename).map_err(of("filename"))?;
        Octets(1, COPIED_FILE_BYTES_MAX)
            .apply(&mut self.filename, binding)
            .map_err(of("filename"))?;
        match self.filename.contains(&0) {
            true => Err(Invalid::from(Problem::Nul).of("filename")),
            false => Ok(()),
        }
    }
}

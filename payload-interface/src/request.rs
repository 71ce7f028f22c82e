//! What a payload asks of the controller.

use crate::calls::calls;
use crate::extension as ext;
use crate::messages as msg;

calls! {
    /// A call of a payload to the controller, one variant for each rpc.
    pub enum Request is incoming {
        /// The app is there, and may be called from now on.
        Register(msg::ReqRegisterParams) = "PC_register",
        /// Where is the spacecraft?
        GetCurrentLocation(msg::ReqGetCurrentLocationParams) = "PC_get_current_location",
        /// A file is to go down.
        StageFileDownload(msg::ReqStageFileDownloadParams) = "PC_stage_file_download",
        /// A sequence has ended.
        SequenceDone(msg::CmdSequenceDoneParams) = "PC_sequence_done",
        /// A device is to be switched.
        PayloadPowerControl(msg::ReqPayloadPowerControlParams) = "PC_payload_power_control",
        /// How the app is.
        ResponseHealthCheck(msg::RespHealthCheckParams) = "PC_response_health_check",
        /// The app has shut down what it does, and will exit.
        ResponseShutdown(msg::RespShutdownParams) = "PC_response_shutdown",
        /// The app's counters.
        ResponsePayloadMetrics(msg::PayloadMetricsResponse) = "PC_response_payload_metrics",
        /// No more of ephemeris.
        GnssEphStop(msg::ReqGnssEphStopDataReq) = "PC_gnss_eph_stop_req",
        /// Ephemeris, once or again and again.
        GnssEphStart(msg::ReqGnssEphStartDataReq) = "PC_gnss_eph_start_req",
        /// No more of the bus voltage.
        EpsVoltageStop(msg::ReqGetEpsVoltageStopReq) = "PC_get_eps_voltage_stop_req",
        /// The bus voltage, once or again and again.
        EpsVoltageStart(msg::ReqGetEpsVoltageStartReq) = "PC_get_eps_voltage_start_req",
        /// A device is to be kept within temperatures.
        SesThermalStart(msg::StartSesThermMgmntReq) = "PC_start_ses_therm_mgmnt_req",
        /// It is not, any more.
        SesThermalStop(msg::StopSesThermMgmntReq) = "PC_stop_ses_therm_mgmnt_req",
        /// How warm is a device?
        SesTemperature(msg::SesTempReq) = "PC_ses_temp_req",
        /// How warm is the payload server?
        PsTemperature(msg::PsTempReq) = "PC_ps_temp_req",
        /// A message to the spacecraft, as it is.
        PaSatOsMessage(msg::PaSatOsMsg) = "PC_pa_satos_message",
        /// Files are to be copied between hosts.
        FcmOperation(msg::HostToPeerFcmOperation) = "PC_host_to_peer_fcm_operation",
        /// What came of a message of the spacecraft.
        ResponseSatOsPaMessage(msg::RespSatOsPaMsg) = "PC_satos_pa_message",
        /// How far a sequence is.
        ReportProgress(ext::SequenceProgress) = "ReportProgress",
        /// How a sequence ended.
        ReportResult(ext::SequenceResult) = "ReportResult",
        /// What does the controller know of the app?
        GetSession(ext::SessionRequest) = "GetSession",
        /// The app closes its channel.
        CloseSession(ext::CloseSessionRequest) = "CloseSession",
    }
}

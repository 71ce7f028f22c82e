//! What the controller asks, or tells, a payload.

use crate::calls::calls;
use crate::extension as ext;
use crate::messages as msg;

calls! {
    /// A call of the controller to a payload, one variant for each rpc.
    pub enum Callback is outgoing {
        /// A sequence is to begin.
        StartSequence(msg::StartSequenceParams) = "PA_StartSequence",
        /// The app is to end.
        ShutdownApp(msg::ShutdownParams) = "PA_ShutdownApp",
        /// How is the app?
        HealthCheck(msg::HealthCheckParams) = "PA_ProcessHealthCheck",
        /// What came of [`Register`](crate::Request::Register). The token is filled in by who
        /// sends it.
        ResponseRegister(msg::RespRegisterParams) = "PA_ProcessResponseRegister",
        /// Where the spacecraft is.
        ResponseGetCurrentLocation(msg::RespGetCurrentLocationParams)
            = "PA_ProcessResponseGetCurrentLocation",
        /// What came of [`StageFileDownload`](crate::Request::StageFileDownload).
        ResponseStageFileDownload(msg::RespStageFileDownloadParams)
            = "PA_ProcessResponseStageFileDownload",
        /// What came of [`PayloadPowerControl`](crate::Request::PayloadPowerControl).
        ResponsePayloadPowerControl(msg::RespPayloadPowerControlParams)
            = "PA_ProcessResponsePayloadPowerControl",
        /// The app is to tell its counters.
        ReqPayloadMetrics(msg::ReqPayloadMetricsParams) = "PA_ProcessReqPayloadMetrics",
        /// What came of [`GnssEphStop`](crate::Request::GnssEphStop).
        ResponseGnssEphStop(msg::RespGnssEphStopDataReq) = "PA_ProcessRespGnssEphStopDataReq",
        /// What came of [`GnssEphStart`](crate::Request::GnssEphStart).
        ResponseGnssEphStart(msg::RespGnssEphStartDataReq) = "PA_ProcessRespGnssEphStartDataReq",
        /// Ephemeris.
        GnssEphData(msg::GnssEphData) = "PA_ProcessGnssEphData",
        /// What came of [`EpsVoltageStop`](crate::Request::EpsVoltageStop).
        ResponseEpsVoltageStop(msg::RespGetEpsVoltageStopReq)
            = "PA_ProcessRespGetEpsVoltageStopReq",
        /// What came of [`EpsVoltageStart`](crate::Request::EpsVoltageStart).
        ResponseEpsVoltageStart(msg::RespGetEpsVoltageStartReq)
            = "PA_ProcessRespGetEpsVoltageStartReq",
        /// The bus voltage.
        EpsVoltage(msg::GetEpsVoltage) = "PA_ProcessGetEpsVoltage",
        /// What came of [`SesThermalStart`](crate::Request::SesThermalStart).
        ResponseSesThermalStart(msg::RespStartSesThermMgmntReq)
            = "PA_ProcessRespStartSesThermMgmntReq",
        /// What came of [`SesThermalStop`](crate::Request::SesThermalStop).
        ResponseSesThermalStop(msg::RespStopSesThermMgmntReq)
            = "PA_ProcessRespStopSesThermMgmntReq",
        /// How warm a device is.
        ResponseSesTemperature(msg::RespSesTempReqParams) = "PA_ProcessRespSesTempReq",
        /// How warm the payload server is.
        ResponsePsTemperature(msg::RespPsTemp) = "PA_ProcessRespPsTemp",
        /// What the thermal control does.
        SesThermalStatus(msg::SesThermalStatusNtf) = "PA_ProcessSesThrmlNtf",
        /// What came of [`PaSatOsMessage`](crate::Request::PaSatOsMessage).
        ResponsePaSatOsMessage(msg::RespPaSatOsMsg) = "PA_ProcessRespPaSatOsMsg",
        /// A message of the spacecraft, as it is.
        SatOsPaMessage(msg::SatOsPaMsg) = "PA_ProcessSatOsPaMsg",
        /// Another controller was switched.
        RemoteAcPowerStatus(msg::NtfRemoteAcPwrStatus) = "PA_ProcessRemoteAcPwrStatusNtf",
        /// How far [`FcmOperation`](crate::Request::FcmOperation) is.
        FcmOperationNotify(msg::HostToPeerFcmOperationNotify)
            = "PA_ProcessHostToPeerFcmOperationNotify",
        /// A sequence is to end early.
        CancelSequence(ext::CancelSequenceRequest) = "CancelSequence",
    }
}

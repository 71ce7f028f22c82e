//! The wire: numbers, names and types of the original, from a table that is apart from the
//! `.proto` files.

use std::collections::BTreeMap;
use std::path::Path;

use payload_interface::messages::{
    AntarisReturnCode, AntarisReturnType, FileDlRadioType, FilePriorities, GnssEphData,
    ReqStageFileDownloadParams, RespGetCurrentLocationParams,
};
use payload_interface::{Callback, Request};
use prost::Message as _;
use prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor, Kind};

const MESSAGES: &str = "
AntarisSdkVersion: 1=major:int32, 2=minor:int32, 3=patch:int32
ReqRegisterParams: 1=correlation_id:int32, 2=health_check_fail_action:int32,
    3=sdk_version:AntarisSdkVersion
RespRegisterParams: 1=correlation_id:int32, 2=req_status:int32, 3=auth_token:string
ReqGetCurrentLocationParams: 1=correlation_id:int32
RespGetCurrentLocationParams: 1=correlation_id:int32, 2=req_status:int32, 3=latitude:double,
    4=longitude:double, 5=altitude:double, 6=sd_latitude:float, 7=sd_longitude:float,
    8=sd_altitude:float, 9=determined_at:int64
ReqStageFileDownloadParams: 1=correlation_id:int32, 2=file_path:string,
    3=file_priority:FilePriorities, 4=file_dl_band:FileDlRadioType
RespStageFileDownloadParams: 1=correlation_id:int32, 2=req_status:int32
ReqPayloadPowerControlParams: 1=correlation_id:int32, 2=power_operation:int32, 3=hw_id:int32
RespPayloadPowerControlParams: 1=correlation_id:int32, 2=req_status:int32
RespShutdownParams: 1=correlation_id:int32, 2=req_status:int32
RespHealthCheckParams: 1=correlation_id:int32, 2=application_state:int32,
    3=reqs_to_pc_in_err_cnt:int32, 4=resps_to_pc_in_err_cnt:int32
StartSequenceParams: 1=correlation_id:int32, 2=sequence_id:string, 3=sequence_params:string,
    4=scheduled_deadline:int64
ShutdownParams: 1=correlation_id:int32, 2=grace_time:int32, 3=shutdown_reason:int32
HealthCheckParams: 1=correlation_id:int32, 2=application_state:int32,
    3=reqs_to_pc_in_err_cnt:int32, 4=resps_to_pc_in_err_cnt:int32
PayloadMetricsInfo: 1=counter:int32, 2=names:string
FileInput: 1=filename_length:int32, 2=filename:bytes
ReqPayloadMetricsParams: 1=correlation_id:int32
PayloadMetricsResponse: 1=correlation_id:int32, 2=timestamp:int64, 3=used_counter:int32,
    4=metrics:repeated PayloadMetricsInfo
CmdSequenceDoneParams: 1=sequence_id:string
PaSatOsMsg: 1=correlation_id:int32, 2=command_id:int32, 3=payload_data:bytes
RespPaSatOsMsg: 1=correlation_id:int32, 2=command_id:int32, 3=req_status:int32
SatOsPaMsg: 1=correlation_id:int32, 2=command_id:int32, 3=payload_data:bytes
RespSatOsPaMsg: 1=correlation_id:int32, 2=app_id:int32, 3=command_id:int32, 4=req_status:int32
HostToPeerFcmOperation: 1=correlation_id:int32, 2=peer_app_id:int32, 3=fcm_src:int32,
    4=fcm_dest:int32, 5=no_of_files:int32, 6=file_input:repeated FileInput
HostToPeerFcmOperationNotify: 1=correlation_id:int32, 2=fcm_complete:int32, 3=req_status:int32,
    4=file_name:string
ReqGnssEphStopDataReq: 1=correlation_id:int32
RespGnssEphStopDataReq: 1=correlation_id:int32, 2=req_status:int32
ReqGnssEphStartDataReq: 1=correlation_id:int32, 2=periodicity_in_ms:int32, 3=eph2_enable:int32
RespGnssEphStartDataReq: 1=correlation_id:int32, 2=req_status:int32
OBC_time: 1=hour:int32, 2=minute:int32, 3=millisecond:int32, 4=date:int32, 5=month:int32,
    6=year:int32
GpsEphemerisData: 1=gps_fix_time:OBC_time, 2=gps_sys_time:OBC_time,
    3=gps_position_ecef_x:double, 4=gps_position_ecef_y:double, 5=gps_position_ecef_z:double,
    6=gps_velocity_ecef_x:double, 7=gps_velocity_ecef_y:double, 8=gps_velocity_ecef_z:double,
    9=gps_validity_flag_pos:int32, 10=gps_validity_flag_vel:int32
AdcsEphemerisData: 1=orbit_time:double, 2=eci_position_x:double, 3=eci_position_y:double,
    4=eci_position_z:double, 5=eci_velocity_x:double, 6=eci_velocity_y:double,
    7=eci_velocity_z:double, 8=ecef_position_x:double, 9=ecef_position_y:double,
    10=ecef_position_z:double, 11=ecef_velocity_x:double, 12=ecef_velocity_y:double,
    13=ecef_velocity_z:double, 14=ang_rate_x:double, 15=ang_rate_y:double, 16=ang_rate_z:double,
    17=att_quat_1:double, 20=att_quat_2:double, 21=att_quat_3:double, 22=att_quat_4:double,
    23=latitude:float, 24=longitude:float, 25=altitude:float, 26=nadir_vector_x:float,
    27=nadir_vector_y:float, 28=nadir_vector_z:float, 29=gd_nadir_vector_x:float,
    30=gd_nadir_vector_y:float, 31=gd_nadir_vector_z:float, 32=beta_angle:float,
    33=validity_flags:int32
GnssEphData: 1=correlation_id:int32, 2=adcs_eph_data:AdcsEphemerisData,
    3=gps_eph_data:GpsEphemerisData, 4=obc_time:OBC_time, 5=adcs_timeout_flag:int32,
    6=gps_timeout_flag:int32
ReqGetEpsVoltageStopReq: 1=correlation_id:int32
RespGetEpsVoltageStopReq: 1=correlation_id:int32, 2=req_status:int32
ReqGetEpsVoltageStartReq: 1=correlation_id:int32, 2=periodicity_in_ms:int32
RespGetEpsVoltageStartReq: 1=correlation_id:int32, 2=req_status:int32
GetEpsVoltage: 1=correlation_id:int32, 2=eps_voltage:float
NtfRemoteAcPwrStatus: 1=correlation_id:int32, 2=ac_app_id:int32, 3=power_status:int32
StartSesThermMgmntReq: 1=correlation_id:int32, 2=hardware_id:int32, 3=duration:int32,
    4=lower_threshold:int32, 5=upper_threshold:int32
RespStartSesThermMgmntReq: 1=correlation_id:int32, 2=req_status:int32
StopSesThermMgmntReq: 1=correlation_id:int32, 2=hardware_id:int32
RespStopSesThermMgmntReq: 1=correlation_id:int32, 2=req_status:int32
SesTempReq: 1=correlation_id:int32, 2=hardware_id:int32
RespSesTempReqParams: 1=correlation_id:int32, 2=status:int32, 3=temperature:int32,
    4=hardware_id:int32, 5=heater_pwr_status:int32
PsTempReq: 1=correlation_id:int32
RespPsTemp: 1=correlation_id:int32, 2=temperature:int32
SesThermalStatusNtf: 1=correlation_id:int32, 2=heater_pwr_status:int32, 3=hardware_id:int32,
    4=reserved:int32, 5=heater_temp_status:int32, 6=temperature:int32
AntarisCorrelationId: 1=correlation_id:int32
AntarisReturnType: 1=return_code:AntarisReturnCode
";

const SERVICES: &str = "
AntarisapiApplicationCallback
    PA_StartSequence StartSequenceParams
    PA_ShutdownApp ShutdownParams
    PA_ProcessHealthCheck HealthCheckParams
    PA_ProcessResponseRegister RespRegisterParams
    PA_ProcessResponseGetCurrentLocation RespGetCurrentLocationParams
    PA_ProcessResponseStageFileDownload RespStageFileDownloadParams
    PA_ProcessResponsePayloadPowerControl RespPayloadPowerControlParams
    PA_ProcessReqPayloadMetrics ReqPayloadMetricsParams
    PA_ProcessRespGnssEphStopDataReq RespGnssEphStopDataReq
    PA_ProcessRespGnssEphStartDataReq RespGnssEphStartDataReq
    PA_ProcessGnssEphData GnssEphData
    PA_ProcessRespGetEpsVoltageStopReq RespGetEpsVoltageStopReq
    PA_ProcessRespGetEpsVoltageStartReq RespGetEpsVoltageStartReq
    PA_ProcessGetEpsVoltage GetEpsVoltage
    PA_ProcessRespStartSesThermMgmntReq RespStartSesThermMgmntReq
    PA_ProcessRespStopSesThermMgmntReq RespStopSesThermMgmntReq
    PA_ProcessRespSesTempReq RespSesTempReqParams
    PA_ProcessRespPsTemp RespPsTemp
    PA_ProcessSesThrmlNtf SesThermalStatusNtf
    PA_ProcessRespPaSatOsMsg RespPaSatOsMsg
    PA_ProcessSatOsPaMsg SatOsPaMsg
    PA_ProcessRemoteAcPwrStatusNtf NtfRemoteAcPwrStatus
    PA_ProcessHostToPeerFcmOperationNotify HostToPeerFcmOperationNotify
AntarisapiPayloadController
    PC_register ReqRegisterParams
    PC_get_current_location ReqGetCurrentLocationParams
    PC_stage_file_download ReqStageFileDownloadParams
    PC_sequence_done CmdSequenceDoneParams
    PC_payload_power_control ReqPayloadPowerControlParams
    PC_response_health_check RespHealthCheckParams
    PC_response_shutdown RespShutdownParams
    PC_response_payload_metrics PayloadMetricsResponse
    PC_gnss_eph_stop_req ReqGnssEphStopDataReq
    PC_gnss_eph_start_req ReqGnssEphStartDataReq
    PC_get_eps_voltage_stop_req ReqGetEpsVoltageStopReq
    PC_get_eps_voltage_start_req ReqGetEpsVoltageStartReq
    PC_start_ses_therm_mgmnt_req StartSesThermMgmntReq
    PC_stop_ses_therm_mgmnt_req StopSesThermMgmntReq
    PC_ses_temp_req SesTempReq
    PC_ps_temp_req PsTempReq
    PC_pa_satos_message PaSatOsMsg
    PC_host_to_peer_fcm_operation HostToPeerFcmOperation
    PC_satos_pa_message RespSatOsPaMsg
";

const ENUMS: &str = "
AntarisReturnCode: An_INVALID_SEQUENCE=-7 An_INCOMPATIBLE_VERSION=-6
    An_INVALID_PARAMS=-5 An_NOT_PERMITTED=-4 An_OUT_OF_RESOURCES=-3
    An_NOT_IMPLEMENTED=-2 An_GENERIC_FAILURE=-1 An_SUCCESS=0
FilePriorities: FILE_DL_PRIORITY_LOW=0 FILE_DL_PRIORITY_NORMAL=1 FILE_DL_PRIORITY_HIGH=2
    FILE_DL_PRIORITY_IMMEDIATE=3
FileDlRadioType: FILE_DL_SBAND=0 FILE_DL_XBAND=1
";

fn protos() -> DescriptorPool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = protox::compile(["antaris_api.proto", "heliograph_payload.proto"], [folder]);
    DescriptorPool::from_file_descriptor_set(files.unwrap()).unwrap()
}

/// What stands in a table, by what it begins with; a line that is indented goes on.
fn rows(table: &str) -> BTreeMap<String, String> {
    let mut rows: Vec<String> = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("    ") {
            Some(more) => {
                let last = rows.last_mut().unwrap();
                last.push(' ');
                last.push_str(more);
            }
            None => rows.push(line.to_owned()),
        }
    }
    rows.iter()
        .map(|row| row.split_once([':', ' ']).unwrap())
        .map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()))
        .collect()
}

fn shown(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Int32 => "int32".to_owned(),
        Kind::Int64 => "int64".to_owned(),
        Kind::Float => "float".to_owned(),
        Kind::Double => "double".to_owned(),
        Kind::String => "string".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
        Kind::Message(message) => message.name().to_owned(),
        Kind::Enum(numbers) => numbers.name().to_owned(),
        other => format!("{other:?}"),
    };
    let repeated = match field.cardinality() {
        Cardinality::Repeated => "repeated ",
        _ => "",
    };
    format!("{}={}:{repeated}{kind}", field.number(), field.name())
}

#[test]
fn messages_have_the_numbers_names_and_types_of_the_original() {
    let pool = protos();
    let found: BTreeMap<_, _> = pool
        .all_messages()
        .filter(|message| message.package_name() == "antaris_api_peer_to_peer")
        .map(|message| {
            let fields: Vec<_> = message.fields().map(|field| shown(&field)).collect();
            (message.name().to_owned(), fields.join(", "))
        })
        .collect();
    assert_eq!(found, rows(MESSAGES));
    assert_eq!(found.len(), 50);
}

#[test]
fn services_have_the_rpcs_of_the_original_and_all_are_unary() {
    let pool = protos();
    let found: BTreeMap<_, _> = pool
        .services()
        .filter(|service| service.package_name() == "antaris_api_peer_to_peer")
        .map(|service| {
            let rpcs: Vec<_> = service
                .methods()
                .map(|rpc| {
                    assert_eq!(rpc.output().name(), "AntarisReturnType");
                    assert!(!rpc.is_client_streaming() && !rpc.is_server_streaming());
                    format!("{} {}", rpc.name(), rpc.input().name())
                })
                .collect();
            (service.name().to_owned(), rpcs.join(" "))
        })
        .collect();
    assert_eq!(found, rows(SERVICES));
}

#[test]
fn enums_have_the_numbers_of_the_original() {
    let pool = protos();
    let found: BTreeMap<_, _> = pool
        .all_enums()
        .filter(|numbers| numbers.package_name() == "antaris_api_peer_to_peer")
        .map(|numbers| {
            let values: Vec<_> = numbers
                .values()
                .map(|value| format!("{}={}", value.name(), value.number()))
                .collect();
            (numbers.name().to_owned(), values.join(" "))
        })
        .collect();
    assert_eq!(found, rows(ENUMS));
}

#[test]
fn each_rpc_of_the_services_has_a_variant() {
    let pool = protos();
    let rpcs = |services: [&str; 2]| -> Vec<String> {
        services
            .iter()
            .map(|name| pool.get_service_by_name(name).unwrap())
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|rpc| rpc.name().to_owned())
            .collect()
    };
    let controller = rpcs([
        "antaris_api_peer_to_peer.AntarisapiPayloadController",
        "heliograph.payload.v1.PayloadController",
    ]);
    let application = rpcs([
        "antaris_api_peer_to_peer.AntarisapiApplicationCallback",
        "heliograph.payload.v1.PayloadApplication",
    ]);
    assert_eq!(Request::RPCS, controller);
    assert_eq!(Callback::RPCS, application);
    assert_eq!(
        (Request::RPCS.len(), Callback::RPCS.len()),
        (19 + 4, 23 + 1)
    );
}

#[test]
fn octets_that_are_written_by_hand_are_read() {
    let location = [
        &[0x08, 0x07][..],                     // 1: varint 7
        &[0x19, 0, 0, 0, 0, 0, 0, 0x49, 0x40], // 3: double 50
        &[0x21, 0, 0, 0, 0, 0, 0, 0x24, 0xC0], // 4: double -10
        &[0x35, 0, 0, 0x80, 0x3F],             // 6: float 1
        &[0x48, 0x80, 0x94, 0xEB, 0xDC, 0x03], // 9: varint 1_000_000_000
    ]
    .concat();
    let read = RespGetCurrentLocationParams::decode(&*location).unwrap();
    let meant = RespGetCurrentLocationParams {
        correlation_id: 7,
        latitude: 50.0,
        longitude: -10.0,
        sd_latitude: 1.0,
        determined_at: 1_000_000_000,
        ..Default::default()
    };
    assert_eq!(read, meant);
    assert_eq!(meant.encode_to_vec(), location);

    let staged = b"\x08\xff\xff\x03\x12\x05a.bin\x18\x03\x20\x01";
    let read = ReqStageFileDownloadParams::decode(&staged[..]).unwrap();
    let meant = ReqStageFileDownloadParams {
        correlation_id: 65_535,
        file_path: "a.bin".to_owned(),
        file_priority: FilePriorities::FileDlPriorityImmediate as i32,
        file_dl_band: FileDlRadioType::FileDlXband as i32,
    };
    assert_eq!(read, meant);

    // The number of a failure is negative: ten octets.
    let refused = b"\x08\xfb\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    let read = AntarisReturnType::decode(&refused[..]).unwrap();
    assert_eq!(read.return_code(), AntarisReturnCode::AnInvalidParams);

    // Field 20 of the message within field 2: 18 and 19 are nobody's.
    let quaternion = b"\x12\x0a\xa1\x01\x00\x00\x00\x00\x00\x00\xf0\x3f";
    let read = GnssEphData::decode(&quaternion[..]).unwrap();
    assert_eq!(read.adcs_eph_data.unwrap().att_quat_2, 1.0);
}

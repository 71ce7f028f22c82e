//! What fits a field, and what is refused.

use payload_interface::extension::{SequenceProgress, SequenceResult, SequenceRun};
use payload_interface::messages::{
    CmdSequenceDoneParams, FileInput, HostToPeerFcmOperation, PaSatOsMsg, PayloadMetricsInfo,
    PayloadMetricsResponse, ReqGetCurrentLocationParams, ReqGnssEphStartDataReq,
    ReqPayloadPowerControlParams, ReqRegisterParams, ReqStageFileDownloadParams,
    RespGetCurrentLocationParams, RespPsTemp, RespRegisterParams, StartSequenceParams,
    StartSesThermMgmntReq,
};
use payload_interface::{Callback, Invalid, Problem, Profile, Request};
use proptest::prelude::*;
use prost::Message;

fn field(outcome: Result<(), Invalid>) -> Option<String> {
    outcome.err().map(|invalid| invalid.field)
}

/// Which field of a request does not fit.
fn unfit(request: impl Into<Request>) -> Option<String> {
    field(request.into().fit(Profile::Exact))
}

/// Which field of a callback does not fit.
fn unfit_callback(callback: impl Into<Callback>) -> Option<String> {
    field(callback.into().fit(Profile::Exact))
}

fn staged(file_path: String) -> ReqStageFileDownloadParams {
    ReqStageFileDownloadParams {
        file_path,
        ..Default::default()
    }
}

fn run(sequence_id: &str) -> Option<SequenceRun> {
    Some(SequenceRun {
        sequence_id: sequence_id.to_owned(),
        correlation_id: 1,
    })
}

/// The length that fits, and a message with a text of that length.
type Texts = (usize, fn(String) -> Option<String>);

#[test]
fn a_text_of_the_usable_length_fits_and_one_octet_more_is_refused() {
    let texts: [Texts; 8] = [
        (191, |text| unfit(staged(text))),
        (15, |text| {
            unfit(CmdSequenceDoneParams { sequence_id: text })
        }),
        (15, |text| {
            unfit(PayloadMetricsResponse {
                used_counter: 1,
                metrics: vec![PayloadMetricsInfo {
                    counter: 1,
                    names: text,
                }],
                ..Default::default()
            })
        }),
        (127, |text| {
            unfit(SequenceProgress {
                run: run("a"),
                percent: 1,
                text,
            })
        }),
        (1020, |text| {
            unfit(PaSatOsMsg {
                payload_data: text.into_bytes(),
                ..Default::default()
            })
        }),
        (15, |text| {
            unfit_callback(StartSequenceParams {
                sequence_id: text,
                ..Default::default()
            })
        }),
        (127, |text| {
            unfit_callback(StartSequenceParams {
                sequence_id: "a".to_owned(),
                sequence_params: text,
                ..Default::default()
            })
        }),
        (255, |text| {
            unfit_callback(RespRegisterParams {
                auth_token: text,
                ..Default::default()
            })
        }),
    ];
    for (octets_max, unfit) in texts {
        assert_eq!(unfit("x".repeat(octets_max)), None);
        assert!(unfit("x".repeat(octets_max + 1)).is_some(), "{octets_max}");
        // Octets count, not characters.
        assert!(unfit("ä".repeat(octets_max / 2 + 1)).is_some());
    }
}

#[test]
fn a_refusal_says_which_field_and_what_fits() {
    let mut request = Request::from(staged("x".repeat(200)));
    let refusal = request.fit(Profile::Exact).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "file_path has 200 octets; at most 191 fit"
    );
    let mut request = Request::from(HostToPeerFcmOperation {
        no_of_files: 2,
        file_input: vec![file(b"a"), file(&[b'x'; 128])],
        ..Default::default()
    });
    let refusal = request.fit(Profile::Exact).unwrap_err();
    assert_eq!(refusal.field, "file_input[1].filename_length");
}

#[test]
fn an_empty_name_and_one_with_an_octet_of_0_are_refused() {
    for path in ["", "a\0b"] {
        assert_eq!(unfit(staged(path.to_owned())), Some("file_path".to_owned()));
    }
    let sequence_id = String::new();
    let unnamed = CmdSequenceDoneParams { sequence_id };
    assert_eq!(unfit(unnamed), Some("sequence_id".to_owned()));
}

#[test]
fn a_number_that_the_original_would_make_another_of_is_refused() {
    let power = |power_operation, hw_id| {
        unfit(ReqPayloadPowerControlParams {
            correlation_id: 1,
            power_operation,
            hw_id,
        })
    };
    assert_eq!(power(1, 65_535), None);
    assert_eq!(power(70_000, 0), Some("power_operation".to_owned()));
    assert_eq!(power(1, -1), Some("hw_id".to_owned()));
    assert_eq!(power(1, 65_536), Some("hw_id".to_owned()));
    let staged = ReqStageFileDownloadParams {
        file_priority: 77,
        ..staged("a".to_owned())
    };
    let problem = Request::from(staged).fit(Profile::Exact).unwrap_err();
    assert_eq!(problem.problem, Problem::NoSuch { value: 77 });
}

#[test]
fn a_correlation_id_is_taken_as_far_as_it_can_be_given_back() {
    let of = |correlation_id| Request::from(ReqGetCurrentLocationParams { correlation_id });
    assert_eq!(field(of(65_541).fit(Profile::Exact)), None);
    assert!(field(of(65_541).fit(Profile::Cpp)).is_some());
    assert!(field(of(-1).fit(Profile::Exact)).is_some());
    let mut callback = Callback::from(RespGetCurrentLocationParams {
        correlation_id: 65_541,
        ..Default::default()
    });
    assert!(callback.fit(Profile::Cpp).is_err());
}

#[test]
fn what_stands_above_8_bits_is_masked_for_cpp_and_refused_of_others() {
    let request = Request::from(ReqGnssEphStartDataReq {
        correlation_id: 1,
        periodicity_in_ms: 1000,
        eph2_enable: 32_513,
    });
    assert!(request.clone().fit(Profile::Exact).is_err());
    let mut masked = request;
    masked.fit(Profile::Cpp).unwrap();
    assert!(matches!(masked, Request::GnssEphStart(start) if start.eph2_enable == 1));
}

#[test]
fn a_temperature_below_zero_is_one_in_both_directions() {
    let thresholds = |lower, profile| {
        let mut request = Request::from(StartSesThermMgmntReq {
            lower_threshold: lower,
            upper_threshold: 20,
            ..Default::default()
        });
        request.fit(profile).map(|()| request)
    };
    for (lower, profile) in [
        (-10, Profile::Exact),
        (246, Profile::Cpp),
        (0x5A5A_5AF6, Profile::Cpp),
    ] {
        let request = thresholds(lower, profile).unwrap();
        assert!(matches!(request, Request::SesThermalStart(start) if start.lower_threshold == -10));
    }
    assert!(thresholds(246, Profile::Exact).is_err());
    let told = |temperature| RespPsTemp {
        correlation_id: 1,
        temperature,
    };
    assert_eq!(unfit_callback(told(-5)), None);
    assert!(unfit_callback(told(251)).is_some());
    // What goes out is not rewritten.
    assert!(Callback::from(told(251)).fit(Profile::Cpp).is_err());
}

fn file(name: &[u8]) -> FileInput {
    FileInput {
        filename_length: name.len().try_into().unwrap(),
        filename: name.to_vec(),
    }
}

#[test]
fn lists_that_are_filled_up_are_cut_off_where_they_end() {
    let padded = FileInput {
        filename_length: 5,
        filename: [&b"a.bin"[..], &[0; 123]].concat(),
    };
    let mut copy = Request::from(HostToPeerFcmOperation {
        no_of_files: 1,
        file_input: [vec![padded], vec![FileInput::default(); 31]].concat(),
        ..Default::default()
    });
    copy.fit(Profile::Cpp).unwrap();
    assert!(matches!(copy, Request::FcmOperation(copy) if copy.file_input == [file(b"a.bin")]));

    let counter = |names: &str| PayloadMetricsInfo {
        counter: 3,
        names: names.to_owned(),
    };
    let mut metrics = Request::from(PayloadMetricsResponse {
        used_counter: 1,
        metrics: [vec![counter("shots")], vec![counter(""); 7]].concat(),
        ..Default::default()
    });
    metrics.fit(Profile::Cpp).unwrap();
    assert!(
        matches!(metrics, Request::ResponsePayloadMetrics(told) if told.metrics == [counter("shots")])
    );
}

#[test]
fn a_list_with_less_than_it_is_said_to_have_is_refused() {
    for stated in [1, 8, i32::MAX, -1] {
        let metrics = PayloadMetricsResponse {
            used_counter: stated,
            ..Default::default()
        };
        assert_eq!(unfit(metrics), Some("metrics".to_owned()));
        let copy = HostToPeerFcmOperation {
            no_of_files: stated,
            ..Default::default()
        };
        assert_eq!(unfit(copy), Some("file_input".to_owned()));
    }
    let short = FileInput {
        filename_length: 100,
        filename: b"a".to_vec(),
    };
    let copy = HostToPeerFcmOperation {
        no_of_files: 1,
        file_input: vec![short],
        ..Default::default()
    };
    assert_eq!(unfit(copy), Some("file_input[0].filename".to_owned()));
}

#[test]
fn a_list_with_more_than_there_is_room_for_is_refused() {
    let metrics = PayloadMetricsResponse {
        used_counter: 9,
        metrics: vec![PayloadMetricsInfo::default(); 9],
        ..Default::default()
    };
    assert_eq!(unfit(metrics), Some("metrics".to_owned()));
    let copy = HostToPeerFcmOperation {
        no_of_files: 33,
        file_input: vec![file(b"a"); 33],
        ..Default::default()
    };
    assert_eq!(unfit(copy), Some("file_input".to_owned()));
}

#[test]
fn what_is_no_number_is_never_told() {
    for latitude in [f64::NAN, f64::INFINITY] {
        let location = RespGetCurrentLocationParams {
            latitude,
            ..Default::default()
        };
        assert_eq!(unfit_callback(location), Some("latitude".to_owned()));
    }
}

#[test]
fn a_result_is_of_a_run_and_says_how_it_ended() {
    let result = |run, outcome| {
        unfit(SequenceResult {
            run,
            outcome,
            ..Default::default()
        })
    };
    assert_eq!(result(run("a"), 1), None);
    assert_eq!(result(None, 1), Some("run".to_owned()));
    assert_eq!(result(run(""), 1), Some("run.sequence_id".to_owned()));
    for outcome in [0, 4] {
        assert_eq!(result(run("a"), outcome), Some("outcome".to_owned()));
    }
}

proptest! {
    /// Whatever octets come: they are read or not, and what fits goes in one of the peer's
    /// fields and comes back as the same.
    #[test]
    fn what_fits_fits_again(octets in prop::collection::vec(any::<u8>(), 0..200), cpp: bool) {
        let profile = if cpp { Profile::Cpp } else { Profile::Exact };
        fits_again::<ReqRegisterParams>(&octets, profile);
        fits_again::<ReqStageFileDownloadParams>(&octets, profile);
        fits_again::<HostToPeerFcmOperation>(&octets, profile);
        fits_again::<PayloadMetricsResponse>(&octets, profile);
        fits_again::<StartSesThermMgmntReq>(&octets, profile);
        fits_again::<SequenceResult>(&octets, profile);
    }

    #[test]
    fn numbers_of_8_bits_are_what_their_lowest_octet_is(value: i32) {
        let mut request = Request::from(StartSesThermMgmntReq {
            hardware_id: value,
            lower_threshold: value,
            ..Default::default()
        });
        request.fit(Profile::Cpp).unwrap();
        let Request::SesThermalStart(read) = request else { unreachable!() };
        prop_assert_eq!(read.hardware_id, i32::from(value.to_le_bytes()[0]));
        prop_assert_eq!(read.lower_threshold, i32::from(value.to_le_bytes()[0].cast_signed()));
    }
}

fn fits_again<M: Message + Default + Into<Request>>(octets: &[u8], profile: Profile) {
    let Ok(message) = M::decode(octets) else {
        return;
    };
    let mut request = message.into();
    if request.fit(profile).is_ok() {
        let once = request.clone();
        request.fit(profile).unwrap();
        assert_eq!(request, once);
        request.fit(Profile::Exact).unwrap();
    }
}

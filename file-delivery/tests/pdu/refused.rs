//! What is refused says which value is wrong.

use file_delivery::pdu::tlv::{
    FilestoreRequest, FilestoreResponse, FilestoreResponses, FilestoreStatus, Lv,
};
use file_delivery::pdu::{
    BuildError, ConditionCode, DeliveryCode, EntityId, FileData, FileStatus, Finished, Header,
    KeepAlive, Nak, Pdu, PduError, SegmentMetadata, SegmentRequest, SegmentRequests,
};

use crate::any::lv;
use crate::hex;
use crate::octets::HEADER;

fn refused(octets: &str) -> PduError {
    Pdu::parse(&hex(octets)).expect_err(octets)
}

fn not_built(header: &Header, pdu: &Pdu<'_>) -> BuildError {
    let mut octets = vec![0xEE; 7];
    let error = Pdu::build(header, pdu, &mut octets).expect_err("refused");
    assert!(octets.is_empty());
    error
}

#[test]
fn octets_that_are_no_whole_pdu() {
    assert_eq!(
        refused(""),
        PduError::TooShort {
            bytes: 0,
            bytes_min: 4
        }
    );
    assert_eq!(
        refused("20 0003 01"),
        PduError::Length {
            declared: 11,
            found: 4
        }
    );
    assert_eq!(
        refused("20 0002 01 01 0203 04  09 80 00"),
        PduError::Length {
            declared: 10,
            found: 11
        }
    );
    assert_eq!(
        refused("00 0002 01 01 0203 04  09 80"),
        PduError::Version { found: 0 }
    );
    let error = refused("20 0000 01 01 0203 04");
    assert_eq!(
        error.to_string(),
        "file directive ends within its directive code"
    );
}

#[test]
fn a_crc_that_does_not_match_or_is_not_there() {
    let error = refused("22 0004 01 01 0203 04  09 80 0000");
    assert!(matches!(error, PduError::Crc { found: 0, .. }), "{error:?}");
    assert_eq!(
        refused("22 0001 01 01 0203 04  09"),
        PduError::Truncated {
            part: "PDU header",
            field: "CRC"
        }
    );
}

#[test]
fn directives_and_codes_that_do_not_exist() {
    assert_eq!(
        refused("20 0002 01 01 0203 04  0A 80"),
        PduError::UnknownDirective { code: 0x0A }
    );
    let error = refused("20 000A 01 01 0203 04  04 C0 0A0B0C0D 00001234");
    assert_eq!(error.to_string(), "EOF: 12 is no condition code");
    let error = refused("28 0003 01 01 0203 04  06 70 01");
    assert_eq!(
        error.to_string(),
        "ACK: 7 is no directive code of an acknowledged PDU"
    );
}

#[test]
fn a_pdu_that_travels_the_wrong_way() {
    let error = refused("28 000A 01 01 0203 04  04 00 0A0B0C0D 00001234");
    assert_eq!(
        error,
        PduError::Direction {
            part: "EOF",
            found: 1
        }
    );
}

#[test]
fn fields_that_end_too_soon_or_too_late() {
    let error = refused("20 0009 01 01 0203 04  04 00 0A0B0C0D 000012");
    assert_eq!(
        error,
        PduError::Truncated {
            part: "EOF",
            field: "file size"
        }
    );
    let error = refused("20 0003 01 01 0203 04  09 80 00");
    assert_eq!(
        error,
        PduError::Surplus {
            part: "Prompt",
            bytes: 1
        }
    );
    // The length of a name that reaches beyond the PDU.
    let error = refused("20 000A 01 01 0203 04  07 03 00000005 0173 0564");
    let (part, field) = ("Metadata", "destination file name");
    assert_eq!(error, PduError::Truncated { part, field });
    // Half a segment request.
    let error = refused("28 000D 01 01 0203 04  08 00000000 00000040 00000000");
    assert_eq!(
        error,
        PduError::Truncated {
            part: "NAK",
            field: "segment request"
        }
    );
}

#[test]
fn tlvs_that_do_not_belong_there() {
    let error = refused("20 000D 01 01 0203 04  04 F0 00000000 00000000 05 01 01");
    assert_eq!(error.to_string(), "EOF: 5 is no TLV type");
    let error = refused("20 000D 01 01 0203 04  07 03 00000005 0173 0164 06 01 01");
    assert_eq!(error.to_string(), "Metadata: 6 is no TLV type");
    let error = refused("20 000E 01 01 0203 04  04 F0 00000000 00000000 06 01 01 00");
    assert_eq!(
        error,
        PduError::Surplus {
            part: "EOF",
            bytes: 1
        }
    );
    let error = refused("20 000C 01 01 0203 04  04 F0 00000000 00000000 06 00");
    assert_eq!(error.to_string(), "EOF: 0 is no length of an entity id");
}

#[test]
fn ranges_that_are_none() {
    let error = refused("28 0011 01 01 0203 04  08 00000000 00000040 00000002 00000001");
    assert_eq!(
        error,
        PduError::Range {
            part: "NAK",
            start: 2,
            end: 1
        }
    );
    let error = refused("30 0006 01 01 0203 04  FFFFFFFE 0000");
    let (start, end) = (0xFFFF_FFFE, 0x1_0000_0000);
    assert_eq!(
        error,
        PduError::Range {
            part: "File Data",
            start,
            end
        }
    );
    let error = refused("31 000A 01 01 0203 04  FFFFFFFFFFFFFFFE 0000");
    let (start, end) = (u64::MAX - 1, u64::MAX);
    assert_eq!(
        error,
        PduError::Range {
            part: "File Data",
            start,
            end
        }
    );
}

#[test]
fn values_that_do_not_fit_are_not_built() {
    let keep_alive = |progress| Pdu::KeepAlive(KeepAlive { progress });
    let error = not_built(&HEADER, &keep_alive(1 << 32));
    assert_eq!(
        error.to_string(),
        "progress 4294967296 does not fit into 4 octets"
    );
    let header = Header {
        destination: EntityId(256),
        ..HEADER
    };
    let error = not_built(&header, &keep_alive(0));
    assert_eq!(
        error.to_string(),
        "destination entity id 256 does not fit into 1 octets"
    );
    let too_much = vec![0; 65_532];
    let error = not_built(&HEADER, &Pdu::FileData(FileData::new(0, &too_much)));
    let (what, bytes, bytes_max) = ("PDU data field", 65_536, 65_535);
    assert_eq!(
        error,
        BuildError::TooLong {
            what,
            bytes,
            bytes_max
        }
    );
    assert!(Lv::new(&too_much).is_err());
}

#[test]
fn what_would_be_refused_is_not_built() {
    let requests = [SegmentRequest { start: 2, end: 1 }];
    let nak = Nak {
        start_of_scope: 0,
        end_of_scope: 9,
        requests: SegmentRequests::of(&requests),
    };
    let error = not_built(&HEADER, &Pdu::Nak(nak));
    assert!(matches!(
        error,
        BuildError::Range {
            start: 2,
            end: 1,
            ..
        }
    ));

    let data = FileData::new(u64::from(u32::MAX), b"x");
    let error = not_built(&HEADER, &Pdu::FileData(data));
    assert!(matches!(error, BuildError::Range { .. }));

    let metadata = [0; 64];
    let data = FileData {
        segment_metadata: Some(SegmentMetadata {
            continuation: file_delivery::pdu::RecordContinuation::Neither,
            octets: &metadata,
        }),
        ..FileData::new(0, b"x")
    };
    let error = not_built(&HEADER, &Pdu::FileData(data));
    assert!(matches!(
        error,
        BuildError::TooLong {
            bytes: 64,
            bytes_max: 63,
            ..
        }
    ));
}

#[test]
fn a_status_that_does_not_occur_with_its_action_is_neither_built_nor_read() {
    let responses = [FilestoreResponse {
        request: FilestoreRequest::CreateFile(lv(b"a")),
        status: FilestoreStatus::SecondExists,
        message: Lv::EMPTY,
    }];
    let finished = Finished {
        condition: ConditionCode::NoError,
        delivery: DeliveryCode::Complete,
        file_status: FileStatus::Retained,
        responses: FilestoreResponses::of(&responses),
        fault_location: None,
    };
    let error = not_built(&HEADER, &Pdu::Finished(finished));
    assert_eq!(
        error.to_string(),
        "status second file exists is none of filestore action create file"
    );
    let error = refused("28 0008 01 01 0203 04  05 02  01 04 02 0161 00");
    assert_eq!(
        error.to_string(),
        "filestore response: 2 is no status code of its action"
    );
}

#[test]
fn names_that_do_not_fit_into_one_tlv_are_not_built() {
    let name = [b'a'; 200];
    let responses = [FilestoreResponse {
        request: FilestoreRequest::RenameFile {
            old: lv(&name),
            new: lv(&name),
        },
        status: FilestoreStatus::Successful,
        message: Lv::EMPTY,
    }];
    let finished = Finished {
        condition: ConditionCode::NoError,
        delivery: DeliveryCode::Complete,
        file_status: FileStatus::Retained,
        responses: FilestoreResponses::of(&responses),
        fault_location: None,
    };
    let error = not_built(&HEADER, &Pdu::Finished(finished));
    assert!(
        matches!(
            error,
            BuildError::TooLong {
                bytes: 404,
                bytes_max: 255,
                ..
            }
        ),
        "{error:?}"
    );
}

//! PDUs written down octet for octet, as the tables of the standard have them.

use file_delivery::ChecksumType;
use file_delivery::pdu::tlv::{
    FaultHandlerOverride, FilestoreRequest, FilestoreResponse, FilestoreResponses, FilestoreStatus,
    MessageToUser, MetadataOption, MetadataOptions,
};
use file_delivery::pdu::{
    Ack, Acknowledged, ConditionCode, DeliveryCode, EntityId, Eof, FaultHandler, FileData,
    FileStatus, Finished, Header, KeepAlive, Metadata, Nak, Pdu, Prompt, PromptResponse,
    RecordContinuation, SegmentMetadata, SegmentRequest, SegmentRequests, SegmentationControl,
    TransactionId, TransactionSeq, TransactionStatus, TransmissionMode, Width, Widths,
};

use crate::any::lv;
use crate::{build, hex};

/// Acknowledged, without CRC, of a small file: ids of one octet, numbers of two.
pub(crate) const HEADER: Header = Header {
    mode: TransmissionMode::Acknowledged,
    crc: false,
    large_file: false,
    widths: Widths {
        entity_id: Width::ONE,
        transaction_seq: Width::TWO,
    },
    transaction: TransactionId {
        source: EntityId(1),
        number: TransactionSeq(0x0203),
    },
    destination: EntityId(4),
};

#[track_caller]
fn is(header: &Header, pdu: &Pdu<'_>, octets: &str) {
    let octets = hex(octets);
    assert_eq!(build(header, pdu), octets);
    assert_eq!(Pdu::parse(&octets), Ok((*header, *pdu)));
}

#[test]
fn eof_of_a_file_sent() {
    let eof = Eof {
        condition: ConditionCode::NoError,
        checksum: 0x0A0B_0C0D,
        file_size: 0x1234,
        fault_location: None,
    };
    is(
        &HEADER,
        &Pdu::Eof(eof),
        "20 000A 01 01 0203 04  04 00 0A0B0C0D 00001234",
    );
    let large = Header {
        large_file: true,
        ..HEADER
    };
    let octets = "21 000E 01 01 0203 04  04 00 0A0B0C0D 0000000000001234";
    is(&large, &Pdu::Eof(eof), octets);
}

#[test]
fn eof_of_a_sender_that_cancels() {
    let eof = Eof {
        condition: ConditionCode::CancelRequestReceived,
        checksum: 0,
        file_size: 0,
        fault_location: Some(EntityId(1)),
    };
    is(
        &HEADER,
        &Pdu::Eof(eof),
        "20 000D 01 01 0203 04  04 F0 00000000 00000000 06 01 01",
    );
}

#[test]
fn finished_with_a_filestore_response() {
    let responses = [FilestoreResponse {
        request: FilestoreRequest::RenameFile {
            old: lv(b"a"),
            new: lv(b"b"),
        },
        status: FilestoreStatus::SecondExists,
        message: lv(b"no"),
    }];
    let finished = Finished {
        condition: ConditionCode::FilestoreRejection,
        delivery: DeliveryCode::Incomplete,
        file_status: FileStatus::Retained,
        responses: FilestoreResponses::of(&responses),
        fault_location: Some(EntityId(4)),
    };
    let octets = "28 000F 01 01 0203 04  05 46  01 08 22 0161 0162 026E6F  06 01 04";
    is(&HEADER, &Pdu::Finished(finished), octets);
}

#[test]
fn acks_travel_to_whom_what_they_acknowledge_came_from() {
    let ack = |of, status| {
        Pdu::Ack(Ack {
            of,
            condition: ConditionCode::NoError,
            status,
        })
    };
    let of_eof = ack(Acknowledged::Eof, TransactionStatus::Active);
    is(&HEADER, &of_eof, "28 0003 01 01 0203 04  06 40 01");
    let of_finished = ack(Acknowledged::Finished, TransactionStatus::Terminated);
    is(&HEADER, &of_finished, "20 0003 01 01 0203 04  06 51 02");
}

#[test]
fn an_ack_of_an_eof_with_the_subtype_of_finished_is_read() {
    let octets = hex("28 0003 01 01 0203 04  06 41 01");
    let (_, pdu) = Pdu::parse(&octets).unwrap();
    assert!(matches!(
        pdu,
        Pdu::Ack(Ack {
            of: Acknowledged::Eof,
            ..
        })
    ));
}

#[test]
fn metadata_with_each_option() {
    let options = [
        MetadataOption::FilestoreRequest(FilestoreRequest::CreateDirectory(lv(b"d"))),
        MetadataOption::MessageToUser(MessageToUser(lv(b"hi"))),
        MetadataOption::FaultHandlerOverride(FaultHandlerOverride {
            condition: ConditionCode::FileChecksumFailure,
            handler: FaultHandler::IgnoreError,
        }),
        MetadataOption::FlowLabel(lv(&[9])),
    ];
    let metadata = Metadata {
        closure_requested: true,
        checksum_type: ChecksumType::CRC_32,
        file_size: 5,
        source_name: lv(b"s"),
        destination_name: lv(b"de"),
        options: MetadataOptions::of(&options),
    };
    let octets = "20 001A 01 01 0203 04  07 43 00000005 0173 026465
        00 03 50 0164  02 02 6869  04 01 53  05 01 09";
    is(&HEADER, &Pdu::Metadata(metadata), octets);
}

#[test]
fn nak_for_the_metadata_and_a_segment() {
    let requests = [
        SegmentRequest::METADATA,
        SegmentRequest { start: 16, end: 32 },
    ];
    let nak = Nak {
        start_of_scope: 0,
        end_of_scope: 64,
        requests: SegmentRequests::of(&requests),
    };
    let octets = "28 0019 01 01 0203 04  08 00000000 00000040
        00000000 00000000  00000010 00000020";
    is(&HEADER, &Pdu::Nak(nak), octets);
}

#[test]
fn prompt_and_keep_alive() {
    let response = PromptResponse::KeepAlive;
    is(
        &HEADER,
        &Pdu::Prompt(Prompt { response }),
        "20 0002 01 01 0203 04  09 80",
    );
    let keep_alive = Pdu::KeepAlive(KeepAlive {
        progress: 0x0102_0304,
    });
    is(&HEADER, &keep_alive, "28 0005 01 01 0203 04  0C 01020304");
}

#[test]
fn file_data_with_segment_metadata_and_crc() {
    let header = Header {
        mode: TransmissionMode::Unacknowledged,
        ..HEADER
    };
    let data = FileData {
        segmentation_control: SegmentationControl::BoundariesPreserved,
        segment_metadata: Some(SegmentMetadata {
            continuation: RecordContinuation::StartAndEnd,
            octets: &[0xAA, 0xBB],
        }),
        offset: 0x10,
        data: b"xyz",
    };
    is(
        &header,
        &Pdu::FileData(data),
        "34 000A 89 01 0203 04  C2 AABB 00000010 78797A",
    );
    let plain = Pdu::FileData(FileData::new(0x10, b"xyz"));
    is(&header, &plain, "34 0007 01 01 0203 04  00000010 78797A");
}

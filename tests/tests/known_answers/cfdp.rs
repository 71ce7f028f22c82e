//! CFDP PDUs against `spacepackets`, and checksums of files against `cfdp-py`.

use file_delivery::ChecksumType;
use file_delivery::checksum::Checksum;
use file_delivery::pdu::tlv::{
    DirectoryMessage, FaultHandlerOverride, FilestoreAction, FilestoreRequest, FilestoreResponse,
    FilestoreResponses, FilestoreStatus, Lv, MessageToUser, MetadataOption, MetadataOptions,
    ProxyMessage, ReservedMessage,
};
use file_delivery::pdu::{
    Ack, Acknowledged, ConditionCode, DeliveryCode, EntityId, Eof, FaultHandler, FileData,
    FileStatus, Finished, Header, KeepAlive, Metadata, Nak, Pdu, Prompt, PromptResponse,
    RecordContinuation, SegmentMetadata, SegmentRequest, SegmentRequests, SegmentationControl,
    TransactionId, TransactionSeq, TransactionStatus, TransmissionMode, Width, Widths,
};
use heliograph_tests::hex;
use heliograph_tests::referee::{self, CFDP};
use serde_json::{Value, json};

use super::payloads;

/// A header and how the referee writes it.
fn header(crc: bool, large_file: bool, width: Width) -> (Header, Value) {
    let mode = match crc {
        true => TransmissionMode::Unacknowledged,
        false => TransmissionMode::Acknowledged,
    };
    let header = Header {
        mode,
        crc,
        large_file,
        widths: Widths {
            entity_id: width,
            transaction_seq: Width::TWO,
        },
        transaction: TransactionId {
            source: EntityId(0x21),
            number: TransactionSeq(0x1234),
        },
        destination: EntityId(0xA5),
    };
    let fields = json!({
        "source": 0x21, "number": 0x1234, "destination": 0xA5, "id_bytes": width.bytes(),
        "number_bytes": 2, "mode": mode.code(), "crc": u8::from(crc),
        "large": u8::from(large_file),
    });
    (header, fields)
}

fn headers() -> Vec<(Header, Value)> {
    let mut headers = Vec::new();
    for crc in [false, true] {
        for large_file in [false, true] {
            for width in [Width::ONE, Width::TWO, Width::FOUR, Width::EIGHT] {
                headers.push(header(crc, large_file, width));
            }
        }
    }
    headers
}

fn lv(octets: &'static [u8]) -> Lv<'static> {
    Lv::new(octets).expect("a short value")
}

/// Every condition that the referee knows.
fn conditions() -> impl Iterator<Item = ConditionCode> {
    let all = ConditionCode::ALL.iter().copied();
    all.filter(|it| *it != ConditionCode::InvalidFileStructure)
}

/// PDUs and how the referee writes them.
fn pdus(header: &Header) -> Vec<(Pdu<'static>, Value)> {
    let mut pdus = vec![
        metadata(Vec::new(), Vec::new()),
        metadata_with_options(),
        finished_with_responses(),
    ];
    pdus.extend(ends(header));
    pdus.extend(naks(header));
    pdus.extend(data(header));
    for (response, code) in [(PromptResponse::Nak, 0), (PromptResponse::KeepAlive, 1)] {
        let fields = json!({"pdu": "prompt", "response": code});
        pdus.push((Pdu::Prompt(Prompt { response }), fields));
    }
    let progress = largest(header);
    let fields = json!({"pdu": "keep_alive", "progress": progress});
    pdus.push((Pdu::KeepAlive(KeepAlive { progress }), fields));
    pdus
}

fn largest(header: &Header) -> u64 {
    match header.large_file {
        true => u64::MAX,
        false => u64::from(u32::MAX),
    }
}

/// What ends a transaction, with each condition.
fn ends(header: &Header) -> Vec<(Pdu<'static>, Value)> {
    let mut pdus = Vec::new();
    for condition in conditions() {
        let code = condition.code();
        let fault = match condition {
            ConditionCode::NoError | ConditionCode::UnsupportedChecksumType => None,
            _ => Some(header.destination),
        };
        let id_bytes = usize::from(header.widths.entity_id.bytes());
        let fault_fields = fault.map(|_| format!("{:0>1$}", "a5", 2 * id_bytes));
        let eof = Eof {
            condition,
            checksum: 0x0102_0304,
            file_size: largest(header),
            fault_location: fault,
        };
        let fields = json!({
            "pdu": "eof", "condition": code, "checksum": "01020304",
            "file_size": eof.file_size, "fault": fault_fields,
        });
        pdus.push((Pdu::Eof(eof), fields));
        let finished = Finished {
            condition,
            delivery: DeliveryCode::Incomplete,
            file_status: FileStatus::Unreported,
            responses: FilestoreResponses::EMPTY,
            fault_location: fault,
        };
        let fields = json!({
            "pdu": "finished", "condition": code, "delivery": 1, "file_status": 3,
            "responses": [], "fault": fault_fields,
        });
        pdus.push((Pdu::Finished(finished), fields));
        for of in Acknowledged::ALL {
            for status in TransactionStatus::ALL {
                let (of, status) = (*of, *status);
                let fields = json!({
                    "pdu": "ack", "of": of.code(), "condition": code, "status": status.code(),
                });
                let ack = Ack {
                    of,
                    condition,
                    status,
                };
                pdus.push((Pdu::Ack(ack), fields));
            }
        }
    }
    pdus
}

fn metadata(
    options: Vec<MetadataOption<'static>>,
    option_fields: Vec<Value>,
) -> (Pdu<'static>, Value) {
    let metadata = Metadata {
        closure_requested: !options.is_empty(),
        checksum_type: ChecksumType::CRC_32C,
        file_size: 123_456,
        source_name: lv(b"images/frame 1.raw"),
        destination_name: lv("kraków".as_bytes()),
        options: MetadataOptions::of(options.leak()),
    };
    let fields = json!({
        "pdu": "metadata", "closure": metadata.closure_requested, "checksum_type": 2,
        "file_size": 123_456, "source_name": "images/frame 1.raw",
        "destination_name": "kraków", "options": option_fields,
    });
    (Pdu::Metadata(metadata), fields)
}

/// A filestore request of each action, with its names.
fn requests() -> Vec<(FilestoreRequest<'static>, &'static str, &'static str)> {
    let (first, second) = (lv(b"d/a"), lv(b"b"));
    let one_name = [
        FilestoreRequest::CreateFile(first),
        FilestoreRequest::DeleteFile(first),
        FilestoreRequest::CreateDirectory(first),
        FilestoreRequest::RemoveDirectory(first),
        FilestoreRequest::DenyFile(first),
        FilestoreRequest::DenyDirectory(first),
    ];
    let two_names = [
        FilestoreRequest::RenameFile {
            old: first,
            new: second,
        },
        FilestoreRequest::AppendFile { first, second },
        FilestoreRequest::ReplaceFile { first, second },
    ];
    let one_name = one_name.map(|request| (request, "d/a", ""));
    let two_names = two_names.map(|request| (request, "d/a", "b"));
    one_name.into_iter().chain(two_names).collect()
}

fn metadata_with_options() -> (Pdu<'static>, Value) {
    let mut options = vec![
        MetadataOption::MessageToUser(MessageToUser(lv(b"hello"))),
        MetadataOption::FlowLabel(lv(&[1, 2, 3])),
    ];
    let mut fields = vec![
        json!({"option": "message", "octets": "68656c6c6f"}),
        json!({"option": "flow_label", "octets": "010203"}),
    ];
    for (request, first, second) in requests() {
        options.push(MetadataOption::FilestoreRequest(request));
        fields.push(json!({
            "option": "request", "action": request.action().code(),
            "first": first, "second": second,
        }));
    }
    for handler in FaultHandler::ALL {
        options.push(MetadataOption::FaultHandlerOverride(FaultHandlerOverride {
            condition: ConditionCode::NakLimitReached,
            handler: *handler,
        }));
        fields.push(json!({"option": "override", "condition": 7, "handler": handler.code()}));
    }
    metadata(options, fields)
}

fn finished_with_responses() -> (Pdu<'static>, Value) {
    let (mut responses, mut fields) = (Vec::new(), Vec::new());
    for (request, first, second) in requests() {
        for status in FilestoreStatus::ALL {
            let Some(code) = status.code(request.action()) else {
                continue;
            };
            if is_unknown_to_referee(request.action(), code) {
                continue;
            }
            responses.push(FilestoreResponse {
                request,
                status,
                message: lv(b"why"),
            });
            fields.push(json!({
                "action": request.action().code(), "status": code, "first": first,
                "second": second, "message": "776879",
            }));
        }
    }
    let finished = Finished {
        condition: ConditionCode::NoError,
        delivery: DeliveryCode::Complete,
        file_status: FileStatus::Retained,
        responses: FilestoreResponses::of(responses.leak()),
        fault_location: None,
    };
    let fields = json!({
        "pdu": "finished", "condition": 0, "delivery": 0, "file_status": 2,
        "responses": fields, "fault": null,
    });
    (Pdu::Finished(finished), fields)
}

/// It takes 15 for "delete not allowed", which is 2, and has no 2.
fn is_unknown_to_referee(action: FilestoreAction, code: u8) -> bool {
    action == FilestoreAction::DeleteFile && code == 2
}

fn naks(header: &Header) -> Vec<(Pdu<'static>, Value)> {
    let largest = largest(header);
    let lists = [
        vec![],
        vec![(0, 0)],
        vec![(0, 0), (10, 20), (4096, largest)],
        (0..40).map(|it| (100 * it, 100 * it + 50)).collect(),
    ];
    let nak = |requests: Vec<(u64, u64)>| {
        let fields = json!({
            "pdu": "nak", "start": 0, "end": largest, "requests": requests,
        });
        let requests = requests.into_iter();
        let requests: Vec<_> = requests
            .map(|(start, end)| SegmentRequest { start, end })
            .collect();
        let nak = Nak {
            start_of_scope: 0,
            end_of_scope: largest,
            requests: SegmentRequests::of(requests.leak()),
        };
        (Pdu::Nak(nak), fields)
    };
    lists.map(nak).into()
}

fn data(header: &Header) -> Vec<(Pdu<'static>, Value)> {
    let offset = largest(header) - 4096;
    let mut pdus = Vec::new();
    for payload in payloads() {
        let payload: &'static [u8] = payload.leak();
        let fields = json!({
            "pdu": "file_data", "segmentation_control": 0, "metadata": null,
            "offset": offset, "data": hex::from_octets(payload),
        });
        pdus.push((Pdu::FileData(FileData::new(offset, payload)), fields));
        let with_metadata = FileData {
            segmentation_control: SegmentationControl::BoundariesPreserved,
            segment_metadata: Some(SegmentMetadata {
                continuation: RecordContinuation::End,
                octets: b"meta",
            }),
            ..FileData::new(offset, payload)
        };
        let fields = json!({
            "pdu": "file_data", "segmentation_control": 1, "metadata": [2, "6d657461"],
            "offset": offset, "data": hex::from_octets(payload),
        });
        pdus.push((Pdu::FileData(with_metadata), fields));
    }
    pdus
}

fn built(header: &Header, pdu: &Pdu<'_>) -> String {
    let mut octets = Vec::new();
    Pdu::build(header, pdu, &mut octets).expect("a PDU");
    hex::from_octets(&octets)
}

#[test]
fn spacepackets_reads_every_field_of_our_pdus() {
    let (mut questions, mut expected) = (Vec::new(), Vec::new());
    for (header, header_fields) in headers() {
        for (pdu, fields) in pdus(&header) {
            questions.push(json!({"ask": "decode", "octets": built(&header, &pdu)}));
            expected.push(json!({"header": header_fields, "fields": fields}));
        }
    }
    let verdicts = referee::ask_all(CFDP, &questions);
    for ((verdict, expected), question) in verdicts.into_iter().zip(expected).zip(questions) {
        assert_eq!(verdict, Ok(expected), "{question}");
    }
}

#[test]
fn we_read_the_pdus_that_spacepackets_writes_and_write_them_alike() {
    for (header, header_fields) in headers() {
        let pdus = pdus(&header);
        let questions: Vec<_> = pdus
            .iter()
            .map(|(_, fields)| json!({"ask": "encode", "header": header_fields, "fields": fields}))
            .collect();
        for ((pdu, fields), verdict) in pdus.iter().zip(referee::ask_all(CFDP, &questions)) {
            let theirs = verdict.expect("a PDU");
            assert_eq!(json!(built(&header, pdu)), theirs, "{fields}");
            let octets = hex::to_octets(theirs.as_str().expect("hexadecimal"));
            assert_eq!(Pdu::parse(&octets), Ok((header, *pdu)), "{fields}");
        }
    }
}

#[test]
fn spacepackets_writes_the_reserved_messages_alike() {
    let widths = Widths {
        entity_id: Width::TWO,
        transaction_seq: Width::FOUR,
    };
    let transaction = TransactionId {
        source: EntityId(7),
        number: TransactionSeq(0x0102_0304),
    };
    let (directory, file) = (lv(b"images"), lv(b"listing.txt"));
    let proxy = ReservedMessage::Proxy;
    let mut messages = vec![
        (
            proxy(ProxyMessage::PutRequest {
                destination: EntityId(0x0102),
                source_name: directory,
                destination_name: file,
            }),
            json!({"message": "put_request", "destination": 0x0102, "id_bytes": 2,
                "source_name": "images", "destination_name": "listing.txt"}),
        ),
        (
            proxy(ProxyMessage::PutResponse {
                condition: ConditionCode::FilestoreRejection,
                delivery: DeliveryCode::Incomplete,
                file_status: FileStatus::RejectedByFilestore,
            }),
            json!({"message": "put_response", "condition": 4, "delivery": 1, "file_status": 1}),
        ),
        (
            proxy(ProxyMessage::PutCancel),
            json!({"message": "put_cancel"}),
        ),
        (
            ReservedMessage::OriginatingTransaction(transaction),
            json!({"message": "originating_transaction", "source": 7, "id_bytes": 2,
                "number": 0x0102_0304, "number_bytes": 4}),
        ),
        (
            ReservedMessage::Directory(DirectoryMessage::ListingRequest { directory, file }),
            json!({"message": "listing_request", "directory": "images", "file": "listing.txt"}),
        ),
    ];
    for yes in [false, true] {
        let mode = TransmissionMode::of_code(u8::from(yes)).expect("one bit");
        messages.push((
            proxy(ProxyMessage::TransmissionMode(mode)),
            json!({"message": "transmission_mode", "mode": u8::from(yes)}),
        ));
        messages.push((
            proxy(ProxyMessage::ClosureRequest(yes)),
            json!({"message": "closure_request", "requested": yes}),
        ));
        messages.push((
            ReservedMessage::Directory(DirectoryMessage::ListingResponse {
                successful: yes,
                directory,
                file,
            }),
            json!({"message": "listing_response", "successful": yes,
                "directory": "images", "file": "listing.txt"}),
        ));
    }
    let (messages, mut questions): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
    for question in &mut questions {
        question["ask"] = json!("reserved");
    }
    for (message, verdict) in messages.iter().zip(referee::ask_all(CFDP, &questions)) {
        let mut octets = Vec::new();
        message.build(widths, &mut octets).expect("a message");
        assert_eq!(verdict, Ok(json!(hex::from_octets(&octets))), "{message:?}");
    }
}

#[test]
fn cfdp_py_has_the_same_checksums_of_files() {
    let mut files = payloads();
    files.extend([vec![], vec![0xFF; 3], vec![0x5A; 10_001]]);
    for checksum_type in [
        ChecksumType::MODULAR,
        ChecksumType::CRC_32C,
        ChecksumType::CRC_32,
        ChecksumType::NULL,
    ] {
        let questions: Vec<_> = files
            .iter()
            .map(|file| {
                json!({"ask": "checksum", "checksum_type": checksum_type.code(),
                    "octets": hex::from_octets(file)})
            })
            .collect();
        for (file, verdict) in files.iter().zip(referee::ask_all(CFDP, &questions)) {
            let mut checksum = Checksum::new(checksum_type).expect("a known checksum");
            checksum.update(0, file).expect("the first octets");
            let ours = hex::from_octets(&checksum.value().to_be_bytes());
            assert_eq!(
                verdict,
                Ok(json!(ours)),
                "{checksum_type} of {}",
                file.len()
            );
        }
    }
}

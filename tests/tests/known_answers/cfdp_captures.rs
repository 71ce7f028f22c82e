//! CFDP PDUs and messages to users against Wireshark, as far as its dissector goes: it knows
//! an earlier issue of the standard, and not all of that.

use std::path::Path;

use file_delivery::ChecksumType;
use file_delivery::pdu::tlv::FilestoreResponses;
use file_delivery::pdu::tlv::{
    DirectoryMessage, Lv, MessageToUser, MetadataOption, MetadataOptions, ProxyMessage,
    RemoteMessage, ReservedMessage,
};
use file_delivery::pdu::{
    Ack, Acknowledged, ConditionCode, DeliveryCode, EntityId, Eof, FileData, FileStatus, Finished,
    Header, KeepAlive, Metadata, Nak, Pdu, Prompt, PromptResponse, SegmentRequest, SegmentRequests,
    SegmentationControl, TransactionId, TransactionSeq, TransactionStatus, TransmissionMode, Width,
    Widths,
};
use heliograph_tests::pcap::{self, LinkType};
use heliograph_tests::tshark;

const WIDTHS: Widths = Widths {
    entity_id: Width::TWO,
    transaction_seq: Width::FOUR,
};
const HEADER: Header = Header {
    mode: TransmissionMode::Acknowledged,
    crc: false,
    large_file: false,
    widths: WIDTHS,
    transaction: TransactionId {
        source: EntityId(1),
        number: TransactionSeq(2),
    },
    destination: EntityId(3),
};
const TRANSACTION: TransactionId = TransactionId {
    source: EntityId(0x0102),
    number: TransactionSeq(0x0304_0506),
};

fn lv(octets: &[u8]) -> Lv<'_> {
    Lv::new(octets).expect("a short value")
}

/// A Metadata PDU with one message to the user.
fn carrying(message: &ReservedMessage<'_>) -> Vec<u8> {
    let (mut value, mut octets) = (Vec::new(), Vec::new());
    message.build(WIDTHS, &mut value).expect("a message");
    let options = [
        MetadataOption::MessageToUser(MessageToUser(lv(&value))),
        // Wireshark begins no option in the last octets, as many as the header has.
        MetadataOption::FlowLabel(lv(&[0; 16])),
    ];
    let metadata = Metadata {
        closure_requested: false,
        checksum_type: ChecksumType::MODULAR,
        file_size: 0,
        source_name: lv(b"s"),
        destination_name: lv(b"d"),
        options: MetadataOptions::of(&options),
    };
    Pdu::build(&HEADER, &Pdu::Metadata(metadata), &mut octets).expect("a PDU");
    octets
}

/// What Wireshark reads of each PDU: the type of its message, then the fields asked for,
/// values of header and Metadata first.
fn read(path: &Path, messages: &[ReservedMessage<'_>], fields: &[&str]) -> tshark::Rows {
    let captured: Vec<_> = messages
        .iter()
        .map(|message| pcap::udp_packet(9001, 5111, &carrying(message)))
        .collect();
    pcap::write(path, LinkType::Ipv4, &captured);
    let fields = [&["cfdp.proxy_msg_type"], fields].concat();
    tshark::fields(path, &["udp.port==5111,cfdp"], &fields)
}

#[test]
fn wireshark_reads_each_kind_of_pdu() {
    let requests = [SegmentRequest { start: 5, end: 9 }];
    let pdus = [
        Pdu::Metadata(Metadata {
            closure_requested: false,
            checksum_type: ChecksumType::CRC_32,
            file_size: 1_000,
            source_name: lv(b"here.bin"),
            destination_name: lv(b"there.bin"),
            options: MetadataOptions::of(&[]),
        }),
        Pdu::FileData(FileData::new(512, b"octets")),
        Pdu::Eof(Eof {
            condition: ConditionCode::NoError,
            checksum: 0x1234_5678,
            file_size: 1_000,
            fault_location: None,
        }),
        Pdu::Ack(Ack {
            of: Acknowledged::Eof,
            condition: ConditionCode::NoError,
            status: TransactionStatus::Active,
        }),
        Pdu::Nak(Nak {
            start_of_scope: 1,
            end_of_scope: 20,
            requests: SegmentRequests::of(&requests),
        }),
        Pdu::Finished(Finished {
            condition: ConditionCode::NoError,
            delivery: DeliveryCode::Complete,
            file_status: FileStatus::Retained,
            responses: FilestoreResponses::of(&[]),
            fault_location: None,
        }),
        Pdu::KeepAlive(KeepAlive { progress: 700 }),
        Pdu::Prompt(Prompt {
            response: PromptResponse::KeepAlive,
        }),
    ];
    let captured: Vec<_> = pdus
        .iter()
        .map(|pdu| {
            let mut octets = Vec::new();
            Pdu::build(&HEADER, pdu, &mut octets).expect("a PDU");
            pcap::udp_packet(9001, 5111, &octets)
        })
        .collect();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("pdus.pcap");
    pcap::write(&path, LinkType::Ipv4, &captured);
    let fields = [
        "cfdp.pdu_type",
        "cfdp.direction",
        "cfdp.srcid",
        "cfdp.transeqnum",
        "cfdp.dstid",
        "cfdp.fdtype",
    ];
    let heads = tshark::fields(&path, &["udp.port==5111,cfdp"], &fields);
    // File data, and which way it goes; the directive.
    let [towards_receiver, towards_sender] = ["0", "1"];
    let expected = [
        ["0", towards_receiver, "1", "2", "3", "7"],
        ["1", towards_receiver, "1", "2", "3", ""],
        ["0", towards_receiver, "1", "2", "3", "4"],
        ["0", towards_sender, "1", "2", "3", "6"],
        ["0", towards_sender, "1", "2", "3", "8"],
        ["0", towards_sender, "1", "2", "3", "5"],
        ["0", towards_sender, "1", "2", "3", "12"],
        ["0", towards_receiver, "1", "2", "3", "9"],
    ];
    assert_eq!(heads, expected.map(|row| row.map(str::to_owned).to_vec()));

    // What each has, and nothing else: by PDU, field and value.
    let expected = [
        (0, "cfdp.src_file_name", "here.bin"),
        (0, "cfdp.dst_file_name", "there.bin"),
        (0, "cfdp.file_size", "1000"),
        (1, "cfdp.offset", "512"),
        (2, "cfdp.file_size", "1000"),
        (2, "cfdp.checksum", "0x12345678"),
        (3, "cfdp.dir_code_ack", "4"),
        (3, "cfdp.trans_stat_ack", "1"),
        (4, "cfdp.nak_st_scope", "1"),
        (4, "cfdp.nak_sp_scope", "20"),
        (4, "cfdp.segment_requests", "0000000500000009"),
        (5, "cfdp.delivery_code", "0"),
        (5, "cfdp.file_status", "2"),
        (6, "cfdp.progress", "700"),
        (7, "cfdp.response_req", "1"),
    ];
    let mut fields: Vec<&str> = expected.iter().map(|(_, field, _)| *field).collect();
    fields.sort_unstable();
    fields.dedup();
    fields.push("cfdp.bad_length");
    let rows = tshark::fields(&path, &["udp.port==5111,cfdp"], &fields);
    let mut found = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let named = fields.iter().zip(row);
        let there = named.filter(|(_, value)| !value.is_empty());
        found.extend(there.map(|(field, value)| (number, *field, value.as_str())));
    }
    found.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn wireshark_reads_which_transaction_a_message_is_about() {
    let directory = tempfile::tempdir().expect("a directory");
    let messages = [
        ReservedMessage::OriginatingTransaction(TRANSACTION),
        ReservedMessage::Remote(RemoteMessage::StatusReportRequest {
            transaction: TRANSACTION,
            report_file: lv(b"report"),
        }),
        ReservedMessage::Remote(RemoteMessage::SuspendRequest(TRANSACTION)),
        ReservedMessage::Remote(RemoteMessage::ResumeRequest(TRANSACTION)),
    ];
    let fields = ["cfdp.srcid", "cfdp.transeqnum", "cfdp.report_file_name"];
    let rows = read(&directory.path().join("remote.pcap"), &messages, &fields);
    let (source, number) = ("1,258", "2,50595078");
    let expected = [
        ["10", source, number, ""],
        ["32", source, number, "report"],
        ["48", source, number, ""],
        ["56", source, number, ""],
    ];
    assert_eq!(rows, expected.map(|row| row.map(str::to_owned).to_vec()));
}

#[test]
fn wireshark_reads_names_and_outcomes() {
    let directory = tempfile::tempdir().expect("a directory");
    let (images, listing) = (lv(b"images"), lv(b"listing.txt"));
    let listed = |successful| {
        ReservedMessage::Directory(DirectoryMessage::ListingResponse {
            successful,
            directory: images,
            file: listing,
        })
    };
    let reported = |successful| {
        ReservedMessage::Remote(RemoteMessage::StatusReportResponse {
            transaction: TRANSACTION,
            status: TransactionStatus::Terminated,
            successful,
        })
    };
    let messages = [
        ReservedMessage::Directory(DirectoryMessage::ListingRequest {
            directory: images,
            file: listing,
        }),
        listed(true),
        listed(false),
        reported(true),
        reported(false),
    ];
    let fields = [
        "cfdp.directory_name",
        "cfdp.directory_file_name",
        "cfdp.listing_resp_code",
        "cfdp.rep_resp_code_b",
        "cfdp.trans_stat_b",
    ];
    let rows = read(&directory.path().join("names.pcap"), &messages, &fields);
    // Success is 0 of a listing, and 1 of a report.
    let expected = [
        ["16", "images", "listing.txt", "", "", ""],
        ["17", "images", "listing.txt", "0", "", ""],
        ["17", "images", "listing.txt", "1", "", ""],
        ["33", "", "", "", "1", "2"],
        ["33", "", "", "", "0", "2"],
    ];
    assert_eq!(rows, expected.map(|row| row.map(str::to_owned).to_vec()));
}

#[test]
fn wireshark_reads_what_a_proxy_is_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let messages = [
        ProxyMessage::PutRequest {
            destination: EntityId(0x0708),
            source_name: lv(b"a"),
            destination_name: lv(b"b"),
        },
        ProxyMessage::MessageToUser(lv(b"hi")),
        ProxyMessage::SegmentationControl(SegmentationControl::BoundariesPreserved),
        ProxyMessage::SegmentationControl(SegmentationControl::BoundariesNotPreserved),
    ];
    let messages = messages.map(ReservedMessage::Proxy);
    let fields = [
        "cfdp.dstid",
        "cfdp.src_file_name",
        "cfdp.dst_file_name",
        "cfdp.message_to_user",
        "cfdp.proxy_segment_control",
    ];
    let rows = read(&directory.path().join("proxy.pcap"), &messages, &fields);
    // 0: record boundaries respected, 1: not.
    let expected = [
        ["0", "3,1800", "s,a", "d,b", "", ""],
        ["1", "3", "s", "d", "6869", ""],
        ["6", "3", "s", "d", "", "0x00,0"],
        ["6", "3", "s", "d", "", "0x01,1"],
    ];
    assert_eq!(rows, expected.map(|row| row.map(str::to_owned).to_vec()));
}

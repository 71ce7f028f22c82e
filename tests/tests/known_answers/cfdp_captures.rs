//! CFDP messages to users against Wireshark, as far as its dissector goes: it knows an
//! earlier issue of the standard, and not all of that.

use std::path::Path;

use file_delivery::ChecksumType;
use file_delivery::pdu::tlv::{
    DirectoryMessage, Lv, MessageToUser, MetadataOption, MetadataOptions, ProxyMessage,
    RemoteMessage, ReservedMessage,
};
use file_delivery::pdu::{
    EntityId, Header, Metadata, Pdu, SegmentationControl, TransactionId, TransactionSeq,
    TransactionStatus, TransmissionMode, Width, Widths,
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

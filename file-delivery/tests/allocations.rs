//! In steady state nothing is allocated for a PDU.

use allocation_counter::measure;
use file_delivery::ChecksumType;
use file_delivery::checksum::Checksum;
use file_delivery::pdu::tlv::{FilestoreRequest, Lv, MetadataOption, MetadataOptions};
use file_delivery::pdu::{
    EntityId, FileData, Header, Metadata, Nak, Pdu, SegmentRequest, SegmentRequests, TransactionId,
    TransactionSeq, TransmissionMode, Width, Widths,
};

const HEADER: Header = Header {
    mode: TransmissionMode::Acknowledged,
    crc: true,
    large_file: true,
    widths: Widths {
        entity_id: Width::TWO,
        transaction_seq: Width::FOUR,
    },
    transaction: TransactionId {
        source: EntityId(1),
        number: TransactionSeq(2),
    },
    destination: EntityId(3),
};

fn allocations_of_a_round_trip(pdu: &Pdu<'_>) -> u64 {
    let mut octets = Vec::new();
    Pdu::build(&HEADER, pdu, &mut octets).unwrap();
    let counted = measure(|| {
        Pdu::build(&HEADER, pdu, &mut octets).unwrap();
        let (_, read) = Pdu::parse(&octets).unwrap();
        assert!(read == *pdu);
    });
    counted.count_total
}

#[test]
fn a_pdu_is_built_and_read_without_an_allocation() {
    let requests = [SegmentRequest { start: 1, end: 2 }; 40];
    let options = [
        MetadataOption::FilestoreRequest(FilestoreRequest::CreateFile(Lv::new(b"a").unwrap())),
        MetadataOption::FlowLabel(Lv::new(&[7; 100]).unwrap()),
    ];
    let pdus = [
        Pdu::FileData(FileData::new(7, &[0x55; 1000])),
        Pdu::Nak(Nak {
            start_of_scope: 0,
            end_of_scope: 9,
            requests: SegmentRequests::of(&requests),
        }),
        Pdu::Metadata(Metadata {
            closure_requested: true,
            checksum_type: ChecksumType::CRC_32,
            file_size: 1000,
            source_name: Lv::new(b"source").unwrap(),
            destination_name: Lv::new(b"destination").unwrap(),
            options: MetadataOptions::of(&options),
        }),
    ];
    for pdu in &pdus {
        assert_eq!(allocations_of_a_round_trip(pdu), 0, "{pdu:?}");
    }
}

#[test]
fn octets_that_are_no_pdu_are_refused_without_an_allocation() {
    let counted = measure(|| {
        for bytes in 0..200 {
            assert!(Pdu::parse(&[0x24; 200][..bytes]).is_err());
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_checksum_goes_on_without_an_allocation() {
    let mut checksum = Checksum::new(ChecksumType::CRC_32C).unwrap();
    let counted = measure(|| checksum.update(0, &[7; 4096]).unwrap());
    assert_eq!(counted.count_total, 0);
}

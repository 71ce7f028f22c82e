//! How much goes into a PDU of a given size.

use file_delivery::pdu::{FileData, Nak, Pdu, SegmentRequest, SegmentRequests};
use proptest::prelude::*;

use crate::{any, build, cases};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_full_file_data_pdu_is_as_large_as_may_be(header in any::header(), room in 0..600_usize) {
        let pdu_bytes_max = header.overhead_bytes() + 8 + room;
        let data_bytes = FileData::data_bytes_max(&header, pdu_bytes_max);
        let data = vec![0x55; data_bytes];
        let octets = build(&header, &Pdu::FileData(FileData::new(0, &data)));
        prop_assert_eq!(octets.len(), pdu_bytes_max);
    }

    #[test]
    fn one_more_request_than_a_nak_holds_makes_it_too_large(
        header in any::header(),
        room in 0..600_usize,
    ) {
        let pdu_bytes_max = header.overhead_bytes() + 17 + room;
        let most = Nak::requests_max(&header, pdu_bytes_max);
        let requests = vec![SegmentRequest { start: 1, end: 2 }; most + 1];
        let bytes = |requests: &[SegmentRequest]| {
            let nak = Nak {
                start_of_scope: 0,
                end_of_scope: 9,
                requests: SegmentRequests::of(requests),
            };
            build(&header, &Pdu::Nak(nak)).len()
        };
        prop_assert!(bytes(&requests[..most]) <= pdu_bytes_max);
        prop_assert!(bytes(&requests) > pdu_bytes_max);
    }
}

#[test]
fn the_largest_data_field_is_the_most_whatever_the_radio_takes() {
    let header = crate::octets::HEADER;
    let data = vec![0; FileData::data_bytes_max(&header, usize::MAX)];
    assert_eq!(data.len(), 65_535 - 4);
    let octets = build(&header, &Pdu::FileData(FileData::new(0, &data)));
    assert_eq!(octets.len(), 65_535 + header.bytes());
}

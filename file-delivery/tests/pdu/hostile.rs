//! Whatever octets come, nothing panics; and what is taken can be built again.

use file_delivery::pdu::tlv::MetadataOption;
use file_delivery::pdu::{Header, Pdu};
use proptest::prelude::*;

use crate::{any, build, cases};

/// Looks at everything there is in what was read.
fn walk(header: &Header, pdu: &Pdu<'_>) {
    match pdu {
        Pdu::Finished(finished) => assert!(finished.responses.iter().count() < 70_000),
        Pdu::Metadata(metadata) => {
            for option in metadata.options.iter() {
                if let MetadataOption::MessageToUser(message) = option {
                    let _ = message.reserved();
                }
            }
        }
        Pdu::Nak(nak) => {
            assert_eq!(nak.requests.iter().count(), nak.requests.len());
            assert!(nak.requests.iter().all(|it| it.start <= it.end));
        }
        Pdu::FileData(data) => {
            assert_eq!(
                data.range().end - data.range().start,
                data.data.len() as u64
            );
        }
        _ => {}
    }
    let octets = build(header, pdu);
    assert_eq!(Pdu::parse(&octets), Ok((*header, *pdu)));
}

/// A header that adds up before octets at random.
fn before(rest: &[u8], first: u8, lengths: u8) -> Vec<u8> {
    let ids = 2 * usize::from((lengths >> 4 & 7) + 1) + usize::from((lengths & 7) + 1);
    let data_bytes = rest.len().saturating_sub(ids) as u16;
    let [high, low] = data_bytes.to_be_bytes();
    [&[0x20 | first & 0x1D, high, low, lengths][..], rest].concat()
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn octets_of_no_pdu_never_panic(octets in any::octets(300)) {
        if let Ok((header, pdu)) = Pdu::parse(&octets) {
            walk(&header, &pdu);
        }
    }

    #[test]
    fn octets_after_a_header_that_adds_up_never_panic(
        first: u8,
        lengths: u8,
        rest in any::octets(120),
    ) {
        if let Ok((header, pdu)) = Pdu::parse(&before(&rest, first, lengths)) {
            walk(&header, &pdu);
        }
    }

    #[test]
    fn parameters_at_random_of_each_directive_never_panic(
        towards_sender: bool,
        large_file: bool,
        directive in prop::sample::select(vec![4_u8, 5, 6, 7, 8, 9, 0x0C]),
        parameters in prop_oneof![
            any::octets(60),
            prop::collection::vec(0..8_u8, 0..60),
        ],
    ) {
        let rest = [&[1, 2, 3, directive][..], &parameters].concat();
        let first = u8::from(towards_sender) << 3 | u8::from(large_file);
        if let Ok((header, pdu)) = Pdu::parse(&before(&rest, first, 0)) {
            walk(&header, &pdu);
        }
    }
}

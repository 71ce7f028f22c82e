use file_delivery::pdu::tlv::{Lv, MessageToUser, MetadataOption, ReservedMessage};
use file_delivery::pdu::{BuildError, Header, Pdu, Width, Widths};

const WIDEST: Widths = Widths {
    entity_id: Width::EIGHT,
    transaction_seq: Width::EIGHT,
};

/// CFDP PDUs: what is read is within its octets and is built again, with CRC and
/// without; so are messages to users that are reserved.
pub fn cfdp_pdu(input: &[u8]) {
    for octets in [input, &mended(input)] {
        if let Ok((header, pdu)) = Pdu::parse(octets) {
            look_at(&pdu, octets);
            for crc in [header.crc, !header.crc] {
                round_trip(&Header { crc, ..header }, &pdu);
            }
        }
    }
}

/// With the length that it has, and without the flag of a CRC.
fn mended(input: &[u8]) -> Vec<u8> {
    let mut octets = input.to_vec();
    if let [first, high, low, lengths, rest @ ..] = &mut octets[..] {
        let ids = 2 * usize::from((*lengths >> 4 & 7) + 1) + usize::from((*lengths & 7) + 1);
        let data_bytes = rest.len().saturating_sub(ids);
        *first &= !0b10;
        [*high, *low] = (data_bytes as u16).to_be_bytes();
    }
    octets
}

fn look_at(pdu: &Pdu<'_>, octets: &[u8]) {
    match pdu {
        Pdu::Finished(finished) => {
            assert!(finished.responses.iter().count() <= octets.len());
        }
        Pdu::Metadata(metadata) => {
            for option in metadata.options.iter() {
                if let MetadataOption::MessageToUser(message) = option
                    && let Some(Ok(reserved)) = message.reserved()
                {
                    reserved_round_trip(&reserved);
                }
            }
        }
        Pdu::Nak(nak) => {
            assert_eq!(nak.requests.iter().count(), nak.requests.len());
            assert!(nak.requests.iter().all(|it| it.start <= it.end));
        }
        Pdu::FileData(data) => {
            let range = data.range();
            assert_eq!(range.end - range.start, data.data.len() as u64);
        }
        _ => {}
    }
}

fn round_trip(header: &Header, pdu: &Pdu<'_>) {
    let mut octets = Vec::new();
    let built = Pdu::build(header, pdu, &mut octets);
    built.unwrap_or_else(|error| panic!("what was read is not built: {error}"));
    assert!(octets.len() >= header.overhead_bytes());
    assert_eq!(Pdu::parse(&octets), Ok((*header, *pdu)));
}

/// Wide ids may make it too long for a TLV, and nothing else may.
fn reserved_round_trip(message: &ReservedMessage<'_>) {
    let mut octets = Vec::new();
    match message.build(WIDEST, &mut octets) {
        Ok(()) => {
            let value = Lv::new(&octets).expect("a value of a TLV");
            assert_eq!(MessageToUser(value).reserved(), Some(Ok(*message)));
        }
        Err(error) => assert!(matches!(error, BuildError::TooLong { .. }), "{error}"),
    }
}

//! Each PDU is read as it was built, and noticed when it is cut short or altered.

use file_delivery::pdu::tlv::{FilestoreResponses, MetadataOptions};
use file_delivery::pdu::{
    Ack, Acknowledged, Eof, FileData, Finished, Header, KeepAlive, Metadata, Nak, Pdu, PduError,
    Prompt, PromptResponse, SegmentMetadata, SegmentRequests,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;

use crate::any::{self, fitted, fitted_range};
use crate::{build, cases};

fn comes_through(header: &Header, pdu: &Pdu<'_>) -> Result<(), TestCaseError> {
    let octets = build(header, pdu);
    let (read_header, read) = Pdu::parse(&octets).unwrap();
    prop_assert_eq!(&read_header, header);
    prop_assert_eq!(&read, pdu);

    // What was read is built alike, without another allocation.
    let mut again = Vec::with_capacity(octets.len());
    let (place, capacity) = (again.as_ptr(), again.capacity());
    Pdu::build(&read_header, &read, &mut again).unwrap();
    prop_assert_eq!(&again, &octets);
    prop_assert_eq!((again.as_ptr(), again.capacity()), (place, capacity));

    for end in 0..octets.len() {
        prop_assert!(Pdu::parse(&octets[..end]).is_err(), "{} octets", end);
    }
    let mut longer = octets.clone();
    longer.push(0);
    let refused = matches!(Pdu::parse(&longer), Err(PduError::Length { .. }));
    prop_assert!(refused);
    if header.crc {
        every_flipped_bit_is_noticed(&octets)?;
    }
    Ok(())
}

fn every_flipped_bit_is_noticed(octets: &[u8]) -> Result<(), TestCaseError> {
    let mut altered = octets.to_vec();
    for bit in 0..octets.len() * 8 {
        let mask = 0x80 >> (bit % 8);
        altered[bit / 8] ^= mask;
        // The flag that there is a CRC is not covered by one when it is off.
        if bit != 6 {
            prop_assert!(Pdu::parse(&altered).is_err(), "bit {}", bit);
        }
        altered[bit / 8] ^= mask;
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn eof(
        header in any::header(),
        condition in any::condition(),
        checksum: u32,
        file_size in any::file_size(),
        fault: bool,
    ) {
        let eof = Eof {
            condition,
            checksum,
            file_size: fitted(file_size, &header),
            fault_location: fault.then_some(header.destination),
        };
        comes_through(&header, &Pdu::Eof(eof))?;
    }

    #[test]
    fn finished(
        header in any::header(),
        condition in any::condition(),
        delivery in any::delivery(),
        file_status in any::file_status(),
        responses in prop::collection::vec(any::response(), 0..4),
        fault: bool,
    ) {
        let responses: Vec<_> = responses.iter().map(|it| it.borrowed()).collect();
        let finished = Finished {
            condition,
            delivery,
            file_status,
            responses: FilestoreResponses::of(&responses),
            fault_location: fault.then_some(header.transaction.source),
        };
        comes_through(&header, &Pdu::Finished(finished))?;
    }

    #[test]
    fn ack(
        header in any::header(),
        of in select(Acknowledged::ALL),
        condition in any::condition(),
        status in any::transaction_status(),
    ) {
        comes_through(&header, &Pdu::Ack(Ack { of, condition, status }))?;
    }

    #[test]
    fn metadata(
        header in any::header(),
        closure_requested: bool,
        checksum_type in any::checksum_type(),
        file_size in any::file_size(),
        source_name in any::octets(255),
        destination_name in any::octets(255),
        options in prop::collection::vec(any::option(), 0..4),
    ) {
        let options: Vec<_> = options.iter().map(|it| it.borrowed()).collect();
        let metadata = Metadata {
            closure_requested,
            checksum_type,
            file_size: fitted(file_size, &header),
            source_name: any::lv(&source_name),
            destination_name: any::lv(&destination_name),
            options: MetadataOptions::of(&options),
        };
        comes_through(&header, &Pdu::Metadata(metadata))?;
    }

    #[test]
    fn nak(
        header in any::header(),
        scope in (any::file_size(), any::file_size()),
        requests in prop::collection::vec((any::file_size(), any::file_size()), 0..40),
    ) {
        let scope = fitted_range(scope, &header);
        let requests: Vec<_> = requests.into_iter().map(|it| fitted_range(it, &header)).collect();
        let nak = Nak {
            start_of_scope: scope.start,
            end_of_scope: scope.end,
            requests: SegmentRequests::of(&requests),
        };
        comes_through(&header, &Pdu::Nak(nak))?;

        let octets = build(&header, &Pdu::Nak(nak));
        let Ok((_, Pdu::Nak(read))) = Pdu::parse(&octets) else {
            panic!("no NAK");
        };
        prop_assert_eq!(read.requests.len(), requests.len());
        prop_assert_eq!(read.requests.iter().collect::<Vec<_>>(), requests);
    }

    #[test]
    fn prompt(header in any::header(), response in select(PromptResponse::ALL)) {
        comes_through(&header, &Pdu::Prompt(Prompt { response }))?;
    }

    #[test]
    fn keep_alive(header in any::header(), progress in any::file_size()) {
        let progress = fitted(progress, &header);
        comes_through(&header, &Pdu::KeepAlive(KeepAlive { progress }))?;
    }

    #[test]
    fn file_data(
        header in any::header(),
        segmentation_control in any::segmentation_control(),
        segment_metadata in prop::option::of((any::record_continuation(), any::octets(63))),
        offset in any::file_size(),
        data in any::octets(300),
    ) {
        let segment_metadata = segment_metadata.as_ref();
        let offset = fitted(offset.saturating_sub(300 << 32), &header);
        let data = FileData {
            segmentation_control,
            segment_metadata: segment_metadata.map(|(continuation, octets)| SegmentMetadata {
                continuation: *continuation,
                octets,
            }),
            offset,
            data: &data,
        };
        comes_through(&header, &Pdu::FileData(data))?;
    }
}

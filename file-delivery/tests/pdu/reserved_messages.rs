//! Messages to users that the standard defines.

use file_delivery::pdu::tlv::{
    DirectoryMessage, Lv, MessageToUser, ProxyMessage, RemoteMessage, ReservedMessage,
};
use file_delivery::pdu::{
    BuildError, EntityId, PduError, SegmentationControl, TransactionId, TransactionSeq,
    TransactionStatus, Width, Widths,
};
use proptest::prelude::*;

use crate::any::{self, lv};
use crate::{cases, hex};

const WIDTHS: Widths = Widths {
    entity_id: Width::TWO,
    transaction_seq: Width::FOUR,
};

fn built(message: &ReservedMessage<'_>, widths: Widths) -> Vec<u8> {
    let mut octets = vec![0xEE; 3];
    message.build(widths, &mut octets).unwrap();
    octets
}

fn read(octets: &[u8]) -> Option<Result<ReservedMessage<'_>, PduError>> {
    MessageToUser(lv(octets)).reserved()
}

#[test]
fn a_put_request_names_its_destination_and_both_files() {
    let message = ReservedMessage::Proxy(ProxyMessage::PutRequest {
        destination: EntityId(0x0102),
        source_name: lv(b"a"),
        destination_name: lv(b"bc"),
    });
    let octets = built(&message, WIDTHS);
    assert_eq!(octets, hex("63666470 00 02 0102 01 61 02 6263"));
}

#[test]
fn an_originating_transaction_says_how_long_its_ids_are() {
    let message = ReservedMessage::OriginatingTransaction(TransactionId {
        source: EntityId(7),
        number: TransactionSeq(9),
    });
    let octets = built(&message, WIDTHS);
    assert_eq!(octets, hex("63666470 0A 13 0007 00000009"));
}

#[test]
fn remote_responses_say_how_the_transaction_stands() {
    let transaction = TransactionId {
        source: EntityId(7),
        number: TransactionSeq(9),
    };
    let report = ReservedMessage::Remote(RemoteMessage::StatusReportResponse {
        transaction,
        status: TransactionStatus::Terminated,
        successful: false,
    });
    assert_eq!(
        built(&report, WIDTHS),
        hex("63666470 21 80 13 0007 00000009")
    );
    let suspended = ReservedMessage::Remote(RemoteMessage::SuspendResponse {
        transaction,
        suspended: true,
        status: TransactionStatus::Active,
    });
    assert_eq!(
        built(&suspended, WIDTHS),
        hex("63666470 31 A0 13 0007 00000009")
    );
}

#[test]
fn success_is_0_of_a_listing_and_1_of_a_report() {
    let listing = ReservedMessage::Directory(DirectoryMessage::ListingResponse {
        successful: true,
        directory: lv(b"d"),
        file: lv(b"f"),
    });
    assert_eq!(built(&listing, WIDTHS), hex("63666470 11 00 0164 0166"));
    let report = ReservedMessage::Remote(RemoteMessage::StatusReportResponse {
        transaction: TransactionId {
            source: EntityId(7),
            number: TransactionSeq(9),
        },
        status: TransactionStatus::Active,
        successful: true,
    });
    assert_eq!(
        built(&report, WIDTHS),
        hex("63666470 21 41 13 0007 00000009")
    );
}

#[test]
fn segmentation_control_is_the_other_way_round_than_in_a_header() {
    for (control, bit) in [
        (SegmentationControl::BoundariesPreserved, "00"),
        (SegmentationControl::BoundariesNotPreserved, "01"),
    ] {
        let message = ReservedMessage::Proxy(ProxyMessage::SegmentationControl(control));
        assert_eq!(built(&message, WIDTHS), hex(&format!("63666470 06 {bit}")));
    }
}

#[test]
fn a_message_that_does_not_begin_with_cfdp_is_the_users_own() {
    for octets in [&b""[..], b"cfd", b"CFDP\x00", b"hello"] {
        assert_eq!(read(octets), None);
    }
}

#[test]
fn a_reserved_message_of_no_known_type_or_layout_says_why() {
    let part = "message to user";
    let unknown = |value| PduError::Value {
        part,
        field: "message type",
        value,
    };
    for kind in [0x0C_u8, 0x12, 0x15, 0x22, 0x32, 0xFF] {
        let octets = [b"cfdp", &[kind][..]].concat();
        assert_eq!(read(&octets), Some(Err(unknown(u64::from(kind)))));
    }
    let truncated = |field| Some(Err(PduError::Truncated { part, field }));
    assert_eq!(read(b"cfdp"), truncated("message type"));
    assert_eq!(read(b"cfdp\x01\x02a"), truncated("message text"));
    let surplus = PduError::Surplus { part, bytes: 1 };
    assert_eq!(read(b"cfdp\x09\x00"), Some(Err(surplus)));
}

#[test]
fn a_message_that_is_too_long_for_a_tlv_is_not_built() {
    let name = [b'a'; 200];
    let message = ReservedMessage::Directory(DirectoryMessage::ListingRequest {
        directory: lv(&name),
        file: lv(&name),
    });
    let mut octets = Vec::new();
    let refused = message.build(WIDTHS, &mut octets);
    assert!(
        matches!(refused, Err(BuildError::TooLong { bytes: 407, .. })),
        "{refused:?}"
    );
    assert!(octets.is_empty());
}

/// One of each, made of the same parts.
fn one_of_each<'a>(parts: &'a Parts, transaction: TransactionId) -> Vec<ReservedMessage<'a>> {
    let (first, second) = (lv(&parts.first), lv(&parts.second));
    let status = parts.transaction_status;
    let proxies = [
        ProxyMessage::PutRequest {
            destination: transaction.source,
            source_name: first,
            destination_name: second,
        },
        ProxyMessage::MessageToUser(first),
        ProxyMessage::FilestoreRequest(parts.request.borrowed()),
        ProxyMessage::FaultHandlerOverride(parts.handler),
        ProxyMessage::TransmissionMode(parts.mode),
        ProxyMessage::FlowLabel(first),
        ProxyMessage::SegmentationControl(parts.control),
        ProxyMessage::PutResponse {
            condition: parts.handler.condition,
            delivery: parts.delivery,
            file_status: parts.file_status,
        },
        ProxyMessage::FilestoreResponse(parts.response.borrowed()),
        ProxyMessage::PutCancel,
        ProxyMessage::ClosureRequest(parts.flag),
    ];
    let directories = [
        DirectoryMessage::ListingRequest {
            directory: first,
            file: second,
        },
        DirectoryMessage::ListingResponse {
            successful: parts.flag,
            directory: first,
            file: second,
        },
    ];
    let remotes = [
        RemoteMessage::StatusReportRequest {
            transaction,
            report_file: first,
        },
        RemoteMessage::StatusReportResponse {
            transaction,
            status,
            successful: parts.flag,
        },
        RemoteMessage::SuspendRequest(transaction),
        RemoteMessage::SuspendResponse {
            transaction,
            suspended: parts.flag,
            status,
        },
        RemoteMessage::ResumeRequest(transaction),
        RemoteMessage::ResumeResponse {
            transaction,
            suspended: parts.flag,
            status,
        },
    ];
    let mut all = vec![ReservedMessage::OriginatingTransaction(transaction)];
    all.extend(proxies.map(ReservedMessage::Proxy));
    all.extend(directories.map(ReservedMessage::Directory));
    all.extend(remotes.map(ReservedMessage::Remote));
    all
}

#[derive(Clone, Debug)]
struct Parts {
    first: Vec<u8>,
    second: Vec<u8>,
    flag: bool,
    request: any::OwnedRequest,
    response: any::OwnedResponse,
    handler: file_delivery::pdu::tlv::FaultHandlerOverride,
    mode: file_delivery::pdu::TransmissionMode,
    control: SegmentationControl,
    delivery: file_delivery::pdu::DeliveryCode,
    file_status: file_delivery::pdu::FileStatus,
    transaction_status: TransactionStatus,
}

prop_compose! {
    fn any_parts()(
        first in any::octets(100),
        second in any::octets(100),
        flag: bool,
        request in any::request(),
        response in any::response(),
        handler in any::fault_handler_override(),
        mode in any::mode(),
        control in any::segmentation_control(),
        delivery in any::delivery(),
        file_status in any::file_status(),
        transaction_status in any::transaction_status(),
    ) -> Parts {
        Parts {
            first, second, flag, request, response, handler, mode, control, delivery,
            file_status, transaction_status,
        }
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn each_comes_through_as_it_was_and_is_refused_when_cut(
        parts in any_parts(),
        (widths, transaction) in any::widths().prop_flat_map(|it| (Just(it), any::transaction(it))),
    ) {
        for message in one_of_each(&parts, transaction) {
            let octets = built(&message, widths);
            prop_assert!(octets.len() <= Lv::BYTES_MAX);
            prop_assert_eq!(read(&octets), Some(Ok(message)));
            for end in 4..octets.len() {
                let cut = read(&octets[..end]);
                prop_assert!(matches!(cut, Some(Err(_))), "{:?}", cut);
            }
        }
    }

    #[test]
    fn octets_of_no_message_never_panic(kind in 0..0x40_u8, rest in any::octets(60)) {
        let octets = [b"cfdp", &[kind][..], &rest].concat();
        if let Some(Ok(message)) = read(&octets) {
            let again = built(&message, WIDTHS_MAX);
            prop_assert_eq!(read(&again), Some(Ok(message)));
        }
    }
}

const WIDTHS_MAX: Widths = Widths {
    entity_id: Width::EIGHT,
    transaction_seq: Width::EIGHT,
};

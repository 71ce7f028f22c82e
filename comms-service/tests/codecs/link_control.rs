//! Link-control messages: their octets, and what is refused.

use comms_service::link_control::{
    AnswerNotKept, AnswerTo, LinkControl, LinkControlError, NotKept, OctetRange, RANGES_MAX,
    RepairedSegment, SegmentRequest,
};
use comms_service::message::PayloadType;
use proptest::prelude::*;

const ANSWER_TO: AnswerTo = AnswerTo {
    payload_type: PayloadType::GraphQl,
    command_id: 0x0102_0304_0506_0708,
    port: 8020,
};

/// `ANSWER_TO` on the wire.
const ANSWER_TO_OCTETS: [u8; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x1F, 0x54];

fn wire(kind: u8, rest: &[u8]) -> Vec<u8> {
    [&[kind][..], &ANSWER_TO_OCTETS, rest].concat()
}

#[track_caller]
fn is_on_the_wire(message: &LinkControl, octets: &[u8]) {
    assert_eq!(message.encode(), octets);
    assert_eq!(LinkControl::decode(octets).as_ref(), Ok(message));
}

#[test]
fn a_segment_request_lists_the_ranges_it_lacks() {
    let ranges = [(240, 250), (1000, 1)].map(|(offset, bytes)| OctetRange { offset, bytes });
    let request = LinkControl::SegmentRequest(SegmentRequest {
        answer_to: ANSWER_TO,
        ranges: ranges.to_vec(),
    });
    let octets = wire(1, &[0, 0, 0, 240, 0, 0, 0, 250, 0, 0, 3, 232, 0, 0, 0, 1]);
    is_on_the_wire(&request, &octets);
}

#[test]
fn a_segment_request_without_ranges_is_for_the_whole_answer() {
    let request = LinkControl::SegmentRequest(SegmentRequest {
        answer_to: ANSWER_TO,
        ranges: Vec::new(),
    });
    is_on_the_wire(&request, &wire(1, &[]));
}

#[test]
fn a_repaired_segment_tells_size_and_hash_of_the_whole_answer() {
    let segment = LinkControl::RepairedSegment(RepairedSegment {
        answer_to: ANSWER_TO,
        total_bytes: 65_536,
        hash: [7; 16],
        offset: 512,
        octets: b"abc",
    });
    let numbers = [&[0, 1, 0, 0][..], &[7; 16], &[0, 0, 2, 0], b"abc"].concat();
    is_on_the_wire(&segment, &wire(2, &numbers));
}

#[test]
fn an_answer_not_kept_says_why() {
    let reasons = [
        (1, NotKept::Evicted),
        (2, NotKept::Unknown),
        (3, NotKept::Running),
    ];
    for (code, reason) in reasons {
        let not_kept = LinkControl::AnswerNotKept(AnswerNotKept {
            answer_to: ANSWER_TO,
            reason,
        });
        is_on_the_wire(&not_kept, &wire(7, &[code]));
    }
}

#[test]
fn what_no_sender_makes_is_refused() {
    let field = |kind, field| Err(LinkControlError::Field { kind, field });
    let length = |kind, bytes| Err(LinkControlError::Length { kind, bytes });
    assert_eq!(LinkControl::decode(&[]), Err(LinkControlError::Empty));
    let unknown = Err(LinkControlError::UnknownType(99));
    assert_eq!(LinkControl::decode(&[99, 1]), unknown);
    // Ranges: cut short, empty, out of order, touching, beyond u32, too many.
    let request = |rest: &[u32]| {
        let octets: Vec<u8> = rest.iter().flat_map(|n| n.to_be_bytes()).collect();
        wire(1, &octets)
    };
    assert_eq!(LinkControl::decode(&request(&[1])), length(1, 0));
    assert_eq!(LinkControl::decode(&request(&[1, 0])), field(1, "range"));
    let list = field(1, "list of ranges");
    assert_eq!(LinkControl::decode(&request(&[9, 1, 1, 1])), list);
    assert_eq!(LinkControl::decode(&request(&[1, 2, 3, 1])), list);
    let beyond = request(&[u32::MAX, 1]);
    assert_eq!(LinkControl::decode(&beyond), field(1, "range"));
    let many: Vec<u32> = (0..=RANGES_MAX as u32).flat_map(|n| [2 * n, 1]).collect();
    assert_eq!(LinkControl::decode(&request(&many)), list);
    // Octets beyond the answer's end; none; no reason, two, an unknown one.
    let repaired = |total: u32, offset: u32, octets: &[u8]| {
        let (total, offset) = (total.to_be_bytes(), offset.to_be_bytes());
        wire(2, &[&total[..], &[0; 16], &offset, octets].concat())
    };
    assert_eq!(
        LinkControl::decode(&repaired(4, 3, b"ab")),
        field(2, "offset")
    );
    assert_eq!(LinkControl::decode(&repaired(4, 3, b"")), length(2, 0));
    assert_eq!(LinkControl::decode(&wire(7, &[])), length(7, 0));
    assert_eq!(LinkControl::decode(&wire(7, &[1, 1])), length(7, 1));
    assert_eq!(LinkControl::decode(&wire(7, &[9])), field(7, "reason"));
    // Whose answer: id 0, a payload type without answers.
    let mut nobody = wire(7, &[1]);
    nobody[2..10].fill(0);
    assert_eq!(LinkControl::decode(&nobody), field(7, "command id"));
    let mut datagram = wire(7, &[1]);
    datagram[1] = 1;
    assert_eq!(LinkControl::decode(&datagram), field(7, "payload type"));
}

proptest! {
    #[test]
    fn whatever_is_decoded_is_encoded_to_the_same_octets(
        kind in prop_oneof![Just(1_u8), Just(2), Just(7), any::<u8>()],
        graphql in prop_oneof![9 => Just(0_u8), 1 => any::<u8>()],
        rest in proptest::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..80),
    ) {
        let octets = [&[kind, graphql][..], &rest].concat();
        if let Ok(message) = LinkControl::decode(&octets) {
            prop_assert_eq!(message.encode(), octets);
        }
    }

    #[test]
    fn a_repaired_segment_survives_the_wire(
        command_id in 1_u64..,
        port: u16,
        hash: [u8; 16],
        before in 0_u32..1 << 30,
        after in 0_u32..1 << 30,
        octets in proptest::collection::vec(any::<u8>(), 1..300),
    ) {
        let message = LinkControl::RepairedSegment(RepairedSegment {
            answer_to: AnswerTo { payload_type: PayloadType::GraphQl, command_id, port },
            total_bytes: before + octets.len() as u32 + after,
            hash,
            offset: before,
            octets: &octets,
        });
        let wire = message.encode();
        prop_assert_eq!(LinkControl::decode(&wire), Ok(message.clone()));
    }
}

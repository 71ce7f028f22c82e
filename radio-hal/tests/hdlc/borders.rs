use radio_hal::HdlcConfig;
use radio_hal::hdlc::{Decoder, Encoder, HdlcError};

use crate::row::{Row, configs, decode, good, random_octets};

const MAX: usize = 64;

fn ok(frame: &[u8]) -> Result<Vec<u8>, HdlcError> {
    Ok(frame.to_vec())
}

#[test]
fn one_flag_may_end_a_frame_and_begin_the_next() {
    let row = Row::new().flag().frame(b"one").flag().frame(b"two").flag();
    assert_eq!(row.decode(MAX), [ok(b"one"), ok(b"two")]);
}

#[test]
fn two_flags_may_share_a_zero() {
    let shared = Row::new().flag().bits(&[1, 1, 1, 1, 1, 1, 0]);
    let mut row = shared.clone().frame(b"one");
    row.0.extend(shared.0);
    let row = row.frame(b"two").flag();
    assert_eq!(row.decode(MAX), [ok(b"one"), ok(b"two")]);
}

#[test]
fn any_number_of_flags_may_stand_between_frames() {
    let mut row = Row::new();
    for _ in 0..100 {
        row = row.flag();
    }
    let mut row = row.frame(b"one");
    for _ in 0..100 {
        row = row.flag();
    }
    assert_eq!(
        row.frame(b"two").flag().decode(MAX),
        [ok(b"one"), ok(b"two")]
    );
}

#[test]
fn seven_ones_cost_the_frame_they_stand_in_wherever_that_is() {
    let bits = Row::new().frame(b"given up").0.len();
    for missing in 0..bits - 8 {
        for ones in [7, 8, 15, 200] {
            let begun = Row::new().flag().frame(b"given up").without_last(missing);
            // With 1s before them the seven come sooner, and reach less far.
            let row = begun.bits(&[0]).ones(ones).flag().frame(b"next").flag();
            let outcomes = row.decode(MAX);
            assert_eq!(
                outcomes,
                [Err(HdlcError::Abort), ok(b"next")],
                "{missing} {ones}"
            );
        }
    }
}

#[test]
fn six_ones_are_a_flag_and_no_abort() {
    let row = Row::new()
        .flag()
        .frame(b"one")
        .bits(&[0])
        .ones(6)
        .bits(&[0]);
    assert_eq!(row.decode(MAX), [ok(b"one")]);
}

#[test]
fn idle_ones_of_any_number_between_frames_cost_nothing() {
    for ones in 0..40 {
        let row = Row::new().flag().frame(b"one").flag().ones(ones);
        let row = row.flag().frame(b"two").flag();
        assert_eq!(row.decode(MAX), [ok(b"one"), ok(b"two")], "{ones}");
    }
}

#[test]
fn less_than_an_octet_between_flags_is_fill_and_more_is_noise() {
    for bits in 0..20 {
        let row = Row::new().flag().bits(&vec![0; bits]).flag();
        let noise = Err(HdlcError::TooShort { bits });
        let expected = if bits < 8 { vec![] } else { vec![noise] };
        assert_eq!(row.decode(MAX), expected);
    }
}

#[test]
fn bits_that_are_no_whole_octets_are_no_frame() {
    for missing in 1..8 {
        let begun = Row::new().flag().frame(b"abcd").without_last(missing);
        let outcomes = begun.flag().frame(b"next").flag().decode(MAX);
        let [Err(HdlcError::NotOctets { bits }), next] = &outcomes[..] else {
            panic!("{missing}: {outcomes:?}");
        };
        assert_eq!((bits % 8, next), (8 - missing, &ok(b"next")));
    }
}

/// A radio takes a part of a frame and then no more: what gives it up must
/// reach a receiver whose line code lacks the rest.
#[test]
fn a_frame_cut_off_at_any_octet_and_given_up_costs_itself_only() {
    let (first, next) = (random_octets(1, 60), random_octets(2, 60));
    for config in configs() {
        let config = HdlcConfig {
            flags_before: 1,
            ..config
        };
        let mut whole = Vec::new();
        Encoder::new(&config).encode(&first, &mut whole);
        for sent in 0..whole.len() {
            let mut encoder = Encoder::new(&config);
            let mut octets = Vec::new();
            encoder.encode(&first, &mut octets);
            octets.truncate(sent);
            encoder.abort(&mut octets);
            encoder.encode(&next, &mut octets);
            // All but the fill after its flag may have been sent.
            let frames = good(decode(&octets, MAX, &config));
            let whole = frames.first() == Some(&first) && sent + 1 == whole.len();
            let frames = if whole { &frames[1..] } else { &frames[..] };
            assert_eq!(frames, std::slice::from_ref(&next), "{config:?} {sent}");
        }
    }
}

#[test]
fn what_follows_an_interruption_is_not_joined_to_what_came_before() {
    for config in configs() {
        let (first, next) = (random_octets(3, 60), random_octets(4, 60));
        let mut encoder = Encoder::new(&config);
        let mut octets = Vec::new();
        encoder.encode(&first, &mut octets);
        let mut decoder = Decoder::new(MAX, &config);
        decoder.push(&octets[..40]);
        assert!(decoder.next_frame().is_none());
        assert!(decoder.reset(), "a frame was cut off");
        assert!(!decoder.reset(), "none since");
        assert_eq!(decoder.buffered_bytes(), 0);
        let mut octets = octets[40..].to_vec();
        encoder.encode(&next, &mut octets);
        decoder.push(&octets);
        let mut frames = Vec::new();
        while let Some(outcome) = decoder.next_frame() {
            frames.extend(outcome.map(<[u8]>::to_vec));
        }
        assert_eq!(frames, [next], "{config:?}");
    }
}

#[test]
fn an_interruption_between_frames_costs_no_frame() {
    let config = HdlcConfig::default();
    let mut octets = Vec::new();
    Encoder::new(&config).encode(b"whole", &mut octets);
    let mut decoder = Decoder::new(MAX, &config);
    assert!(!decoder.reset(), "nothing came yet");
    decoder.push(&octets);
    assert_eq!(decoder.next_frame(), Some(Ok(&b"whole"[..])));
    assert_eq!(decoder.next_frame(), None);
    assert!(!decoder.reset(), "only fill came since");
}

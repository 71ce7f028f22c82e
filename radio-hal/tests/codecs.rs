//! What holds for every stream and every frame, however cut, damaged or hostile.

use proptest::collection::vec;
use proptest::prelude::*;
use radio_hal::ax25::{Digipeater, UiFrame, UiRepr};
use radio_hal::kiss::{self, Command, Decoder, FEND, FESC, Port, TFEND, TFESC};
use radio_hal::{Ax25Config, Callsign, Deframer, FrameDrop, Framer, FramingConfig, typed};

const N1: usize = 256;

fn callsign() -> impl Strategy<Value = Callsign> {
    ("[A-Z0-9]{1,6}", 0u8..=15).prop_map(|(text, ssid)| Callsign::new(&text, ssid).unwrap())
}

fn repr() -> impl Strategy<Value = UiRepr> {
    let digipeater = (callsign(), any::<bool>())
        .prop_map(|(callsign, repeated)| Digipeater { callsign, repeated });
    (callsign(), callsign(), vec(digipeater, 0..=8))
        .prop_map(|(to, from, path)| UiRepr::new(to, from, path).unwrap())
}

/// Octets with far more FENDs and escapes than chance would bring.
fn line_octets(bytes_max: usize) -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        4 => any::<u8>(),
        1 => Just(FEND),
        1 => Just(FESC),
        1 => Just(TFEND),
        1 => Just(TFESC),
        1 => Just(0),
    ];
    vec(octet, 0..bytes_max)
}

/// The specification read plainly: cut at FENDs, unescape piece by piece.
/// `Err` for a piece that is no frame.
fn frames_of_plain_reading(stream: &[u8], frame_bytes_max: usize) -> Vec<Result<Vec<u8>, ()>> {
    let mut pieces: Vec<&[u8]> = stream.split(|octet| *octet == FEND).collect();
    pieces.pop(); // not ended by a FEND
    let mut outcomes = Vec::new();
    for (index, piece) in pieces.into_iter().enumerate() {
        if piece.is_empty() {
            continue;
        }
        if index == 0 {
            outcomes.push(Err(())); // noise
            continue;
        }
        let mut frame = Vec::new();
        let mut good = true;
        let mut octets = piece.iter();
        while let Some(octet) = octets.next() {
            frame.push(match octet {
                &FESC => match octets.next() {
                    Some(&TFEND) => FEND,
                    Some(&TFESC) => FESC,
                    _ => {
                        good = false;
                        break;
                    }
                },
                octet => *octet,
            });
        }
        good &= frame.len() <= frame_bytes_max + 1;
        outcomes.push(if good { Ok(frame) } else { Err(()) });
    }
    outcomes
}

fn type_octet(port: Port, command: Command) -> u8 {
    let mut encoded = Vec::new();
    kiss::encode(port, command, &[], &mut encoded);
    match encoded[..] {
        [FEND, FESC, TFEND, FEND] => FEND,
        [FEND, FESC, TFESC, FEND] => FESC,
        [FEND, octet, FEND] => octet,
        _ => panic!("a type octet alone: {encoded:02X?}"),
    }
}

/// Cuts `stream` into chunks of the given sizes, over and over.
fn chunks<'a>(stream: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = stream;
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let size = (*sizes.next()?).clamp(1, rest.len().max(1));
        let (chunk, after) = rest.split_at_checked(size)?;
        rest = after;
        Some(chunk)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_kiss_frame_comes_back_as_it_was(
        port in 0u8..16,
        extension in 7u8..15,
        payload in line_octets(300),
    ) {
        let port = Port::new(port).unwrap();
        for command in [Command::Data, Command::SetHardware, Command::Extension(extension)] {
            let mut encoded = Vec::new();
            kiss::encode(port, command, &payload, &mut encoded);
            prop_assert!(encoded.len() <= kiss::encoded_bytes_max(payload.len()));
            prop_assert_eq!(encoded.iter().filter(|octet| **octet == FEND).count(), 2);
            let mut decoder = Decoder::new(300);
            decoder.push(&encoded);
            let frame = decoder.next_frame().unwrap().unwrap();
            prop_assert_eq!(frame.port, port);
            prop_assert_eq!(frame.command, command);
            prop_assert_eq!(frame.payload, &payload[..]);
            prop_assert!(decoder.next_frame().is_none());
        }
    }

    #[test]
    fn any_octets_cut_anywhere_decode_as_the_specification_reads(
        stream in line_octets(600),
        sizes in vec(1usize..40, 1..8),
    ) {
        // Small enough that many frames are too long.
        const FRAME_BYTES_MAX: usize = 12;
        let mut decoder = Decoder::new(FRAME_BYTES_MAX);
        let mut outcomes = Vec::new();
        for chunk in chunks(&stream, &sizes) {
            decoder.push(chunk);
            prop_assert!(decoder.buffered_bytes() <= FRAME_BYTES_MAX + 1 + chunk.len());
            while let Some(outcome) = decoder.next_frame() {
                outcomes.push(outcome.map(|frame| {
                    let mut octets = vec![type_octet(frame.port, frame.command)];
                    octets.extend_from_slice(frame.payload);
                    octets
                }).map_err(|_| ()));
            }
            prop_assert!(decoder.buffered_bytes() <= FRAME_BYTES_MAX + 1);
        }
        // A frame without end may already have been given up.
        let mut expected = frames_of_plain_reading(&stream, FRAME_BYTES_MAX);
        if outcomes.len() == expected.len() + 1 {
            expected.push(Err(()));
        }
        prop_assert_eq!(outcomes, expected);
    }

    #[test]
    fn every_good_frame_among_garbage_is_delivered_exactly_once(
        packets in vec((line_octets(200), vec(1u8.., 1..60)), 1..12),
        sizes in vec(1usize..500, 1..8),
    ) {
        let call = |text: &str| text.parse::<Callsign>().unwrap();
        let flight = Ax25Config::new(call("SAT1-1"), call("GND-2"));
        let ground = Ax25Config::new(call("GND-2"), call("SAT1-1"));
        let mut framer = Framer::new(&FramingConfig::kiss_ax25(ground), None).unwrap();
        let mut deframer = Deframer::new(&FramingConfig::kiss_ax25(flight)).unwrap();
        let mut stream = Vec::new();
        for (garbage, packet) in &packets {
            stream.extend_from_slice(garbage);
            framer.frame(packet, &mut stream).unwrap();
        }
        let mut delivered = Vec::new();
        for chunk in chunks(&stream, &sizes) {
            deframer.push(chunk);
            while let Some(outcome) = deframer.next_packet() {
                if let Ok(packet) = outcome {
                    delivered.push(packet.to_vec());
                }
            }
        }
        let sent: Vec<_> = packets.into_iter().map(|(_, packet)| packet).collect();
        prop_assert_eq!(delivered, sent);
    }

    #[test]
    fn an_ax25_frame_comes_back_as_it_was(repr in repr(), info in vec(any::<u8>(), 0..=N1)) {
        let mut octets = Vec::new();
        repr.emit(&info, &mut octets);
        prop_assert_eq!(octets.len(), repr.header_bytes() + info.len());
        let frame = UiFrame::new_checked(&octets, N1).unwrap();
        prop_assert_eq!(frame.info(), &info[..]);
        prop_assert_eq!(&frame.repr(), &repr);
        let typed = typed::parse(&octets, N1).unwrap();
        prop_assert_eq!(typed.source.to_string(), repr.source().to_string());
        prop_assert_eq!(typed.to_bytes(), octets);
    }

    #[test]
    fn any_octets_at_all_panic_nowhere_and_break_no_promise(octets in vec(any::<u8>(), 0..100)) {
        if let Ok(frame) = UiFrame::new_checked(&octets, 32) {
            prop_assert!(frame.info().len() <= 32);
        }
        if let Ok(frame) = typed::parse(&octets, 32) {
            prop_assert_eq!(frame.to_bytes(), octets);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_prefix_of_an_ax25_frame_panics_and_none_without_pid_is_taken(
        repr in repr(),
        info in vec(any::<u8>(), 0..40),
    ) {
        let mut octets = Vec::new();
        repr.emit(&info, &mut octets);
        for length in 0..octets.len() {
            let prefix = &octets[..length];
            let taken = UiFrame::new_checked(prefix, N1).is_ok();
            prop_assert_eq!(taken, length >= repr.header_bytes());
            let _ = typed::parse(prefix, N1);
        }
    }

    #[test]
    fn a_flipped_bit_panics_nowhere_and_is_never_mistaken_for_the_frame_sent(
        repr in repr(),
        info in vec(any::<u8>(), 0..40),
    ) {
        let mut octets = Vec::new();
        repr.emit(&info, &mut octets);
        for bit in 0..octets.len() * 8 {
            let mut flipped = octets.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(frame) = UiFrame::new_checked(&flipped, N1) {
                // Command, poll and reserved bits aside, every bit shows.
                let shows = frame.repr() != repr || frame.info() != info;
                let unseen = matches!(flipped[bit / 8] ^ octets[bit / 8], 0x10..=0x80);
                prop_assert!(shows || unseen, "bit {bit}");
            }
            if let Ok(frame) = typed::parse(&flipped, N1) {
                prop_assert_eq!(frame.to_bytes(), flipped);
            }
        }
    }

    #[test]
    fn no_flipped_bit_or_lost_end_of_a_kiss_frame_hurts_the_next_frame(
        payload in line_octets(60),
    ) {
        let mut first = Vec::new();
        kiss::encode(Port::ZERO, Command::Data, &payload, &mut first);
        let mut next = Vec::new();
        kiss::encode(Port::ZERO, Command::Data, b"next", &mut next);
        let flips = (0..first.len() * 8).map(|bit| {
            let mut flipped = first.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        });
        let prefixes = (0..first.len()).map(|length| first[..length].to_vec());
        for damaged in flips.chain(prefixes) {
            let mut decoder = Decoder::new(100);
            decoder.push(&damaged);
            decoder.push(&next);
            let mut last = None;
            while let Some(outcome) = decoder.next_frame() {
                last = Some(outcome.map(|frame| frame.payload.to_vec()));
            }
            prop_assert_eq!(last, Some(Ok(b"next".to_vec())));
        }
    }
}

#[test]
fn a_stream_without_any_frame_end_takes_no_memory() {
    let mut decoder = Decoder::new(64);
    for _ in 0..1000 {
        decoder.push(&[0x55; 1000]);
        assert!(decoder.next_frame().is_none());
        assert_eq!(decoder.buffered_bytes(), 0);
    }
    decoder.push(&[FEND]);
    for _ in 0..1000 {
        decoder.push(&[0x55; 1000]);
        while decoder.next_frame().is_some() {}
        assert!(decoder.buffered_bytes() <= 65);
    }
}

#[test]
fn the_deframer_gives_the_reason_and_goes_on() {
    let call = |text: &str| text.parse::<Callsign>().unwrap();
    let config = FramingConfig::ax25(Ax25Config::new(call("SAT1-1"), call("GND-2")));
    let mut deframer = Deframer::new(&config).unwrap();
    deframer.push(b"nonsense");
    assert!(matches!(
        deframer.next_packet(),
        Some(Err(FrameDrop::Address))
    ));
    assert!(deframer.next_packet().is_none());
    let mut octets = Vec::new();
    UiRepr::new(call("SAT1-1"), call("GND-2"), Vec::new())
        .unwrap()
        .emit(b"hello", &mut octets);
    deframer.push(&octets);
    assert_eq!(deframer.next_packet(), Some(Ok(&b"hello"[..])));
}

use radio_hal::{Ax25Config, Callsign, Deframer, Framer, FramingConfig, HdlcConfig};

use crate::pieces::Pieces;

const NEXT_PACKET: &[u8] = b"next \xC0\xDB\x7E\xFF packet";

/// Every framing: no packet is empty or longer than the framing carries, and
/// after an interruption the next packet arrives. The first octet chooses the
/// framing, the rest is [`Pieces`].
pub fn deframer(input: &[u8]) {
    let (choice, rest) = input.split_first().unwrap_or((&0, &[]));
    let configs = framings("SAT1-1", "GND-2");
    let choice = usize::from(*choice) % configs.len();
    let config = &configs[choice];
    let mut deframer = Deframer::new(config).expect("a good configuration");
    for piece in Pieces::of(rest).iter() {
        deframer.push(piece);
        let mut outcomes = 0;
        while let Some(outcome) = deframer.next_packet() {
            outcomes += 1;
            // Not even a bit of HDLC ends two frames.
            assert!(outcomes <= 8 * piece.len());
            if let Ok(packet) = outcome {
                assert!(!packet.is_empty());
                assert!(Some(packet.len()) <= config.packet_bytes_max().or(Some(usize::MAX)));
            }
        }
    }

    deframer.reset();
    let mut octets = Vec::new();
    Framer::new(&framings("GND-2", "SAT1-1")[choice], None)
        .and_then(|mut framer| framer.frame(NEXT_PACKET, &mut octets))
        .expect("a packet of ordinary length");
    deframer.push(&octets);
    assert_eq!(deframer.next_packet(), Some(Ok(NEXT_PACKET)));
    assert_eq!(deframer.next_packet(), None);
}

fn framings(callsign: &str, peer: &str) -> [FramingConfig; 8] {
    let call = |text: &str| text.parse::<Callsign>().expect("a callsign");
    let ax25 = || Ax25Config::new(call(callsign), call(peer));
    let scrambled = HdlcConfig {
        nrzi: true,
        g3ruh: true,
        flags_before: 4,
        ..HdlcConfig::default()
    };
    [
        FramingConfig::kiss_ax25(ax25()),
        FramingConfig::ax25(ax25()),
        FramingConfig::kiss(),
        FramingConfig::slip(),
        FramingConfig::raw(),
        FramingConfig::hdlc(HdlcConfig::default(), None),
        FramingConfig::hdlc(HdlcConfig::default(), Some(ax25())),
        FramingConfig::hdlc(scrambled, Some(ax25())),
    ]
}

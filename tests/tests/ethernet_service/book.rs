//! What the book says of its configuration.

use radio_hal::udp::UDP_FRAME_BYTES_MAX;
use radio_hal::{Framer, FramingConfig, RadioConfig};

/// The blocks of a page in this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.strip_prefix(language))
        .collect()
}

#[test]
fn the_channel_of_the_book_is_one_that_can_be() {
    let page = include_str!("../../../docs/src/channel.md");
    let blocks = blocks(page, "toml");
    assert_eq!(blocks.len(), 1);
    let table: toml::Table = blocks[0].parse().unwrap();
    let radio = table["ethernet-service"]["radio"].clone();
    let radio: RadioConfig = radio.try_into().unwrap();
    let channel = radio.development().channel.as_ref().unwrap();
    assert_eq!(channel.receive.bit_rate_bps, Some(1200));
    assert!(channel.period.is_some() && channel.transmit.burst.is_some());
}

/// What the book says of the largest packet for each framing.
#[test]
fn the_largest_packets_are_those_of_the_book() {
    let page = include_str!("../../../docs/src/configuration.md");
    for (framing, line) in [
        (FramingConfig::kiss(), "`kiss`"),
        (FramingConfig::slip(), "`slip`"),
        (
            FramingConfig::hdlc(Default::default(), None),
            "`hdlc` without AX.25",
        ),
        (FramingConfig::raw(), "`raw`"),
    ] {
        let [udp, stream] = [Some(UDP_FRAME_BYTES_MAX), None].map(|bytes_max| {
            let framer = Framer::new(&framing, bytes_max).unwrap();
            framer.packet_bytes_max().map(|bytes| {
                let (thousands, rest) = (bytes / 1000, bytes % 1000);
                format!("{thousands} {rest:03}")
            })
        });
        let stream = stream.unwrap_or("not possible".to_owned());
        let row = format!("| {line} | {} | {stream} |", udp.unwrap());
        assert!(page.lines().any(|said| said == row), "{row}");
    }
}

//! Frames, or none.

use radio_hal::hdlc::BitOrder;
use radio_hal::pcap::LinkType;

use super::*;

#[test]
fn a_configuration_that_fits_is_well_with_every_framing_and_format() {
    let framings = [
        (SERIAL, "framing = 'kiss-ax25'\n", true),
        (SERIAL, "framing = 'kiss'\n", false),
        (SERIAL, "framing = 'slip'\n", false),
        (
            SERIAL,
            "framing = 'hdlc'\nhdlc = { nrzi = true, g3ruh = true }\n",
            true,
        ),
        (SERIAL, "framing = 'hdlc'\n", false),
        (UDP, "framing = 'ax25'\n", true),
        (UDP, "framing = 'raw'\n", false),
        (UDP, "framing = 'kiss-ax25'\n", true),
    ];
    let formats = [
        "",
        "error-control = false\n",
        "format = 'kubos'\n",
        "format = 'kubos'\napid-preset = 'kubos-gateway'\n",
        "format = 'udp'\nground-port = 9001\nhttp-ports = [8020]\n",
        "apids = { udp = 77 }\n",
    ];
    for (kind, framing, ax25) in framings {
        for comms in formats {
            let end = |callsigns| match ax25 {
                true => link(&format!("{kind}{framing}{callsigns}"), comms),
                false => link(&format!("{kind}{framing}"), comms),
            };
            let text = told(&air(&end(SATELLITE)), &end(GROUND));
            assert_eq!(
                text, "all is well: 12 of 12 packets are delivered",
                "{framing}{comms}"
            );
        }
    }
}

#[test]
fn every_framing_heard_by_every_other_is_named() {
    let hdlc = |nrzi: bool, g3ruh: bool, order: &str| {
        format!(
            "framing = 'hdlc'\nhdlc = {{ nrzi = {nrzi}, g3ruh = {g3ruh}, bit-order = '{order}' }}\n"
        )
    };
    let mut framings = vec![
        ("kiss-ax25".to_owned(), "framing = 'kiss-ax25'\n".to_owned()),
        ("kiss".to_owned(), "framing = 'kiss'\n".to_owned()),
        ("slip".to_owned(), "framing = 'slip'\n".to_owned()),
    ];
    for (nrzi, g3ruh) in [(false, false), (true, false), (false, true), (true, true)] {
        for order in [BitOrder::LsbFirst, BitOrder::MsbFirst] {
            let order = match order {
                BitOrder::LsbFirst => "lsb-first",
                BitOrder::MsbFirst => "msb-first",
            };
            let key = format!(
                "hdlc\", hdlc = {{ nrzi = {nrzi}, g3ruh = {g3ruh}, bit-order = \"{order}\" }}"
            );
            framings.push((key, hdlc(nrzi, g3ruh, order)));
        }
    }
    let with = |framing: &str, callsigns: &str| {
        let ax25 = framing.contains("ax25") || framing.contains("hdlc");
        let callsigns = if ax25 { callsigns } else { "" };
        link(&format!("{SERIAL}{framing}{callsigns}"), "")
    };
    for (name, sent) in &framings {
        let heard = air(&with(sent, SATELLITE));
        for (_, configured) in &framings {
            if configured == sent {
                continue;
            }
            let ground = with(configured, GROUND);
            let first = diagnose(&heard, &ground).unwrap().findings[0].clone();
            assert_eq!(first.explains, 12);
            let change = first.change.unwrap();
            assert!(
                change.starts_with(&format!("[link.radio] framing = \"{name}")),
                "{sent} heard by {configured}: {change}"
            );
        }
    }
}

#[test]
fn hdlc_heard_by_kiss_is_told_with_what_is_not_there() {
    let satellite = link(
        &format!("{SERIAL}framing = 'hdlc'\nhdlc = {{ nrzi = true, g3ruh = true }}\n{SATELLITE}"),
        "",
    );
    let heard = air(&satellite);
    let text = told(&heard, &link(&kiss_ax25(GROUND), ""));
    let parts = [
        "KISS frame",
        "; with framing \"hdlc\", nrzi, g3ruh: 12 AX.25 frames → [link.radio] framing = \"hdlc\"",
    ];
    for part in parts {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn frames_inside_datagrams_are_found() {
    let satellite = link(&format!("{UDP}framing = 'kiss-ax25'\n{SATELLITE}"), "");
    let ground = link(&format!("{UDP}framing = 'ax25'\n{GROUND}"), "");
    let parts = [
        "the datagrams are not the frames",
        "framing = \"kiss-ax25\"",
    ];
    assert_finds(&air(&satellite), &ground, &parts);
}

#[test]
fn nothing_heard() {
    let ground = link(&kiss_ax25(GROUND), "");
    let mut heard = Heard::on(Medium::Stream);
    heard.time = Some(std::time::Duration::from_secs(10));
    let parts = [
        "nothing was heard in 10 s on /dev/ttyX at 9600 baud",
        "antenna",
        "baud rate",
    ];
    assert_finds(&heard, &ground, &parts);
    heard.foreign_sources = 3;
    let parts = [
        "3 datagrams came from another address",
        "→ [link.radio] peer",
    ];
    assert_finds(&heard, &ground, &parts);
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn noise_is_called_noise_whatever_is_configured() {
    for framing in ["kiss", "slip", "hdlc"] {
        let ground = link(&format!("{SERIAL}framing = '{framing}'\n"), "");
        let heard = Heard::from_octets(&ground, &noise(50_000));
        let text = told(&heard, &ground);
        assert!(
            !text.contains('→') && !text.contains("all is well"),
            "{text}"
        );
    }
}

#[test]
fn frames_are_found_in_noise_and_what_was_noise_is_no_loss() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let ground = link(&kiss_ax25(GROUND), "");
    let mut heard = Heard::on(Medium::Stream);
    heard.push(&[0x55; 1000]);
    air(&satellite).pieces().for_each(|piece| heard.push(piece));
    assert!(told(&heard, &ground).contains("all is well: 12 of 12"));
}

#[test]
fn no_more_is_looked_at_than_the_limit() {
    let mut heard = Heard::on(Medium::Stream);
    for _ in 0..=HEARD_BYTES_MAX / 1000 {
        heard.push(&[0; 1000]);
    }
    assert_eq!(heard.bytes(), HEARD_BYTES_MAX);
    assert!(heard.is_full());
}

#[test]
fn what_is_left_out_is_told_also_where_no_frame_fits_exactly() {
    let mut heard = Heard::from_capture(LinkType::User0);
    for _ in 0..HEARD_BYTES_MAX / 1000 {
        heard.push(&[0; 1000]);
        assert!(!heard.is_full());
    }
    let bytes = heard.bytes();
    heard.push(&[0; 1000]);
    // A shorter one that would fit is none of those that follow each other.
    heard.push(&[0]);
    assert!(heard.is_full());
    assert_eq!(heard.bytes(), bytes);
}

#[test]
fn a_file_of_octets_beyond_the_limit_is_looked_at_up_to_it() {
    for framing in ["kiss", "raw"] {
        let link = link(&format!("{UDP}framing = '{framing}'\n"), "");
        for more in [0, 1] {
            let heard = Heard::from_octets(&link, &vec![0; HEARD_BYTES_MAX + more]);
            assert_eq!(heard.bytes(), HEARD_BYTES_MAX);
            assert_eq!(heard.is_full(), more > 0);
        }
    }
}

#[test]
fn captures_have_no_framing_to_be_wrong() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    for framing in ["framing = 'hdlc'\n", "framing = 'kiss-ax25'\n"] {
        let ground = link(&format!("{SERIAL}{framing}{GROUND}"), "");
        let mut heard = Heard::from_capture(LinkType::Ax25Kiss);
        let mut bare = Heard::from_capture(LinkType::Ax25);
        let mut packets_only = Heard::from_capture(LinkType::User0);
        let ax25 = satellite.radio.framing().ax25.clone().unwrap();
        let mut framer = Framer::new(&radio_hal::FramingConfig::ax25(ax25), None).unwrap();
        for packet in packets(&satellite, End::Satellite) {
            let mut frame = Vec::new();
            framer.frame(&packet, &mut frame).unwrap();
            bare.push(&frame);
            frame.insert(0, 0);
            heard.push(&frame);
            packets_only.push(&packet);
        }
        for heard in [heard, bare, packets_only] {
            assert!(told(&heard, &ground).contains("all is well: 12 of 12"));
        }
    }
}

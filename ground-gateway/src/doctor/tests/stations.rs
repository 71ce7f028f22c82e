//! Callsigns, and the limits of AX.25.

use super::*;

#[test]
fn frames_for_another_callsign() {
    let satellite = link(
        &kiss_ax25("ax25 = { callsign = 'HELIO-1', peer = 'GND-1' }\n"),
        "",
    );
    let parts = [
        "12 of 12 frames are AX.25 from HELIO-1, but addressed to GND-1; your callsign is GROUND",
        "→ [link.radio] ax25.callsign = \"GND-1\", or ax25.broadcast = [\"GND-1\"]",
    ];
    assert_finds(&air(&satellite), &link(&kiss_ax25(GROUND), ""), &parts);
}

#[test]
fn callsigns_that_are_swapped() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let parts = ["swapped", "callsign = \"GROUND\", peer = \"HELIO-1\""];
    assert_finds(&air(&satellite), &link(&kiss_ax25(SATELLITE), ""), &parts);
}

#[test]
fn our_own_uplink() {
    let ours = link(&kiss_ax25(GROUND), "");
    let heard = air_of(&ours, &packets(&ours, End::Ground));
    let parts = ["12 of 12 frames are from GROUND, which is us, to HELIO-1"];
    assert_finds(&heard, &ours, &parts);
    assert_eq!(told(&heard, &ours).lines().count(), 2);

    let bare = link(&format!("{SERIAL}framing = 'kiss'\n"), "");
    let heard = air_of(&bare, &packets(&bare, End::Ground));
    let parts = ["12 of 12 packets are telecommands, which go up"];
    assert_finds(&heard, &bare, &parts);
}

#[test]
fn a_peer_that_is_not_the_one_who_speaks_is_a_remark() {
    let satellite = link(
        &kiss_ax25("ax25 = { callsign = 'HELIO-2', peer = 'GROUND' }\n"),
        "",
    );
    let text = told(&air(&satellite), &link(&kiss_ax25(GROUND), ""));
    assert!(
        text.contains("remark: all frames for us come from HELIO-2"),
        "{text}"
    );
    assert!(text.contains("all is well: 12 of 12"), "{text}");
}

#[test]
fn callsigns_are_suggested_where_there_are_none() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let ground = link(&format!("{SERIAL}framing = 'kiss'\n"), "");
    let parts = [
        "12 of 12 frames are AX.25 frames, which framing \"kiss\" does not expect",
        "framing = \"kiss-ax25\", ax25 = { callsign = \"GROUND\", peer = \"HELIO-1\" }",
    ];
    assert_finds(&air(&satellite), &ground, &parts);
}

#[test]
fn information_longer_than_n1() {
    let n1 = "ax25 = { callsign = 'HELIO-1', peer = 'GROUND', n1 = 1024 }\n";
    let satellite = link(&kiss_ax25(n1), "");
    let mut sent = packets(&satellite, End::Satellite);
    let format = satellite
        .comms
        .packet_format(End::Satellite, Some(1024), satellite.addresses)
        .unwrap();
    let head = Head {
        payload_type: PayloadType::Udp,
        class: Class::Standard,
        security: None,
        command_id: 0,
        port: 7,
    };
    let mut long = Vec::new();
    format.build(&head, &[7; 482], 0, 6, &mut long).unwrap();
    sent.push(long);
    let parts = [
        "1 of 13 frames have up to 500 octets of information; n1 is 256",
        "[link.radio] ax25.n1 = 500",
    ];
    let ground = link(&kiss_ax25(GROUND), "");
    assert_finds(&air_of(&satellite, &sent), &ground, &parts);
}

#[test]
fn frames_for_another_port_of_the_tnc() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let ground = link(&kiss_ax25(GROUND), "");
    let mut octets: Vec<u8> = air(&satellite).pieces().flatten().copied().collect();
    for at in 1..octets.len() {
        // A frame end, and the octet that a data frame on port 0 begins with.
        if octets[at - 1..=at] == [0xC0, 0x00] {
            octets[at] = 0x10;
        }
    }
    let heard = Heard::from_octets(&ground, &octets);
    assert_finds(
        &heard,
        &ground,
        &["12 of 12 frames are for another KISS port"],
    );
}

#[test]
fn a_busy_channel_is_told_in_a_few_lines() {
    let ground = link(&kiss_ax25(GROUND), "");
    let mut heard = Heard::on(Medium::Stream);
    for other in 0..200 {
        let callsigns = format!("ax25 = {{ callsign = 'OTH{other}', peer = 'HELIO-1' }}\n");
        let sender = link(&kiss_ax25(&callsigns), "");
        let frames = air_of(&sender, &[vec![0x18; 9]]);
        frames.pieces().for_each(|piece| heard.push(piece));
    }
    let text = told(&heard, &ground);
    assert_eq!(text.lines().count(), FINDINGS_SHOWN_MAX + 2, "{text}");
    assert!(text.contains("and 180 findings of less weight"), "{text}");
    assert!(text.contains("go up to HELIO-1, our peer, from OTH0: another ground"));
}

//! Packets of every format.

use super::*;

#[test]
fn error_control_at_one_end_only() {
    let with = |callsigns, error_control| {
        let comms = format!("error-control = {error_control}\n");
        link(&kiss_ax25(callsigns), &comms)
    };
    let parts = [
        "12 of 12 packets are whole Space Packets without error control",
        "error-control 12",
        "→ [link.comms] error-control = false",
    ];
    assert_finds(&air(&with(SATELLITE, false)), &with(GROUND, true), &parts);
    let parts = [
        "12 of 12 packets are Space Packets that end with a right CRC-16",
        "→ [link.comms] error-control = true",
    ];
    assert_finds(&air(&with(SATELLITE, true)), &with(GROUND, false), &parts);
}

#[test]
fn every_format_heard_by_every_other_is_named() {
    let formats = [
        ("space-packet", ""),
        ("space-packet", "error-control = false\n"),
        ("kubos", ""),
        ("udp", ""),
    ];
    for (sent, more) in formats {
        for (configured, _) in formats {
            if sent == configured {
                continue;
            }
            let with = |callsigns, format, more| {
                let comms = format!("format = '{format}'\nground-port = 9001\n{more}");
                link(&kiss_ax25(callsigns), &comms)
            };
            let heard = air(&with(SATELLITE, sent, more));
            let key = format!(
                "→ [link.comms] format = \"{sent}\"{}{}",
                if more.is_empty() { "" } else { ", " },
                more.trim_end()
            );
            let parts = ["12 of 12 packets are format", &key];
            assert_finds(&heard, &with(GROUND, configured, ""), &parts);
        }
    }
}

#[test]
fn another_apid_preset() {
    let kubos = |callsigns, preset| {
        let comms = format!("format = 'kubos'\napid-preset = '{preset}'\n");
        link(&kiss_ax25(callsigns), &comms)
    };
    for (sent, configured) in [("kubos-gateway", "kubos"), ("kubos", "kubos-gateway")] {
        let key = format!("→ [link.comms] apid-preset = \"{sent}\"");
        let satellite = kubos(SATELLITE, sent);
        let all = packets(&satellite, End::Satellite);
        // Either alone tells, too.
        let telemetry: Vec<_> = all.iter().step_by(2).cloned().collect();
        let answers: Vec<_> = all.iter().skip(1).step_by(2).cloned().collect();
        for packets in [all, telemetry, answers] {
            let heard = air_of(&satellite, &packets);
            assert_finds(&heard, &kubos(GROUND, configured), &[&key]);
        }
    }
    let satellite = link(
        &kiss_ax25(SATELLITE),
        "apids = { udp = 4, graphql-bulk = 6 }\n",
    );
    let ground = link(&kiss_ax25(GROUND), "apid-preset = 'kubos'\n");
    let parts = ["unknown-apid 6", "→ [link.comms] apid-preset = \"default\""];
    assert_finds(&air(&satellite), &ground, &parts);
}

#[test]
fn an_apid_of_no_map() {
    let satellite = link(&kiss_ax25(SATELLITE), "apids = { udp = 7 }\n");
    let parts = [
        "APID 7 is in no map: 6 of 12 packets",
        "apids = { udp = 7 }",
    ];
    assert_finds(&air(&satellite), &link(&kiss_ax25(GROUND), ""), &parts);
}

#[test]
fn several_faults_at_once_are_all_told() {
    let satellite = link(
        &format!(
            "{SERIAL}framing = 'hdlc'\n\
             ax25 = {{ callsign = 'HELIO-1', peer = 'GND-1' }}\n"
        ),
        "format = 'kubos'\n",
    );
    let heard = air(&satellite);
    let ground = link(&kiss_ax25(GROUND), "");
    for key in [
        "framing = \"hdlc\"",
        "ax25.callsign = \"GND-1\"",
        "format = \"kubos\"",
    ] {
        assert_finds(&heard, &ground, &[key]);
    }
}

#[test]
fn segments_that_miss_another() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let format = satellite
        .comms
        .packet_format(End::Satellite, None, satellite.addresses)
        .unwrap();
    let head = Head {
        payload_type: PayloadType::Udp,
        class: Class::Standard,
        security: None,
        command_id: 0,
        port: 7,
    };
    let build = |index: u32| {
        let mut packet = Vec::new();
        format
            .build(&head, &[7; 1000], index, index as u16, &mut packet)
            .unwrap();
        packet
    };
    let ground = link(&kiss_ax25(GROUND), "");
    let late = air_of(&satellite, &[build(2), build(3)]);
    assert_finds(&late, &ground, &["2 of 2 packets continue a message"]);
    let gap = air_of(&satellite, &[build(0), build(1), build(3)]);
    assert_finds(
        &gap,
        &ground,
        &["2 of 3 packets are of messages that miss a segment"],
    );
    // Its end may still come.
    let begun = air_of(&satellite, &[build(0), build(1)]);
    assert!(told(&begun, &ground).contains("all is well: 2 of 2"));
}

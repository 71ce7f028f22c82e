//! AX.25 UI frames against `aioax25` and Wireshark, and both framings in
//! captures that we write.

use heliograph_tests::pcap::{self, LinkType};
use heliograph_tests::referee::{self, AX25};
use heliograph_tests::{hex, tshark};
use radio_hal::Callsign;
use radio_hal::ax25::{Digipeater, UiFrame, UiRepr};
use serde_json::json;

use super::payloads;

fn call(text: &str) -> Callsign {
    text.parse().expect("a callsign")
}

fn frame(digipeaters: &[(&str, bool)], payload: &[u8]) -> Vec<u8> {
    let digipeaters = digipeaters.iter().map(|(callsign, repeated)| Digipeater {
        callsign: call(callsign),
        repeated: *repeated,
    });
    let frame = UiRepr::new(call("HELIO-1"), call("GROUND-15"), digipeaters.collect());
    let mut octets = Vec::new();
    frame.expect("a valid header").emit(payload, &mut octets);
    octets
}

#[test]
fn aioax25_reads_our_frames_and_writes_them_alike() {
    let paths: [&[(&str, bool)]; 3] = [
        &[],
        &[("RPT-3", true)],
        &[("RPT-3", true), ("WIDE2-1", false)],
    ];
    for (path, payload) in paths.iter().zip(payloads()) {
        let ours = hex::from_octets(&frame(path, &payload));
        let payload = hex::from_octets(&payload);
        let starred = |(call, repeated): &(&str, bool)| match repeated {
            true => format!("{call}*"),
            false => call.to_string(),
        };
        let verdicts = referee::ask_all(
            AX25,
            &[
                json!({"ask": "decode", "octets": ours}),
                json!({
                    "ask": "encode", "destination": "HELIO-1", "source": "GROUND-15",
                    "digipeaters": path.iter().map(starred).collect::<Vec<_>>(),
                    "payload": payload,
                }),
            ],
        );
        let digipeaters = path
            .iter()
            .map(|(station, repeated)| json!({"station": station, "repeated": repeated}))
            .collect::<Vec<_>>();
        let fields = json!({
            "destination": "HELIO-1", "source": "GROUND-15", "command": true,
            "digipeaters": digipeaters, "control": 0x03, "pid": 0xF0, "payload": payload,
        });
        assert_eq!(verdicts, [Ok(fields), Ok(json!(ours))]);
    }
}

#[test]
fn we_read_the_frames_that_aioax25_writes() {
    let verdict = referee::ask(
        AX25,
        &json!({
            "ask": "encode", "destination": "CQ", "source": "N0CALL-7",
            "digipeaters": ["RPT-3*", "WIDE2-1"], "payload": "c0db00ff",
        }),
    );
    let octets = hex::to_octets(verdict.expect("a frame").as_str().expect("hexadecimal"));
    let read = UiFrame::new_checked(&octets, 256).expect("a valid frame");
    assert_eq!(read.destination(), call("CQ"));
    assert_eq!(read.source(), call("N0CALL-7"));
    let path: Vec<_> = read.digipeaters().collect();
    assert_eq!(path[0].callsign, call("RPT-3"));
    assert!(path[0].repeated && !path[1].repeated);
    assert_eq!(read.info(), [0xC0, 0xDB, 0x00, 0xFF]);
}

#[test]
fn wireshark_names_callsigns_control_and_pid_in_captures_of_both_framings() {
    let directory = tempfile::tempdir().expect("a directory");
    for (link_type, kiss) in [(LinkType::Ax25, false), (LinkType::Ax25Kiss, true)] {
        let path = directory.path().join("capture.pcap");
        let frames: Vec<Vec<u8>> = payloads()
            .iter()
            .map(|payload| {
                let mut octets = if kiss { vec![0x00] } else { Vec::new() };
                octets.extend(frame(&[("RPT-3", true)], payload));
                octets
            })
            .collect();
        pcap::write(&path, link_type, &frames);

        let text = tshark::details(&path, &[]);
        let mut expected = vec![
            "AX.25, Src: GROUND-15, Dst: HELIO-1, Ver: V2.0+",
            "Via 1: RPT-3",
            "Control field: U, func=UI (0x03)",
            "Protocol ID: No L3 (0xf0)",
        ];
        if kiss {
            expected.push("KISS: Data frame, Port 0");
        }
        for line in expected {
            let found = text.lines().filter(|said| said.trim() == line).count();
            assert_eq!(found, frames.len(), "{line} in {text}");
        }
        assert!(!text.contains("Malformed"), "{text}");
        let rows = tshark::fields(&path, &[], &["ax25.ctl"]);
        assert_eq!(rows.len(), frames.len());
        for row in rows {
            assert_eq!(row, ["0x03"]);
        }
    }
}

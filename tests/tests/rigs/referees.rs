//! The referees know frames and packets that were put together by hand.

use heliograph_tests::pcap::{self, LinkType};
use heliograph_tests::referee::{self, AX25, CCSDS, KISS};
use heliograph_tests::{hex, tshark};
use serde_json::json;

/// A telecommand on APID 66, unsegmented, count 5, three octets of data.
const SPACE_PACKET: &str = "1042 c005 0002 0a0b0c";

/// `hello` from SAT1-1 to GND-2 by way of RPT-3, which has repeated it.
const UI_FRAME: &str = "8e9c88404040e4 a682a862404062 a4a0a8404040e7 03f0 68656c6c6f";

fn plain(hexadecimal: &str) -> String {
    hexadecimal.replace(' ', "")
}

#[test]
fn a_space_packet_is_decoded_and_encoded_alike() {
    let verdicts = referee::ask_all(
        CCSDS,
        &[
            json!({"ask": "decode", "octets": SPACE_PACKET}),
            json!({"ask": "encode", "type": 1, "apid": 66, "flags": 3, "count": 5, "data": "0a0b0c"}),
        ],
    );
    let fields = json!({
        "version": 0, "type": 1, "shf": 0, "apid": 66,
        "flags": 3, "count": 5, "length": 2, "data": "0a0b0c",
    });
    assert_eq!(verdicts, [Ok(fields), Ok(json!(plain(SPACE_PACKET)))]);
}

#[test]
fn a_space_packet_with_a_false_length_is_refused() {
    let verdict = referee::ask(
        CCSDS,
        &json!({"ask": "decode", "octets": "1042c00500030a0b0c"}),
    );
    let refusal = verdict.expect_err("four octets of data are declared, three are there");
    assert!(
        refusal.0.contains("packet of 10 octets in 9"),
        "{refusal:?}"
    );
}

#[test]
fn packet_error_control_has_the_check_value_of_crc_16_ibm_3740() {
    let octets = hex::from_octets(b"123456789");
    let verdict = referee::ask(CCSDS, &json!({"ask": "error_control", "octets": octets}));
    assert_eq!(verdict, Ok(json!(0x29b1)));
}

#[test]
fn a_ui_frame_is_decoded_and_encoded_alike() {
    let verdicts = referee::ask_all(
        AX25,
        &[
            json!({"ask": "decode", "octets": UI_FRAME}),
            json!({
                "ask": "encode", "destination": "GND-2", "source": "SAT1-1",
                "digipeaters": ["RPT-3*"], "payload": "68656c6c6f",
            }),
        ],
    );
    let fields = json!({
        "destination": "GND-2", "source": "SAT1-1", "command": true,
        "digipeaters": [{"station": "RPT-3", "repeated": true}],
        "control": 0x03, "pid": 0xf0, "payload": "68656c6c6f",
    });
    assert_eq!(verdicts, [Ok(fields), Ok(json!(plain(UI_FRAME)))]);
}

#[test]
fn kiss_escapes_are_put_in_and_taken_out() {
    let verdicts = referee::ask_all(
        KISS,
        &[
            json!({"ask": "escape", "octets": "01c0db02"}),
            json!({"ask": "unescape", "octets": "01dbdcdbdd02"}),
        ],
    );
    assert_eq!(verdicts, [Ok(json!("01dbdcdbdd02")), Ok(json!("01c0db02"))]);
}

#[test]
fn a_kiss_frame_is_decoded_and_encoded_alike() {
    let verdicts = referee::ask_all(
        KISS,
        &[
            json!({"ask": "decode", "octets": "c010 dbdc dbdddc c0"}),
            json!({"ask": "encode", "port": 1, "payload": "c0dbdc"}),
            json!({"ask": "decode", "octets": "c010c0c0"}),
        ],
    );
    let fields = json!({"port": 1, "command": 0, "payload": "c0dbdc"});
    assert_eq!(verdicts[0], Ok(fields));
    assert_eq!(verdicts[1], Ok(json!("c010dbdcdbdddcc0")));
    assert!(verdicts[2].is_err(), "a FEND inside a frame");
}

#[test]
#[should_panic(expected = "KeyError: 'divine'")]
fn a_question_no_script_knows_is_no_refusal() {
    let _ = referee::ask(CCSDS, &json!({"ask": "divine"}));
}

#[test]
fn wireshark_reads_space_packets_in_udp() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let capture = folder.path().join("packets.pcap");
    let packet = pcap::udp_packet(5000, 5001, &hex::to_octets(SPACE_PACKET));
    pcap::write(&capture, LinkType::Ipv4, &[packet.clone(), packet]);
    let rows = tshark::fields(
        &capture,
        &["udp.port==5001,ccsds"],
        &[
            "ip.checksum.status",
            "udp.checksum.status",
            "ccsds.apid",
            "ccsds.seqnum",
            "ccsds.length",
        ],
    );
    let row = ["1", "3", "66", "5", "2"];
    assert_eq!(rows, [row, row]);
}

#[test]
fn wireshark_reads_ax25_alone_and_behind_a_kiss_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let capture = folder.path().join("frames.pcap");
    let frame = hex::to_octets(UI_FRAME);
    let kiss = [vec![0], frame.clone()].concat();
    for (link_type, frame) in [(LinkType::Ax25, frame), (LinkType::Ax25Kiss, kiss)] {
        pcap::write(&capture, link_type, &[frame]);
        let details = tshark::details(&capture, &[]);
        for shown in [
            "Source: SAT1-1",
            "Destination: GND-2",
            "Via 1: RPT-3",
            "Control field: U, func=UI (0x03)",
            "Data: 68656c6c6f",
        ] {
            assert!(details.contains(shown), "no {shown} in {details}");
        }
    }
}

#[test]
#[should_panic(expected = "ccsds.colour")]
fn wireshark_is_not_asked_for_fields_it_does_not_have() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let capture = folder.path().join("empty.pcap");
    pcap::write(&capture, LinkType::Ipv4, &[]);
    let _ = tshark::fields(&capture, &[], &["ccsds.colour"]);
}

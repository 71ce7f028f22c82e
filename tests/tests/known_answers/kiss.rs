//! KISS against `kiss3` and `aioax25`.

use heliograph_tests::hex;
use heliograph_tests::referee::{self, KISS};
use radio_hal::kiss::{Command, Decoder, Port, encode};
use serde_json::{Value, json};

use super::payloads;

fn encoded(payload: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    encode(Port::ZERO, Command::Data, payload, &mut octets);
    octets
}

#[test]
fn kiss3_escapes_a_payload_as_we_do() {
    let questions = payloads()
        .iter()
        .map(|payload| json!({"ask": "escape", "octets": hex::from_octets(payload)}))
        .collect::<Vec<Value>>();
    let verdicts = referee::ask_all(KISS, &questions);
    for (payload, verdict) in payloads().iter().zip(verdicts) {
        let ours = encoded(payload);
        // FEND and the type octet before, FEND after.
        let inner = hex::from_octets(&ours[2..ours.len() - 1]);
        assert_eq!(verdict, Ok(json!(inner)));
    }
}

#[test]
fn aioax25_decodes_our_frames_and_encodes_them_alike() {
    for payload in payloads() {
        let ours = hex::from_octets(&encoded(&payload));
        let payload = hex::from_octets(&payload);
        let verdicts = referee::ask_all(
            KISS,
            &[
                json!({"ask": "decode", "octets": ours}),
                json!({"ask": "encode", "port": 0, "payload": payload}),
            ],
        );
        assert_eq!(
            verdicts,
            [
                Ok(json!({"port": 0, "command": 0, "payload": payload})),
                Ok(json!(ours))
            ]
        );
    }
}

#[test]
fn we_decode_a_stream_of_frames_from_aioax25() {
    let questions = payloads()
        .iter()
        .map(|payload| json!({"ask": "encode", "port": 0, "payload": hex::from_octets(payload)}))
        .collect::<Vec<Value>>();
    let mut decoder = Decoder::new(1024);
    let mut received = Vec::new();
    for verdict in referee::ask_all(KISS, &questions) {
        let frame = verdict.expect("an encoded frame");
        decoder.push(&hex::to_octets(frame.as_str().expect("hexadecimal")));
        while let Some(frame) = decoder.next_frame() {
            received.push(frame.expect("a good frame").payload.to_vec());
        }
    }
    assert_eq!(received, payloads());
}

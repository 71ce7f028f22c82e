//! `gen_packets` and `atest`.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use radio_hal::Callsign;

use super::{Modem, dump, not_started};
use crate::audio::{self, SAMPLE_RATE_HZ, Samples};

/// What `gen_packets` reads of a line.
const LINE_CHARACTERS_MAX: usize = 399;

/// The sound that `gen_packets` makes of a UI frame with `info`, whatever octets
/// these are.
///
/// Panics when the program fails, or `info` is too long for its input: some 60
/// octets always fit.
#[track_caller]
pub fn generate(modem: Modem, source: Callsign, destination: Callsign, info: &[u8]) -> Samples {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (line, wav) = (folder.path().join("line"), folder.path().join("sound.wav"));
    // A line's end would be sent, too.
    let frame = format!("{source}>{destination}:{}", escaped(info));
    assert!(frame.len() <= LINE_CHARACTERS_MAX, "{frame:?} is too long");
    fs::write(&line, frame).expect("a new file");
    let mut command = Command::new("gen_packets");
    command
        .args(["-B", &modem.bit_rate_bps().to_string()])
        .args(["-r", &SAMPLE_RATE_HZ.to_string()])
        .arg("-o")
        .args([&wav, &line]);
    output(&mut command);
    audio::read_wav(&wav)
}

/// The frames that `atest` finds in a sound, in order, without their FCS; panics
/// when the program fails.
#[track_caller]
pub fn decode(modem: Modem, samples: &[i16]) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wav = folder.path().join("sound.wav");
    audio::write_wav(&wav, samples);
    let mut command = Command::new("atest");
    command
        .args(["-B", &modem.bit_rate_bps().to_string()])
        .arg("-h")
        .arg(&wav);
    let frames = dump::frames(&output(&mut command));
    frames.into_iter().map(|frame| frame.octets).collect()
}

/// All but plain characters by their numbers.
fn escaped(info: &[u8]) -> String {
    let mut text = String::new();
    for octet in info {
        match octet {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => text.push(char::from(*octet)),
            _ => write!(text, "<0x{octet:02x}>").expect("a string takes all"),
        }
    }
    text
}

#[track_caller]
fn output(command: &mut Command) -> Vec<u8> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{}", not_started(&program, &error)));
    assert!(
        output.status.success(),
        "{program} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
    );
    output.stdout
}

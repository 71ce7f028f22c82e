//! Sound, and the programs that make it and hear it.

use heliograph_tests::audio::{levels, read_wav, silence, slice, write_wav};
use heliograph_tests::direwolf::{Direwolf, Modem, decode, generate};
use heliograph_tests::wait::eventually;
use radio_hal::ax25::UiFrame;

use crate::PATIENCE;

const INFO: &[u8] = b"any octets: \x00\x0A\x7E\xC0\xDB\xFF<0x41>";

#[test]
fn a_recording_reads_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sound.wav");
    let samples = [0, 1, -1, i16::MAX, i16::MIN];
    write_wav(&path, &samples);
    assert_eq!(read_wav(&path), samples);
}

#[test]
fn bits_are_found_in_their_levels_again() {
    let bits: Vec<bool> = (0..200_u32).map(|at| at * at % 7 < 3).collect();
    for samples_per_bit in [3, 5, 40] {
        let samples = levels(bits.iter().copied(), samples_per_bit);
        assert_eq!(slice(&samples, samples_per_bit), bits);
    }
}

#[test]
fn a_generated_frame_is_decoded_octet_by_octet() {
    for modem in [Modem::Afsk1200, Modem::G3ruh9600] {
        let (from, to) = ("GND-2".parse(), "SAT1-1".parse());
        let mut samples = generate(
            modem,
            from.expect("a callsign"),
            to.expect("a callsign"),
            INFO,
        );
        samples.extend(silence(1));
        let frames = decode(modem, &samples);
        let infos = frames
            .iter()
            .map(|frame| UiFrame::new_checked(frame, 256).map(|it| it.info()));
        assert_eq!(infos.collect::<Vec<_>>(), [Ok(INFO)], "{modem:?}");
        assert_eq!(decode(modem, &silence(1)), Vec::<Vec<u8>>::new());
    }
}

#[test]
fn what_is_played_to_dire_wolf_it_hears() {
    let mut tnc = Direwolf::start(Modem::G3ruh9600);
    let (from, to) = ("GND-2".parse(), "SAT1-1".parse());
    tnc.play(&generate(
        Modem::G3ruh9600,
        from.expect("a callsign"),
        to.expect("a callsign"),
        INFO,
    ));
    let heard = eventually(PATIENCE, || tnc.heard().pop());
    assert!(heard.ends_with(INFO), "{heard:02X?}");
    assert!(tnc.sent().is_empty());
}

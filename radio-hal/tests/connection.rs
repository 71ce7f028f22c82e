//! A connection whose radio does what its contract allows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use radio_hal::{
    Deframer, ErrorKind, FrameBuffer, FramingConfig, Medium, Radio, RadioConnection, RadioError,
    RadioProperties, RadioReceiver, RadioTransmitter,
};

const SHORT: Duration = Duration::from_millis(20);

/// The pieces that one `receive` pushes, and what it gives.
type Receive = (Vec<Vec<u8>>, Result<(), RadioError>);

/// Hears what it is told to, then nothing.
#[derive(Default)]
struct Hears(VecDeque<Receive>);

impl RadioReceiver for Hears {
    fn receive(&mut self, received: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        let Some((pieces, outcome)) = self.0.pop_front() else {
            thread::sleep(timeout);
            return Ok(());
        };
        pieces.iter().for_each(|piece| received.push(piece));
        outcome
    }
}

/// Has one credit, which each `transmit` takes and each look at the credits
/// gives back; keeps to itself what it sends. The first `transmit` fails amid
/// the frame.
#[derive(Default)]
struct OneCredit {
    has_credit: bool,
    has_failed: bool,
    sent: Arc<Mutex<Vec<u8>>>,
}

fn error(kind: ErrorKind) -> RadioError {
    RadioError::new(kind, "as the test wants it")
}

impl RadioTransmitter for OneCredit {
    fn credits(&mut self, _: Duration) -> Result<usize, RadioError> {
        self.has_credit = true;
        Ok(1)
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        if !std::mem::take(&mut self.has_credit) {
            return Err(error(ErrorKind::Full));
        }
        let has_failed = std::mem::replace(&mut self.has_failed, true);
        let sent = if has_failed {
            frame.len()
        } else {
            frame.len() / 2
        };
        self.sent.lock().unwrap().extend_from_slice(&frame[..sent]);
        match has_failed {
            true => Ok(()),
            false => Err(error(ErrorKind::Timeout)),
        }
    }
}

fn connect(receiver: Hears, transmitter: OneCredit) -> RadioConnection {
    let radio = Radio::new(RadioProperties::new(Medium::Stream), receiver, transmitter);
    RadioConnection::new(radio, FramingConfig::kiss(), SHORT).unwrap()
}

fn packets_in(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut deframer = Deframer::new(&FramingConfig::kiss()).unwrap();
    deframer.push(octets);
    let all = std::iter::from_fn(|| deframer.next_packet().map(|next| next.map(<[u8]>::to_vec)));
    all.filter_map(Result::ok).collect()
}

#[test]
fn a_radio_of_one_credit_sends_again_after_a_frame_was_cut_short() {
    let radio = OneCredit::default();
    let sent = Arc::clone(&radio.sent);
    let connection = connect(Hears::default(), radio);
    let kind = connection.write(b"a frame").unwrap_err().kind();
    assert_eq!(kind, ErrorKind::Timeout);
    connection.write(b"a frame").unwrap();
    connection.write(b"the next").unwrap();
    assert_eq!(
        packets_in(&sent.lock().unwrap()),
        [&b"a frame"[..], b"the next"]
    );
}

#[test]
fn a_packet_that_is_to_be_offered_again_is_no_failure_yet() {
    let connection = connect(Hears::default(), OneCredit::default());
    assert!(connection.write(b"a frame").is_err());
    connection.write(b"a frame").unwrap();
    let counted = connection.statistics();
    assert_eq!((counted.transmitted, counted.transmit_failures), (1, 0));
}

#[test]
fn what_comes_along_with_an_error_is_not_joined_to_what_comes_after_it() {
    let cut = vec![b"\xC0\x00a half".to_vec()];
    let hears = [
        (cut, Err(error(ErrorKind::Disconnected))),
        (
            vec![b" another half\xC0".to_vec(), b"\x00whole\xC0".to_vec()],
            Ok(()),
        ),
    ];
    let connection = connect(Hears(hears.into()), OneCredit::default());
    assert!(connection.read().is_err());
    assert_eq!(connection.read().unwrap(), b"whole");
}

#[test]
fn a_connection_says_what_its_framing_puts_around_a_packet() {
    use radio_hal::{Ax25Config, LoopbackRadio};

    let [own, peer] = ["HELIO-1", "GROUND"].map(|call| call.parse().unwrap());
    let ax25 = || Ax25Config::new(own, peer);
    for (framing, octets, is_bit_stuffed) in [
        (FramingConfig::raw(), 0, false),
        (FramingConfig::kiss(), 3, true),
        (FramingConfig::ax25(ax25()), 16, true),
        (FramingConfig::kiss_ax25(ax25()), 19, true),
    ] {
        let (radio, _) = LoopbackRadio::pair();
        let connection = RadioConnection::new(radio, framing, SHORT).unwrap();
        assert_eq!(connection.frame_overhead_bytes(), octets);
        assert_eq!(connection.is_bit_stuffed(), is_bit_stuffed);
    }
}

#[test]
fn a_read_of_all_gives_what_is_there_and_no_more_than_its_bound() {
    let pieces = |packets: std::ops::Range<u32>| -> Vec<Vec<u8>> {
        let frames = packets.map(|number| format!("\u{C0}\0{number}\u{C0}"));
        let octets = |frame: String| frame.chars().map(|c| c as u8).collect();
        frames.map(octets).collect()
    };
    let hears = [
        (pieces(0..2), Ok(())),
        (vec![pieces(2..102).concat()], Ok(())),
    ];
    let connection = connect(Hears(hears.into()), OneCredit::default());
    let mut packets = FrameBuffer::new();
    let mut read = || {
        connection.read_all(&mut packets).unwrap();
        let read = packets.len();
        let numbers = packets
            .iter()
            .map(|packet| String::from_utf8_lossy(packet).parse().unwrap());
        let numbers: Vec<u32> = numbers.collect();
        packets.clear();
        assert_eq!(numbers.len(), read);
        numbers
    };
    assert_eq!(read(), [0, 1]);
    assert!(read().into_iter().eq(2..66));
    assert!(read().into_iter().eq(66..102));
    assert!(read().is_empty());
}

#[test]
fn the_rest_of_a_batch_is_offered_from_where_the_radio_stopped() {
    let radio = OneCredit {
        has_failed: true,
        ..OneCredit::default()
    };
    let sent = Arc::clone(&radio.sent);
    let connection = connect(Hears::default(), radio);
    let mut packets = FrameBuffer::new();
    for packet in [&b"one"[..], b"two", b"three"] {
        packets.push(packet);
    }
    let mut taken = connection.write_all(&packets).unwrap();
    assert_eq!(taken, 1);
    while taken < packets.len() {
        taken += connection.write_all(packets.iter().skip(taken)).unwrap();
    }
    assert!(packets_in(&sent.lock().unwrap()).iter().eq(packets.iter()));
}

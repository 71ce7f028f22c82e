//! Radios inside a channel that fail.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use radio_hal::channel::{ChannelConfig, ChannelMonitor, LINGER_MAX_MS, simulate};
use radio_hal::{
    Deframer, ErrorKind, FrameBuffer, FramingConfig, Medium, Radio, RadioConnection, RadioError,
    RadioProperties, RadioReceiver, RadioTransmitter,
};

use crate::air::ms;

/// Hears nothing, and counts how often it is asked.
#[derive(Clone, Default)]
struct Silence(Arc<AtomicUsize>);

impl RadioReceiver for Silence {
    fn receive(&mut self, _: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        self.0.fetch_add(1, Relaxed);
        thread::sleep(timeout);
        Ok(())
    }
}

/// Does with each frame what the function does.
struct Sending<F>(F);

impl<F: FnMut(&[u8]) -> Result<(), RadioError> + Send> RadioTransmitter for Sending<F> {
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        (self.0)(frame)
    }
}

/// A radio on a stream behind a channel that delivers at once.
fn connect(
    receiver: impl RadioReceiver + 'static,
    transmitter: impl RadioTransmitter + 'static,
) -> (RadioConnection, ChannelMonitor) {
    let inside = Radio::new(RadioProperties::new(Medium::Stream), receiver, transmitter);
    let framing = FramingConfig::kiss();
    let (radio, monitor) = simulate(inside, &framing, &ChannelConfig::default()).unwrap();
    let connection = RadioConnection::new(radio, framing, ms(500)).unwrap();
    (connection, monitor)
}

fn packets_in(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut deframer = Deframer::new(&FramingConfig::kiss()).unwrap();
    deframer.push(octets);
    let all = std::iter::from_fn(|| deframer.next_packet().map(|next| next.map(<[u8]>::to_vec)));
    all.filter_map(Result::ok).collect()
}

#[test]
fn a_frame_of_which_the_radio_inside_sent_a_part_is_not_taken_for_a_frame() {
    let line = Arc::new(Mutex::new(Vec::new()));
    let mut calls = 0;
    let transmitter = Sending({
        let line = Arc::clone(&line);
        move |frame: &[u8]| {
            calls += 1;
            let mut line = line.lock().unwrap();
            if calls == 1 {
                line.extend_from_slice(&frame[..frame.len() / 2]);
                return Err(RadioError::new(ErrorKind::Timeout, "it hangs"));
            }
            line.extend_from_slice(frame);
            Ok(())
        }
    });
    let (connection, _) = connect(Silence::default(), transmitter);
    connection.write(b"cut short").unwrap();
    connection.write(b"whole").unwrap();
    drop(connection);
    let packets = packets_in(&line.lock().unwrap());
    assert_eq!(packets, [b"whole"]);
}

#[test]
fn a_receiver_does_not_spin_while_the_transmitter_inside_hangs() {
    let silence = Silence::default();
    let (began, has_begun) = std::sync::mpsc::channel();
    let transmitter = Sending(move |_: &[u8]| {
        let _ = began.send(());
        thread::sleep(ms(1500));
        Ok(())
    });
    let (connection, _) = connect(silence.clone(), transmitter);
    connection.write(b"first").unwrap();
    has_begun.recv().unwrap();
    // It has arrived, and nobody fetches it.
    connection.write(b"second").unwrap();
    assert!(connection.read().unwrap().is_empty());
    let asked = silence.0.load(Relaxed);
    assert!(asked < 50, "{asked} times in half a second");
}

#[test]
fn a_radio_that_takes_nothing_is_closed_in_bounded_time() {
    let transmitter = Sending(|_: &[u8]| {
        thread::sleep(ms(1000));
        Err(RadioError::new(ErrorKind::Timeout, "it hangs"))
    });
    let (connection, _) = connect(Silence::default(), transmitter);
    for number in 0..60u8 {
        connection.write(&[number]).unwrap();
    }
    let began = Instant::now();
    drop(connection);
    let elapsed = began.elapsed();
    assert!(elapsed < ms(3 * LINGER_MAX_MS), "{elapsed:?}");
}

#[test]
fn a_transmitter_inside_that_panicked_is_an_error_for_who_sends() {
    let transmitter = Sending(|_: &[u8]| panic!("a defect of the driver"));
    let (connection, _) = connect(Silence::default(), transmitter);
    let began = Instant::now();
    while connection.write(b"hello").is_ok() {
        assert!(began.elapsed() < ms(10_000), "it is taken for ever");
        thread::sleep(ms(1));
    }
}

/// Each look at the credits gives one, which each `transmit` takes; the first
/// `transmit` fails amid the frame.
struct OneCredit {
    has_credit: bool,
    has_failed: bool,
    line: Arc<Mutex<Vec<u8>>>,
}

impl RadioTransmitter for OneCredit {
    fn credits(&mut self, _: Duration) -> Result<usize, RadioError> {
        self.has_credit = true;
        Ok(1)
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        if !std::mem::take(&mut self.has_credit) {
            return Err(RadioError::new(ErrorKind::Full, "it is full"));
        }
        let mut line = self.line.lock().unwrap();
        if !std::mem::replace(&mut self.has_failed, true) {
            line.extend_from_slice(&frame[..frame.len() / 2]);
            return Err(RadioError::new(ErrorKind::Timeout, "it hangs"));
        }
        line.extend_from_slice(frame);
        Ok(())
    }
}

#[test]
fn a_radio_inside_of_one_credit_sends_again_after_a_frame_was_cut_short() {
    let line = Arc::new(Mutex::new(Vec::new()));
    let transmitter = OneCredit {
        has_credit: false,
        has_failed: false,
        line: Arc::clone(&line),
    };
    let (connection, _) = connect(Silence::default(), transmitter);
    for packet in [&b"cut short"[..], b"first", b"second"] {
        connection.write(packet).unwrap();
    }
    drop(connection);
    let packets = packets_in(&line.lock().unwrap());
    assert_eq!(packets, [&b"first"[..], b"second"]);
}

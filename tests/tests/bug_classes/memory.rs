//! Class 5: memory was lost where frames were dropped.
//!
//! F´#5011, F´#5014, F´#2066, libcsp#962, CVE-2026-22024, direwolf#620, HDTN#18,
//! fprime-gds#315, the errors of KubOS's telemetry.

use std::time::{Duration, Instant};

use comms_service::accounting::DropReason;
use comms_service::link::{Action, Link, LinkConfig, ServiceFailure};
use comms_service::message::{End, PayloadType};
use comms_service::telemetry::ERRORS_MAX;
use heliograph_soak::hostile::Hostile;
use radio_hal::kiss::{self, Command, FEND, FESC, Port};
use radio_hal::{
    FrameBuffer, FrameDrop, FramingConfig, Medium, Radio, RadioConnection, RadioError,
    RadioProperties, RadioReceiver, RadioTransmitter,
};

use crate::packets::{formats, packet, satellite, ui_frame};
use crate::random::Random;

/// Frames of one round; the receiver gives the same ones again and again.
const FRAMES: u64 = 1000;
const ROUNDS: u64 = 1000;
const PIECE_BYTES: usize = 4096;
/// A leak of 20 octets a frame is more; what the other tests take at the same
/// time is less.
const GROWTH_BYTES_MAX: u64 = 16 << 20;

/// One of the ways of a frame to be worthless.
fn hostile(kind: usize, random: &mut Random, stream: &mut Vec<u8>) {
    let ground = formats(End::Ground).remove(0);
    let count = random.below(1 << 14) as u16;
    let good = |kind, bytes: usize| packet(&*ground, kind, &vec![0x55; bytes], count);
    let info = match kind {
        // Wrong escapes, too long, a command, another port.
        0 => return stream.extend([FEND, 0, 1, FESC, 2, FEND]),
        1 => return frame(Port::ZERO, Command::Data, &[0x55; 600], stream),
        2 => return frame(Port::ZERO, Command::TxDelay, &[50], stream),
        3 => {
            return frame(
                Port::new(3).expect("a port"),
                Command::Data,
                b"other",
                stream,
            );
        }
        // AX.25 that is none, is not UI, is for another.
        4 => return frame(Port::ZERO, Command::Data, &random.octets(40), stream),
        5 => return frame(Port::ZERO, Command::Data, &ui_frame(b"x")[..15], stream),
        6 => {
            let mut other = ui_frame(b"for another");
            other[0] = b'X' << 1;
            return frame(Port::ZERO, Command::Data, &other, stream);
        }
        // Packets that are none, are altered, are cut.
        7 => random.octets(60),
        8 => {
            let mut altered = good(PayloadType::Udp, 60);
            altered[20] ^= 1;
            altered
        }
        9 => good(PayloadType::Udp, 60)[..30].to_vec(),
        // First segments of messages that never go on, all at once.
        10 | 11 => good(PayloadType::GraphQl, 5000),
        // Queries and datagrams that their services do not want.
        12 => good(PayloadType::GraphQl, 60),
        _ => good(PayloadType::Udp, 60),
    };
    frame(Port::ZERO, Command::Data, &ui_frame(&info), stream);
}

fn frame(port: Port, command: Command, payload: &[u8], stream: &mut Vec<u8>) {
    kiss::encode(port, command, payload, stream);
}

struct Flood {
    stream: Vec<u8>,
    at: usize,
    rounds_left: u64,
}

impl RadioReceiver for Flood {
    fn receive(&mut self, received: &mut FrameBuffer, _: Duration) -> Result<(), RadioError> {
        if self.at == self.stream.len() && self.rounds_left > 0 {
            self.at = 0;
            self.rounds_left -= 1;
        }
        let end = self.stream.len().min(self.at + PIECE_BYTES);
        received.push(&self.stream[self.at..end]);
        self.at = end;
        Ok(())
    }
}

struct Deaf;

impl RadioTransmitter for Deaf {
    fn transmit(&mut self, _: &[u8]) -> Result<(), RadioError> {
        Ok(())
    }
}

fn flooded_radio() -> RadioConnection {
    let mut random = Random::new(5);
    let mut stream = Vec::new();
    for number in 0..FRAMES {
        hostile(number as usize % 14, &mut random, &mut stream);
    }
    let flood = Flood {
        stream,
        at: 0,
        rounds_left: ROUNDS - 1,
    };
    let radio = Radio::new(RadioProperties::new(Medium::Stream), flood, Deaf);
    let timeout = Duration::from_millis(50);
    let framing = FramingConfig::kiss_ax25(satellite());
    RadioConnection::new(radio, framing, timeout).expect("it fits")
}

fn resident_bytes() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/statm") else {
        // Not Linux: the budget's account must do.
        return 0;
    };
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok());
    4096 * pages.unwrap_or(0)
}

/// Does what an engine asks for, as services do that want nothing of it.
fn refuse_all(link: &mut Link) {
    while let Some(action) = link.poll_action() {
        let refusal = || ServiceFailure {
            reason: DropReason::ServiceUnreachable,
            message: "nobody listens".to_owned(),
        };
        match action {
            Action::Post { handler, body, .. } => {
                drop(body);
                link.handle_answer(handler, Err(refusal()));
            }
            Action::SendDatagram { .. } => link.handle_datagram_sent(Err(refusal())),
            other => panic!("not asked for: {other:?}"),
        }
    }
}

/// Class 5: a million frames of every worthless kind, through the radio's
/// framing into the engine.
#[test]
fn a_million_hostile_frames_leave_memory_and_accounts_as_they_were() {
    let connection = flooded_radio();
    let mut link = Link::new(
        LinkConfig::new(End::Satellite),
        formats(End::Satellite).remove(0),
    );

    let mut now = Instant::now();
    let mut packet_out = Vec::new();
    let (mut warm, mut held_bytes_max) = (None, 0);
    loop {
        let packet = connection.read().expect("the flood goes on");
        if packet.is_empty() {
            break;
        }
        now += Duration::from_millis(1);
        link.handle_packet(now, packet);
        link.handle_timeout(now);
        held_bytes_max = held_bytes_max.max(link.budget().bytes_used());
        refuse_all(&mut link);
        while link.poll_packet(now, 0, &mut packet_out) {
            link.handle_written(now, 0, Ok(()));
        }
        if warm.is_none() && connection.statistics().received > FRAMES * ROUNDS / 10 {
            warm = Some(resident_bytes());
        }
    }
    let growth = resident_bytes().saturating_sub(warm.expect("a tenth came"));
    println!("grown by {growth} octets");
    assert!(growth < GROWTH_BYTES_MAX, "grown by {growth} octets");

    let frames = connection.statistics();
    assert_eq!(frames.received, FRAMES * ROUNDS);
    assert_eq!(
        frames.drops().map(|(_, count)| count).sum::<u64>(),
        frames.dropped
    );
    assert!(frames.dropped_for(FrameDrop::Oversize) > 0);
    assert!(held_bytes_max > 0, "nothing was ever held");
    link.handle_timeout(now + Duration::from_secs(3600));
    let all = link.statistics();
    assert!(all.balances(), "{all:?}");
    assert_eq!(all.packets_in.offered, frames.delivered);
    assert_eq!(all.memory_bytes_used, 0);
    assert!(all.errors.len() <= ERRORS_MAX);
}

/// Class 5: a million frames made anew one by one, of good traffic and at random,
/// to both ends and in every format, with good exchanges in between.
#[test]
fn a_million_new_hostile_frames_leave_memory_flat_and_good_traffic_served() {
    let hostile = Hostile {
        frames: 1_000_000,
        seed: 5,
    };
    let report = hostile.run(|_| ()).expect("both ends go on");
    for line in report.lines() {
        println!("{line}");
        assert!(line.passes, "{line}");
    }
    // The engines saw what was wrong, not only their framing.
    let reasons: Vec<_> = report.dropped().iter().map(|(reason, _)| *reason).collect();
    for reason in [
        "error-control",
        "length",
        "duplicate",
        "unknown-apid",
        "sequence-gap",
    ] {
        assert!(reasons.contains(&reason), "{reason} of {reasons:?}");
    }
}

//! The channel around radios that work, in real time.

use std::thread;
use std::time::{Duration, Instant};

use radio_hal::channel::{ChannelConfig, ChannelMonitor, Contact, DirectionConfig, simulate};
use radio_hal::{Ax25Config, ErrorKind, FrameDrop, FramingConfig, LoopbackRadio, RadioConnection};

use crate::air::ms;

const LONG: Duration = Duration::from_secs(5);

fn framing(own: &str, peer: &str) -> FramingConfig {
    FramingConfig::kiss_ax25(Ax25Config::new(own.parse().unwrap(), peer.parse().unwrap()))
}

/// A satellite behind a channel, and a ground without one.
fn link(config: &ChannelConfig) -> (RadioConnection, ChannelMonitor, RadioConnection) {
    let (flight, ground) = LoopbackRadio::pair();
    let flight_framing = framing("SAT-1", "GND-1");
    let (flight, monitor) = simulate(flight, &flight_framing, config).unwrap();
    (
        RadioConnection::new(flight, flight_framing, LONG).unwrap(),
        monitor,
        RadioConnection::new(ground, framing("GND-1", "SAT-1"), LONG).unwrap(),
    )
}

fn both_ways(config: DirectionConfig) -> ChannelConfig {
    ChannelConfig {
        transmit: config.clone(),
        receive: config,
        ..ChannelConfig::default()
    }
}

#[test]
fn packets_cross_the_channel_both_ways_and_take_their_time() {
    let config = both_ways(DirectionConfig {
        bit_rate_bps: Some(100_000),
        delay: ms(50),
        ..DirectionConfig::default()
    });
    let (flight, monitor, ground) = link(&config);
    let packet: Vec<u8> = (0..=255).collect();
    let began = Instant::now();
    flight.write(&packet).unwrap();
    assert_eq!(ground.read().unwrap(), packet);
    ground.write(&packet).unwrap();
    assert_eq!(flight.read().unwrap(), packet);
    // 22 ms on the air and 50 ms to the other end, twice.
    assert!(began.elapsed() >= ms(144), "{:?}", began.elapsed());
    let all = monitor.statistics();
    assert_eq!((all.transmit.delivered, all.receive.delivered), (1, 1));
}

#[test]
fn the_radio_says_what_the_channel_is_like() {
    let mut config = both_ways(DirectionConfig {
        bit_rate_bps: Some(9600),
        tx_delay: ms(300),
        ..DirectionConfig::default()
    });
    config.duplex = radio_hal::Duplex::Half;
    let (flight, _, _ground) = link(&config);
    let properties = flight.properties();
    assert_eq!(properties.bit_rate_bps, Some(9600));
    assert_eq!(properties.tx_delay, ms(300));
    assert_eq!(properties.duplex, radio_hal::Duplex::Half);
    assert_eq!(properties.frames_in_flight_max, 1);
}

#[test]
fn a_writer_is_paced_to_the_bit_rate() {
    let config = both_ways(DirectionConfig {
        bit_rate_bps: Some(96_000),
        ..DirectionConfig::default()
    });
    let (flight, _, ground) = link(&config);
    let began = Instant::now();
    for number in 0..10u8 {
        flight.write(&[number; 256]).unwrap();
    }
    // Nine frames of some 23 ms were sent before the last was taken.
    assert!(began.elapsed() >= ms(190), "{:?}", began.elapsed());
    for number in 0..10u8 {
        assert_eq!(ground.read().unwrap(), [number; 256]);
    }
}

#[test]
fn a_radio_that_is_sending_refuses_when_nobody_can_wait() {
    let config = both_ways(DirectionConfig {
        bit_rate_bps: Some(1200),
        ..DirectionConfig::default()
    });
    let (flight, ground) = LoopbackRadio::pair();
    let framing = framing("SAT-1", "GND-1");
    let (flight, _) = simulate(flight, &framing, &config).unwrap();
    let flight = RadioConnection::new(flight, framing, ms(1)).unwrap();
    flight.write(&[0; 100]).unwrap();
    assert_eq!(flight.write(&[0; 100]).unwrap_err().kind(), ErrorKind::Full);
    drop(ground);
}

fn contact(aos_s: f64) -> ChannelConfig {
    ChannelConfig {
        contacts: vec![Contact { aos_s, los_s: 1e9 }],
        ..ChannelConfig::default()
    }
}

#[test]
fn nothing_is_heard_out_of_contact_and_the_drop_is_counted() {
    let (flight, monitor, ground) = link(&contact(1e8));
    assert!(!monitor.is_in_contact());
    ground.write(b"too early").unwrap();
    let reader = thread::spawn({
        let flight = flight.clone();
        move || flight.read().unwrap()
    });
    while flight.statistics().dropped == 0 {
        thread::sleep(ms(5));
    }
    assert!(reader.join().unwrap().is_empty());
    let statistics = flight.statistics();
    assert_eq!(statistics.dropped_for(FrameDrop::NoContact), 1);
}

#[test]
fn what_is_sent_after_aos_is_heard() {
    let (flight, monitor, ground) = link(&contact(0.2));
    while !monitor.is_in_contact() {
        thread::sleep(ms(5));
    }
    ground.write(b"in contact").unwrap();
    assert_eq!(flight.read().unwrap(), b"in contact");
}

#[test]
fn what_the_radio_has_taken_leaves_the_antenna_before_it_closes() {
    let config = both_ways(DirectionConfig {
        bit_rate_bps: Some(9600),
        ..DirectionConfig::default()
    });
    let (flight, _, ground) = link(&config);
    flight.write(b"last words").unwrap();
    drop(flight);
    assert_eq!(ground.read().unwrap(), b"last words");
}

//! Wrappers of radios: the fault injector, observers, the capture; and all of
//! them around one another.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use radio_hal::capture::capture;
use radio_hal::channel::{ChannelConfig, Direction, DirectionConfig, simulate};
use radio_hal::host_line::inject;
use radio_hal::watch::{TraceLine, watch};
use radio_hal::{
    Ax25Config, Deframed, ErrorKind, FrameDrop, FramingConfig, HostLineConfig, LoopbackRadio,
    Medium, Radio, RadioConnection,
};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(5);

fn framing(own: &str, peer: &str) -> FramingConfig {
    FramingConfig::kiss_ax25(Ax25Config::new(own.parse().unwrap(), peer.parse().unwrap()))
}

fn satellite_framing() -> FramingConfig {
    framing("SAT-1", "GND-1")
}

fn connect(radio: Radio, framing: FramingConfig, read_timeout: Duration) -> RadioConnection {
    RadioConnection::new(radio, framing, read_timeout).unwrap()
}

fn ground(radio: Radio) -> RadioConnection {
    connect(radio, framing("GND-1", "SAT-1"), LONG)
}

/// A satellite with faults on its host line, and a ground.
fn faulty(config: HostLineConfig) -> (RadioConnection, RadioConnection) {
    let (satellite, other) = LoopbackRadio::pair();
    let (satellite, _) = inject(satellite, &config).unwrap();
    (
        connect(satellite, satellite_framing(), SHORT),
        ground(other),
    )
}

#[test]
fn split_reads_make_a_stream_of_datagrams_and_lose_nothing() {
    let (satellite, ground) = faulty(HostLineConfig {
        split_reads: true,
        ..HostLineConfig::default()
    });
    assert_eq!(satellite.properties().medium, Medium::Stream);
    for number in 0..50u8 {
        ground
            .write(&vec![number; 1 + usize::from(number) * 5])
            .unwrap();
    }
    for number in 0..50u8 {
        let packet = std::iter::repeat_with(|| satellite.read().unwrap())
            .find(|packet| !packet.is_empty())
            .unwrap();
        assert_eq!(packet, vec![number; 1 + usize::from(number) * 5]);
    }
    assert_eq!(satellite.statistics().dropped, 0);
}

#[test]
fn a_framing_without_borders_cannot_have_split_reads() {
    let (satellite, _other) = LoopbackRadio::pair();
    let split = HostLineConfig {
        split_reads: true,
        ..HostLineConfig::default()
    };
    let (satellite, _) = inject(satellite, &split).unwrap();
    let error = RadioConnection::new(satellite, FramingConfig::raw(), SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[test]
fn octets_that_are_altered_or_lost_cost_their_own_frames_only() {
    let (other, satellite) = LoopbackRadio::pair();
    let config = HostLineConfig {
        seed: 1,
        octet_errors: 1e-3,
        octet_loss: 1e-3,
        ..HostLineConfig::default()
    };
    let (satellite, monitor) = inject(satellite, &config).unwrap();
    let (satellite, ground) = (
        connect(satellite, satellite_framing(), SHORT),
        ground(other),
    );
    let packets = 400u32;
    for number in 0..packets {
        ground
            .write(&[&number.to_be_bytes()[..], &[0x55; 100]].concat())
            .unwrap();
    }
    let whole = (0..packets)
        .map_while(|_| Some(satellite.read().unwrap()).filter(|packet| !packet.is_empty()))
        .filter(|packet| packet.len() == 104 && packet.ends_with(&[0x55; 100]))
        .count();
    let done = monitor.statistics();
    let faults = done.octets_altered + done.octets_lost;
    assert!(faults > 20, "{done:?}");
    // KISS has no check sequence: a fault is seen here or by the packet layer, and
    // costs the frame that it hits, or, at a border, that and its neighbour.
    assert!(
        whole as u64 + 2 * faults >= u64::from(packets),
        "{whole}, {done:?}"
    );
}

#[test]
fn injected_failures_and_refusals_lose_nothing_to_who_tries_again() {
    let (satellite, ground) = faulty(HostLineConfig {
        seed: 3,
        receive_failures: 0.3,
        transmit_failures: 0.3,
        refusals: 0.3,
        ..HostLineConfig::default()
    });
    for number in 0..30u8 {
        while satellite.write(&[number]).is_err() {}
        ground.write(&[number]).unwrap();
    }
    for number in 0..30u8 {
        assert_eq!(ground.read().unwrap(), [number]);
        let packet = std::iter::repeat_with(|| satellite.read())
            .find_map(|read| read.ok().filter(|packet| !packet.is_empty()))
            .unwrap();
        assert_eq!(packet, [number]);
    }
}

#[test]
fn a_fault_that_is_no_probability_is_refused_by_its_key() {
    for text in ["octet-errors = 1.5", "refusals = -1", "octet-loss = nan"] {
        let config: HostLineConfig = toml::from_str(text).unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(
            text.starts_with(error.split('`').nth(1).unwrap()),
            "{error}"
        );
    }
    assert!(toml::from_str::<HostLineConfig>("octet-eror = 1").is_err());
}

/// What an observer was shown: direction, octets, and why a frame is dropped.
type Shown = Arc<Mutex<Vec<(Direction, String, Result<(), FrameDrop>)>>>;

fn watched(radio: Radio) -> (Radio, Shown) {
    let shown = Shown::default();
    let observer = {
        let shown = Arc::clone(&shown);
        move |direction: Direction, deframed: Deframed<'_>| {
            let line = TraceLine(direction, deframed).to_string();
            let fate = deframed.packet.map(drop);
            shown.lock().unwrap().push((direction, line, fate));
        }
    };
    (watch(radio, &satellite_framing(), observer).unwrap(), shown)
}

#[test]
fn an_observer_sees_every_frame_with_the_reason_why_it_is_dropped() {
    let (satellite, other) = LoopbackRadio::pair();
    let (satellite, shown) = watched(satellite);
    let satellite = connect(satellite, satellite_framing(), SHORT);
    let stranger = connect(other, framing("ANY-1", "OTHER"), SHORT);
    stranger.write(b"not for us").unwrap();
    satellite.write(b"hello").unwrap();
    assert!(satellite.read().unwrap().is_empty());

    let shown = shown.lock().unwrap();
    let lines: Vec<_> = shown.iter().map(|(_, line, _)| line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "transmit: 21 octets, SAT-1 to GND-1",
            "receive: 26 octets, ANY-1 to OTHER, dropped: not-addressed-to-us"
        ]
    );
    assert_eq!(shown[1].2, Err(FrameDrop::NotAddressedToUs));
}

#[test]
fn what_an_observer_counts_is_what_the_connection_counts() {
    let (satellite, other) = LoopbackRadio::pair();
    let config = HostLineConfig {
        seed: 5,
        octet_errors: 0.01,
        split_reads: true,
        ..HostLineConfig::default()
    };
    let (satellite, _) = inject(satellite, &config).unwrap();
    let (satellite, shown) = watched(satellite);
    let (satellite, ground) = (
        connect(satellite, satellite_framing(), SHORT),
        ground(other),
    );
    for _ in 0..200 {
        ground.write(&[7; 60]).unwrap();
    }
    while satellite.statistics().received < 150 {
        satellite.read().unwrap();
    }
    while !satellite.read().unwrap().is_empty() {}
    let statistics = satellite.statistics();
    let shown = shown.lock().unwrap();
    for (reason, count) in statistics.drops() {
        let seen = shown
            .iter()
            .filter(|(_, _, fate)| *fate == Err(reason))
            .count();
        assert_eq!(seen as u64, count, "{reason}");
    }
    assert!(statistics.dropped > 10, "{statistics:?}");
}

#[test]
fn all_wrappers_stand_around_one_radio() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.pcap");
    let (satellite, other) = LoopbackRadio::pair();
    let framing = satellite_framing();
    let direction = DirectionConfig {
        bit_rate_bps: Some(100_000),
        ..DirectionConfig::default()
    };
    let channel = ChannelConfig {
        transmit: direction.clone(),
        receive: direction,
        ..ChannelConfig::default()
    };
    let (radio, _) = simulate(satellite, &framing, &channel).unwrap();
    let split = HostLineConfig {
        split_reads: true,
        ..HostLineConfig::default()
    };
    let (radio, _) = inject(radio, &split).unwrap();
    let (radio, shown) = watched(radio);
    let radio = watch(radio, &framing, capture(&path, &framing).unwrap()).unwrap();
    let (satellite, ground) = (connect(radio, framing, LONG), ground(other));

    satellite.write(b"down").unwrap();
    assert_eq!(ground.read().unwrap(), b"down");
    ground.write(b"up").unwrap();
    assert_eq!(satellite.read().unwrap(), b"up");
    assert_eq!(shown.lock().unwrap().len(), 2);
    // File header, and two records of 16 octets and KISS type and frame.
    let captured = std::fs::metadata(&path).unwrap().len();
    assert_eq!(captured, 24 + 2 * 17 + 20 + 18);
}

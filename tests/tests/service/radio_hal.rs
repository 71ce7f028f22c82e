//! The ready-made wiring for radios of `radio-hal`.

use std::thread;
use std::time::Duration;

use comms_service::{CommsConfig, CommsError, LinkOptions, radio};
use heliograph_tests::udp::UdpPeer;
use radio_hal::{Ax25Config, FramingConfig, LoopbackRadio, RadioConnection};

use crate::rig::Satellite;

/// Longer than what holds for a radio that says nothing.
const READ_TIMEOUT: Duration = Duration::from_millis(1400);

/// Two connections that hear each other by AX.25.
fn pair() -> (RadioConnection, RadioConnection) {
    pair_with_bit_rate(None)
}

/// The same; the satellite's radio says that it sends at that rate.
fn pair_with_bit_rate(bit_rate_bps: Option<u64>) -> (RadioConnection, RadioConnection) {
    let (mut satellite, ground) = LoopbackRadio::pair();
    satellite.properties.bit_rate_bps = bit_rate_bps;
    let [here, there] = ["HELIO-1", "GROUND-1"].map(|call| call.parse().expect("a callsign"));
    let open = |radio, own, peer| {
        let framing = FramingConfig::ax25(Ax25Config {
            n1: 100,
            ..Ax25Config::new(own, peer)
        });
        RadioConnection::new(radio, framing, READ_TIMEOUT).expect("a radio")
    };
    (open(satellite, here, there), open(ground, there, here))
}

fn config() -> CommsConfig {
    CommsConfig {
        handler_port_min: 0,
        handler_port_max: 0,
        downlink_ports: Some(vec![0]),
        ..CommsConfig::default()
    }
}

#[test]
fn packets_are_as_large_as_the_radio_takes() {
    let app = UdpPeer::bind();
    let (connection, other_end) = pair();
    let bytes_max = connection.packet_bytes_max().expect("AX.25 has a limit");
    let builder = radio::builder(connection, config(), LinkOptions::default());
    let satellite = Satellite::start(builder.expect("it fits together"));
    app.send_to(satellite.downlink_port(0), &[7; 3000]);
    satellite.wait_until(|all| all.messages_out.delivered == 1);
    let first = other_end.read().expect("it hears");
    assert_eq!(first.len(), bytes_max);
}

#[test]
fn the_stop_waits_for_a_read_as_long_as_the_radio_says() {
    let (connection, other_end) = pair();
    let config = CommsConfig {
        timeout: 1,
        ..config()
    };
    let builder = radio::builder(connection, config, LinkOptions::default());
    let satellite = Satellite::start(builder.expect("it fits together"));
    other_end.write(b"noise").expect("it sends");
    satellite.wait_until(|all| all.packets_in.offered == 1);
    // By then the next read has begun.
    thread::sleep(Duration::from_millis(50));
    assert_eq!(satellite.shut_down().report.detached, [""; 0]);
}

#[test]
fn an_address_that_is_none_is_refused() {
    let config = CommsConfig {
        satellite_ip: "nonsense".to_string(),
        ..config()
    };
    let builder = radio::builder(pair().0, config, LinkOptions::default());
    let error = builder.err().expect("no address");
    assert!(matches!(error, CommsError::Address(_)), "{error:?}");
}

#[test]
fn a_radio_that_says_its_bit_rate_is_paced_unless_that_is_switched_off() {
    for (configured, frames) in [(None, 1), (Some(0), 30)] {
        let app = UdpPeer::bind();
        // A frame takes some minutes.
        let (connection, _other_end) = pair_with_bit_rate(Some(2));
        let config = CommsConfig {
            timeout: 1,
            ..config()
        };
        let options = LinkOptions {
            bit_rate_bps: configured,
            ..LinkOptions::default()
        };
        let builder = radio::builder(connection, config, options);
        let satellite = Satellite::start(builder.expect("it fits together"));
        app.send_to(satellite.downlink_port(0), &[7; 3000]);
        satellite.wait_until(|all| all.packets_out.delivered >= frames);
        let sent = satellite.shut_down().report.statistics.packets_out;
        assert!((frames..frames + 10).contains(&sent.delivered), "{sent:?}");
    }
}

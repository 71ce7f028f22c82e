//! The communications service on a TNC, and what the ground would send it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::LinkPacket;
use comms_service::packet::{Content, SpacePacketFormat};
use comms_service::{CommsConfig, CommsHandle, CommsTelemetry, LinkOptions, radio};
use heliograph_tests::direwolf::Direwolf;
use radio_hal::{Callsign, RadioConfig, RadioConnection};
use serde_json::json;

/// Room for a whole datagram of 256 octets with its headers.
pub(crate) const N1: usize = 300;

pub(crate) fn satellite_callsign() -> Callsign {
    "SAT1-1".parse().expect("a callsign")
}

pub(crate) fn ground_callsign() -> Callsign {
    "GND-2".parse().expect("a callsign")
}

/// A running service, with the radio it was started on.
pub(crate) struct Satellite {
    pub(crate) radio: RadioConnection,
    handle: Option<CommsHandle>,
}

impl Satellite {
    /// With the configuration a user would write.
    #[track_caller]
    pub(crate) fn start(tnc: &Direwolf) -> Self {
        let config: RadioConfig = serde_json::from_value(json!({
            "kind": "kiss-tcp",
            "peer": tnc.address(),
            "read-timeout-ms": 50,
            "ax25": { "callsign": satellite_callsign(), "peer": ground_callsign(), "n1": N1 },
        }))
        .expect("a radio's configuration");
        let connection = config.open().expect("the TNC takes the radio");
        let config = CommsConfig {
            handler_port_min: 0,
            handler_port_max: 0,
            downlink_ports: Some(vec![0]),
            ..CommsConfig::default()
        };
        let builder = radio::builder(connection.clone(), config, LinkOptions::default());
        let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
        let started = builder.expect("it fits together").start(telemetry);
        Self {
            radio: connection,
            handle: Some(started.expect("the service starts")),
        }
    }

    pub(crate) fn downlink_port(&self) -> u16 {
        let handle = self.handle.as_ref().expect("the service runs");
        handle.downlink_addrs()[0].port()
    }
}

impl Drop for Satellite {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            drop(handle.shutdown());
        }
    }
}

fn format(end: End) -> SpacePacketFormat {
    SpacePacketFormat {
        packet_bytes_max: N1,
        ..SpacePacketFormat::new(end)
    }
}

/// The packet in which the ground sends `payload` to the service at `port`.
pub(crate) fn uplink(port: u16, payload: &[u8], number: u16) -> Vec<u8> {
    let head = Head {
        payload_type: PayloadType::Udp,
        class: Class::Standard,
        security: None,
        command_id: u64::MAX - u64::from(number),
        port,
    };
    let mut packet = Vec::new();
    format(End::Ground)
        .build(&head, payload, 0, number, &mut packet)
        .expect("it fits into one packet");
    packet
}

/// What a packet that the satellite sent carries.
#[track_caller]
pub(crate) fn downlink_payload(packet: &[u8]) -> Vec<u8> {
    let parsed = format(End::Ground)
        .parse(packet)
        .expect("a packet of the satellite");
    assert_eq!(parsed.surplus_bytes, 0);
    match parsed.content {
        Content::Segment(segment) => packet[segment.data].to_vec(),
        other => panic!("no segment: {other:?}"),
    }
}

pub(crate) const A_MOMENT: Duration = Duration::from_millis(300);

//! Dire Wolf as the TNC of a communications service.

use heliograph_tests::audio::Samples;
use heliograph_tests::direwolf::{Direwolf, Modem, generate};
use heliograph_tests::udp::UdpPeer;
use heliograph_tests::wait::eventually;
use radio_hal::ax25::UiFrame;

use crate::PATIENCE;
use crate::satellite::{
    A_MOMENT, N1, Satellite, downlink_payload, ground_callsign, satellite_callsign, uplink,
};

/// The sound of the ground sending `payload` to the service at `port`.
fn sound(modem: Modem, port: u16, payload: &[u8], number: u16) -> Samples {
    let packet = uplink(port, payload, number);
    generate(modem, ground_callsign(), satellite_callsign(), &packet)
}

/// Frame ends, escapes and zeros among others, no two alike.
fn payload(number: u16) -> Vec<u8> {
    let number = number.to_be_bytes();
    [&number[..], b"\xC0\xDB\xDC\xDD\x00\x7E\xFF<\n", &number].concat()
}

#[track_caller]
fn uplink_reaches_the_service(modem: Modem, frames: u16) {
    let service = UdpPeer::bind();
    let mut tnc = Direwolf::start(modem);
    let satellite = Satellite::start(&tnc);
    let payloads: Vec<_> = (0..frames).map(payload).collect();
    let mut samples = Samples::new();
    for (number, payload) in (0..).zip(&payloads) {
        samples.extend(sound(modem, service.port(), payload, number));
    }
    tnc.play(&samples);
    for payload in &payloads {
        assert_eq!(&service.expect(PATIENCE).payload, payload);
    }
    assert_eq!(service.receive(A_MOMENT), None);
    let statistics = satellite.radio.statistics();
    println!(
        "{modem:?}: {} of {frames} frames delivered",
        statistics.delivered
    );
    assert_eq!(
        (statistics.delivered, statistics.dropped),
        (frames.into(), 0)
    );
}

#[test]
fn frames_of_afsk_1200_reach_their_service_through_the_tnc() {
    uplink_reaches_the_service(Modem::Afsk1200, 20);
}

#[test]
fn frames_of_g3ruh_9600_reach_their_service_through_the_tnc() {
    uplink_reaches_the_service(Modem::G3ruh9600, 50);
}

#[test]
fn the_tnc_sends_what_we_give_it_octet_by_octet() {
    let app = UdpPeer::bind();
    let tnc = Direwolf::start(Modem::G3ruh9600);
    let satellite = Satellite::start(&tnc);
    let every_octet: Vec<u8> = (0..=255).collect();
    let payloads = [
        every_octet,
        vec![0xC0; 256],
        vec![0xDB; 256],
        b"\xDB\xDC\xC0".to_vec(),
    ];
    for payload in &payloads {
        app.send_to(satellite.downlink_port(), payload);
    }
    let sent = eventually(PATIENCE, || {
        Some(tnc.sent()).filter(|sent| sent.len() == payloads.len())
    });
    for (octets, payload) in sent.iter().zip(&payloads) {
        let frame = UiFrame::new_checked(octets, N1).expect("a UI frame");
        assert_eq!(
            (frame.source(), frame.destination()),
            (satellite_callsign(), ground_callsign())
        );
        assert_eq!(&downlink_payload(frame.info()), payload);
    }
}

#[test]
fn a_tnc_that_is_killed_and_comes_again_costs_no_frame_before_or_after() {
    let (service, app) = (UdpPeer::bind(), UdpPeer::bind());
    let modem = Modem::G3ruh9600;
    let mut tnc = Direwolf::start(modem);
    let address = tnc.address();
    let satellite = Satellite::start(&tnc);
    tnc.play(&sound(modem, service.port(), b"before", 0));
    assert_eq!(service.expect(PATIENCE).payload, b"before");
    tnc.kill();

    let mut tnc = Direwolf::start_at(modem, address.port());
    // It says so when the radio is there again.
    eventually(PATIENCE, || {
        tnc.log().contains("Attached to KISS TCP").then_some(())
    });
    tnc.play(&sound(modem, service.port(), b"after", 1));
    assert_eq!(service.expect(PATIENCE).payload, b"after");
    assert_eq!(service.receive(A_MOMENT), None);
    app.send_to(satellite.downlink_port(), b"here I am");
    let sent = eventually(PATIENCE, || tnc.sent().pop());
    let frame = UiFrame::new_checked(&sent, N1).expect("a UI frame");
    assert_eq!(downlink_payload(frame.info()), b"here I am");
    assert_eq!(satellite.radio.statistics().delivered, 2);
    assert_eq!(satellite.radio.statistics().dropped, 0);
}

//! Another configuration for a service that runs.

use std::net::UdpSocket;

use comms_service::accounting::DropReason;
use comms_service::options::{AllowedPorts, ReplyWindowOption};
use comms_service::{CommsConfig, LinkOptions};
use heliograph_tests::ports::free_udp_port;
use heliograph_tests::udp::UdpPeer;
use heliograph_tests::wait::eventually;

use crate::PATIENCE;
use crate::rig::Setup;

/// What the service was started with, for `setup`.
fn config(setup: &Setup) -> CommsConfig {
    CommsConfig {
        handler_port_min: *setup.handler_ports.start(),
        handler_port_max: *setup.handler_ports.end(),
        max_num_handlers: setup.handlers,
        timeout: setup.timeout.as_millis() as u64,
        downlink_ports: setup.downlink_ports.clone(),
        ground_port: setup.ground_port,
        ..CommsConfig::default()
    }
}

fn nobody() -> LinkOptions {
    LinkOptions {
        allowed_ports: AllowedPorts {
            udp: Some(Vec::new()),
            ..AllowedPorts::default()
        },
        ..LinkOptions::default()
    }
}

#[test]
fn an_allow_list_changes_while_the_service_runs() {
    let service = UdpPeer::bind();
    let setup = Setup::default();
    let flight = setup.flight();
    let reconfigure = flight.satellite.reconfigure();
    reconfigure.apply(config(&setup), nobody()).unwrap();
    flight.ground.send(service.port(), b"refused");
    flight
        .satellite
        .wait_until(|all| all.messages_in.dropped.of(DropReason::NotAllowed) == 1);
    reconfigure
        .apply(config(&setup), LinkOptions::default())
        .unwrap();
    flight.ground.send(service.port(), b"taken");
    assert_eq!(service.expect(PATIENCE).payload, b"taken");
}

#[test]
fn a_downlink_port_changes_and_the_others_keep_their_socket() {
    let (old, new) = (free_udp_port(), free_udp_port());
    let setup = Setup {
        downlink_ports: Some(vec![old]),
        ..Setup::default()
    };
    let flight = setup.flight();
    let app = UdpSocket::bind("127.0.0.1:0").unwrap();
    // What waits at the old socket goes down too.
    app.send_to(b"before", ("127.0.0.1", old)).unwrap();
    let moved = CommsConfig {
        downlink_ports: Some(vec![new]),
        ..config(&setup)
    };
    flight
        .satellite
        .reconfigure()
        .apply(moved.clone(), LinkOptions::default())
        .unwrap();
    assert_eq!(flight.satellite.downlink_port(0), new);
    app.send_to(b"after", ("127.0.0.1", new)).unwrap();
    let heard = [(); 2].map(|()| flight.ground.heard());
    assert_eq!(
        heard.map(|heard| heard.payload),
        [b"before".to_vec(), b"after".to_vec()]
    );
    eventually(PATIENCE, || UdpSocket::bind(("127.0.0.1", old)).ok());
    // The same once more: nothing is bound anew, so nothing fails.
    flight
        .satellite
        .reconfigure()
        .apply(moved, nobody())
        .unwrap();
    app.send_to(b"again", ("127.0.0.1", new)).unwrap();
    assert_eq!(flight.ground.heard().port, new);
}

#[test]
fn a_downlink_port_that_is_taken_refuses_the_change_and_nothing_has_changed() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let service = UdpPeer::bind();
    let setup = Setup {
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    };
    let flight = setup.flight();
    let before = flight.satellite.downlink_port(0);
    let moved = CommsConfig {
        downlink_ports: Some(vec![taken.local_addr().unwrap().port()]),
        ..config(&setup)
    };
    let refused = flight.satellite.reconfigure().apply(moved, nobody());
    assert!(refused.unwrap_err().to_string().contains("cannot bind"));
    assert_eq!(flight.satellite.downlink_port(0), before);
    flight.ground.send(service.port(), b"still allowed");
    service.expect(PATIENCE);
}

#[test]
fn what_cannot_change_is_named_and_asks_for_a_restart() {
    let setup = Setup::default();
    let flight = setup.flight();
    let reconfigure = flight.satellite.reconfigure();
    let refused = |config: CommsConfig, options: LinkOptions, key: &str| {
        for refused in [
            reconfigure
                .check(config.clone(), options.clone())
                .unwrap_err(),
            reconfigure.apply(config, options).unwrap_err(),
        ] {
            let text = refused.to_string();
            assert!(
                text.contains(&format!("`{key}`")) && text.contains("restart"),
                "{text}"
            );
        }
    };
    let handlers = CommsConfig {
        max_num_handlers: 3,
        ..config(&setup)
    };
    refused(handlers, LinkOptions::default(), "max-num-handlers");
    let timeout = CommsConfig {
        timeout: 77,
        ..config(&setup)
    };
    refused(timeout, LinkOptions::default(), "timeout");
}

#[test]
fn a_service_gets_its_first_reply_window_while_it_runs() {
    let service = UdpPeer::bind();
    let setup = Setup::default();
    let flight = setup.flight();
    let windows = LinkOptions {
        reply_windows: vec![ReplyWindowOption {
            port: service.port(),
            window_ms: 60_000,
            messages_max: None,
        }],
        ..LinkOptions::default()
    };
    for _ in 0..2 {
        flight
            .satellite
            .reconfigure()
            .apply(config(&setup), windows.clone())
            .unwrap();
        flight.ground.send(service.port(), b"ls");
        let asked = service.expect(PATIENCE);
        assert_eq!(asked.payload, b"ls");
        for line in [b"a", b"b", b"c"] {
            service.send_to(asked.from.port(), line);
        }
        let lines = [(); 3].map(|()| flight.ground.heard());
        for (heard, line) in lines.iter().zip([b"a", b"b", b"c"]) {
            assert_eq!((heard.port, &*heard.payload), (service.port(), &line[..]));
            assert_ne!(heard.command_id, 0);
        }
    }
}

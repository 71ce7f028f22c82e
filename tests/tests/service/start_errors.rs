//! What cannot work is refused at the start, by name, before anything runs.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use comms_service::accounting::Statistics;
use comms_service::{
    CommsConfig, CommsControlBlock, CommsError, CommsTelemetry, LinkOptions, PacketFormat, ReadFn,
    WriteFn,
};

use crate::rig::{Radio, Setup, bind_udp, free_udp_port, free_udp_range};

/// Starts what cannot work; gives the error, after making sure that nothing
/// was started: nobody holds the radio's functions or the telemetry any more.
#[track_caller]
fn refused(setup: &Setup, change: impl FnOnce(&mut CommsControlBlock<Radio>)) -> CommsError {
    let read: Arc<ReadFn<Radio>> = Arc::new(Radio::read);
    let write: Arc<WriteFn<Radio>> = Arc::new(Radio::write);
    let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
    let mut controls = setup.controls(
        Some(Arc::clone(&read)),
        vec![Arc::clone(&write)],
        Radio::pair().0,
    );
    change(&mut controls);
    let started = setup.builder(controls).start(Arc::clone(&telemetry));
    let error = started.err().expect("this cannot be started");
    assert_eq!(Arc::strong_count(&read), 1);
    assert_eq!(Arc::strong_count(&write), 1);
    assert_eq!(Arc::strong_count(&telemetry), 1);
    let shown = telemetry.lock().expect("nobody panicked").statistics();
    assert_eq!(shown, Statistics::default());
    error
}

#[track_caller]
fn assert_names(error: &CommsError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

fn with_downlinks(ports: &[u16]) -> Setup {
    Setup {
        downlink_ports: Some(ports.to_vec()),
        ..Setup::default()
    }
}

/// Adds `write` functions until there are so many.
fn writes(count: usize) -> impl FnOnce(&mut CommsControlBlock<Radio>) {
    move |controls| {
        while controls.write.len() < count {
            let write = |radio: &Radio, packet: &[u8]| radio.write(packet);
            controls.write.push(Arc::new(write));
        }
    }
}

#[test]
fn no_write_function() {
    let error = refused(&Setup::default(), |controls| controls.write.clear());
    assert_names(&error, &["no `write` function"]);
}

#[test]
fn fewer_downlink_ports_than_write_functions() {
    let error = refused(&with_downlinks(&[0, 0]), writes(3));
    assert_names(&error, &["2 downlink_ports", "3 `write`"]);
}

#[test]
fn more_downlink_ports_than_write_functions() {
    let error = refused(&with_downlinks(&[0, 0]), writes(1));
    assert_names(&error, &["2 downlink_ports", "1 `write`"]);
}

#[test]
fn a_list_of_no_downlink_ports() {
    let error = refused(&with_downlinks(&[]), writes(1));
    assert_names(&error, &["0 downlink_ports", "1 `write`"]);
}

#[test]
fn handler_ports_that_end_before_they_begin() {
    let error = refused(&Setup::default(), |controls| {
        controls.handler_port_min = 13_149;
        controls.handler_port_max = 13_100;
    });
    assert_names(
        &error,
        &["handler_port_min (13149)", "handler_port_max (13100)"],
    );
}

#[test]
fn the_same_downlink_port_twice() {
    let port = free_udp_port();
    let error = refused(&with_downlinks(&[port, port]), writes(2));
    assert_names(&error, &["twice", "downlink_ports", &port.to_string()]);
}

#[test]
fn a_downlink_port_among_the_handler_ports() {
    let ports = free_udp_range(4);
    let port = ports.start() + 2;
    let setup = Setup {
        handler_ports: ports,
        ..with_downlinks(&[port])
    };
    let error = refused(&setup, writes(1));
    assert_names(
        &error,
        &[&format!("downlink port {port}"), "handlers' ports"],
    );
}

// KubOS C1-7: it said so in a list that nobody reads, and looked healthy.
#[test]
fn a_downlink_port_that_is_taken() {
    let ports = free_udp_range(2);
    let (free, taken) = (*ports.start(), *ports.end());
    let _taken = bind_udp(taken).expect("it was free");
    let error = refused(&with_downlinks(&[free, taken]), writes(2));
    assert!(matches!(error, CommsError::Bind { .. }), "{error:?}");
    assert_names(&error, &["downlink endpoint", &taken.to_string()]);
    bind_udp(free).expect("what was bound is free again");
}

#[test]
fn handler_ports_that_are_all_taken() {
    let ports = free_udp_range(3);
    let _taken: Vec<_> = ports.clone().map(bind_udp).collect();
    let setup = Setup {
        handler_ports: ports.clone(),
        ..Setup::default()
    };
    let error = refused(&setup, writes(1));
    assert_names(&error, &["handler", &ports.end().to_string()]);
}

#[test]
fn too_many_handlers() {
    let setup = Setup {
        handlers: 1025,
        ..Setup::default()
    };
    let error = refused(&setup, writes(1));
    assert_names(&error, &["max_num_handlers", "1025", "1024"]);
}

#[test]
fn a_timeout_of_zero() {
    let error = refused(&Setup::default(), |controls| controls.timeout = 0);
    assert_names(&error, &["timeout is 0"]);
}

#[test]
fn downlink_ports_without_a_ground_port_in_format_udp() {
    let setup = Setup {
        options: LinkOptions {
            format: PacketFormat::Udp,
            ..LinkOptions::default()
        },
        ..with_downlinks(&[0])
    };
    let error = refused(&setup, writes(1));
    assert_names(&error, &["format `udp`", "ground_port"]);
}

#[test]
fn no_handler_port_for_requests_in_format_udp() {
    let ports = free_udp_range(1);
    let setup = Setup {
        handler_ports: ports.clone(),
        options: LinkOptions {
            format: PacketFormat::Udp,
            ..LinkOptions::default()
        },
        ..Setup::default()
    };
    let error = refused(&setup, writes(1));
    assert_names(&error, &["handler_port_min..=handler_port_max"]);
}

// Services would be asked at an address from which no answer ever comes.
#[test]
fn a_satellite_address_of_no_single_host() {
    let addresses = [
        (Ipv4Addr::UNSPECIFIED, "no address of any host"),
        (Ipv4Addr::BROADCAST, "a broadcast address"),
        (Ipv4Addr::new(224, 0, 0, 1), "a multicast address"),
    ];
    for (address, what) in addresses {
        let error = refused(&Setup::default(), |controls| {
            controls.satellite_ip = address;
        });
        assert!(matches!(error, CommsError::Config(_)), "{error:?}");
        assert_names(&error, &["satellite_ip", &address.to_string(), what]);
    }
}

#[test]
fn an_address_that_is_none() {
    for (ground_ip, satellite_ip) in [("nonsense", "127.0.0.1"), ("127.0.0.1", "::1")] {
        let config = CommsConfig {
            ground_ip: ground_ip.to_string(),
            satellite_ip: satellite_ip.to_string(),
            ..CommsConfig::default()
        };
        let radio = Radio::pair().0;
        let block = CommsControlBlock::new(None, Vec::new(), radio.clone(), radio, config);
        let error = block.err().expect("no address");
        assert!(matches!(error, CommsError::Address(_)), "{error:?}");
    }
}

#[test]
fn packets_too_small_for_their_headers() {
    let setup = Setup {
        options: LinkOptions {
            packet_bytes_max: Some(31),
            ..LinkOptions::default()
        },
        ..Setup::default()
    };
    let error = refused(&setup, writes(1));
    assert_names(&error, &["packet-bytes-max", "31", "32"]);
}

#[test]
fn a_radio_too_small_for_the_headers() {
    let setup = Setup {
        radio_bytes_max: Some(20),
        ..Setup::default()
    };
    let error = refused(&setup, writes(1));
    assert_names(&error, &["20", "32"]);
}

#[test]
fn an_apid_that_means_two_things() {
    let setup = Setup {
        options: LinkOptions {
            apids: [("cfdp".to_string(), 1)].into(),
            ..LinkOptions::default()
        },
        ..Setup::default()
    };
    let error = refused(&setup, writes(1));
    assert_names(&error, &["APID 1 "]);
}

#[test]
fn security_without_a_state_directory_or_a_key_or_with_the_ground_s_key() {
    let key_file = std::env::temp_dir().join("heliograph-no-such.key");
    let named = |more: &str, words: &[&str]| {
        let text = format!("security = {{ key-file = '{}' {more}", key_file.display());
        let table = text.parse().expect("a table");
        let setup = Setup {
            options: LinkOptions::from_table(&table, "test").expect("options"),
            ..Setup::default()
        };
        assert_names(&refused(&setup, |_| {}), words);
    };
    named("}", &["security", "state-dir"]);
    named(", station = 2 }", &["`station`", "`stations`"]);
    named(
        "}\nstate-dir = '/tmp'",
        &["heliograph-no-such.key", "cannot be read"],
    );
}

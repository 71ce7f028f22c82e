use std::cell::RefCell;
use std::time::{Duration, Instant};

use comms_service::link::{Action, Link, LinkConfig};
use comms_service::message::End;
use comms_service::packet::SpacePacketFormat;
use comms_service::security::{KeyRing, Mode, Security, SecuritySetup};

/// Inputs that one link is given before it is made anew.
const INPUTS_MAX: u32 = 2_000;
const KEY: &[u8] = b"1 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
/// Station 1, up, generation 1.
const SPI: [u8; 2] = [1, 1];

thread_local! {
    static SATELLITE: RefCell<Option<(Link, u32)>> = const { RefCell::new(None) };
}

/// The security layer of a satellite in sync: nothing that was not made with the
/// key gets in, is answered, or stays in memory, and the accounts add up.
///
/// The first octet of the input says how the rest becomes a packet: bit 0 as it is,
/// else behind a good primary header on APID octet / 4 mod 8; bit 1 with the SPI of
/// a station.
pub fn security(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else {
        return;
    };
    let mut packet = rest.to_vec();
    if how & 1 == 0 {
        let length = (packet.len().max(1) - 1) as u16;
        let [high, low] = length.to_be_bytes();
        packet.splice(0..0, [0x10, (how >> 2) & 7, 0xC0, *how, high, low]);
    }
    if how & 2 != 0
        && let Some(spi) = packet.get_mut(6..8)
    {
        spi.copy_from_slice(&SPI);
    }
    SATELLITE.with_borrow_mut(|kept| {
        let (mut link, inputs) = kept.take().unwrap_or_else(|| (in_sync(), 0));
        let now = Instant::now();
        link.handle_packet(now, packet);
        if let Some(action) = link.poll_action() {
            panic!("a forged packet led to {action:?}");
        }
        assert!(!link.has_packet(now, 0), "a forged packet is answered");
        let all = link.statistics();
        assert!(all.balances());
        assert_eq!(all.messages_in.queued, 0);
        // One open message at most.
        assert!(all.memory_bytes_used <= 2 * 65_542);
        if inputs < INPUTS_MAX {
            *kept = Some((link, inputs + 1));
        }
    });
}

fn end(end: End) -> Link {
    let format = SpacePacketFormat {
        error_control: false,
        secured: true,
        ..SpacePacketFormat::new(end)
    };
    let security = Security::new(SecuritySetup {
        end,
        mode: Mode::Authenticate,
        keys: KeyRing::parse(KEY).expect("a key"),
        station: 1,
        state: None,
        seed: [end as u8; 32],
        challenge_interval: Duration::from_secs(3600),
        silence: Duration::from_secs(86_400),
    });
    Link::new(LinkConfig::new(end), Box::new(format)).with_security(security)
}

fn in_sync() -> Link {
    let (mut satellite, mut ground) = (end(End::Satellite), end(End::Ground));
    satellite.handle_timeout(Instant::now());
    for _ in 0..3 {
        carry(&mut satellite, &mut ground);
        carry(&mut ground, &mut satellite);
    }
    assert_eq!(ground.is_in_sync(), Some(true));
    satellite
}

fn carry(from: &mut Link, to: &mut Link) {
    let (now, mut packet) = (Instant::now(), Vec::new());
    store(from);
    while from.has_packet(now, 0) {
        if from.poll_packet(now, 0, &mut packet) {
            to.handle_packet(now, packet.clone());
            from.handle_written(now, 0, Ok(()));
        }
        store(from);
        store(to);
    }
}

fn store(link: &mut Link) {
    while let Some(action) = link.poll_action() {
        if let Action::StoreSecurity { token, .. } = action {
            link.handle_security_stored(Instant::now(), token, Ok(()));
        }
    }
}

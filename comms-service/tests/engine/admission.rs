//! Who may be called from the ground, and how often.

use std::collections::BTreeSet;
use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::graphql_error::link_error;
use comms_service::link::{Admission, LinkConfig, RateLimit};
use comms_service::message::PayloadType;
use proptest::prelude::*;

use crate::rig::{Outcome, Rig, dropped, satellite_config};

const ALLOWED: u16 = 8150;
const OTHER: u16 = 8040;

fn admission(allowed: &[(PayloadType, &[u16])], rates: &[RateLimit]) -> LinkConfig {
    let ports = |ports: &[u16]| ports.iter().copied().collect::<BTreeSet<u16>>();
    let allowed = allowed.iter().map(|(kind, all)| (*kind, ports(all)));
    LinkConfig {
        admission: Admission {
            allowed_ports: allowed.collect(),
            rates: rates.to_vec(),
        },
        ..satellite_config()
    }
}

fn rate(port: Option<u16>, per_second: u32, burst: u32) -> RateLimit {
    RateLimit {
        port,
        per_second,
        burst,
    }
}

/// The texts of error answers that came down.
fn refusals(rig: &mut Rig) -> Vec<String> {
    rig.carry_down();
    let errors = rig.outcomes.drain(..).filter_map(|outcome| match outcome {
        Outcome::Answered(_, answer) => link_error(&answer),
        _ => None,
    });
    errors.collect()
}

fn datagrams(rig: &mut Rig, ids: std::ops::Range<u64>, port: u16) -> usize {
    let before = rig.datagrams.len();
    for id in ids {
        rig.ask(PayloadType::Udp, id, port, b"go");
        rig.carry_up();
    }
    rig.datagrams.len() - before
}

#[test]
fn a_query_for_a_port_that_is_not_allowed_is_refused_with_an_answer() {
    let only = [(PayloadType::GraphQl, &[ALLOWED][..])];
    let mut rig = Rig::with_satellite(admission(&only, &[]));
    rig.query(1, OTHER, b"{a}");
    rig.query(2, ALLOWED, b"{a}");
    rig.carry_up();
    assert_eq!(rig.posts.len(), 1);
    assert_eq!(rig.posts[0].port, ALLOWED);
    let not_allowed = (DropReason::NotAllowed, 1);
    assert_eq!(dropped(&rig.satellite().messages_in), [not_allowed]);
    let refusals = refusals(&mut rig);
    assert_eq!(refusals.len(), 1);
    assert!(
        refusals[0].contains("port 8040 may not be called"),
        "{refusals:?}"
    );
}

#[test]
fn a_datagram_for_a_port_that_is_not_allowed_is_refused_in_silence() {
    let only = [(PayloadType::Udp, &[ALLOWED][..])];
    let mut rig = Rig::with_satellite(admission(&only, &[]));
    assert_eq!(datagrams(&mut rig, 1..4, OTHER), 0);
    assert_eq!(datagrams(&mut rig, 4..5, ALLOWED), 1);
    assert_eq!(
        dropped(&rig.satellite().messages_in),
        [(DropReason::NotAllowed, 3)]
    );
    assert_eq!(rig.carry_down(), 0);
}

#[test]
fn a_payload_type_without_a_list_may_call_all_ports() {
    let only = [(PayloadType::Udp, &[][..])];
    let mut rig = Rig::with_satellite(admission(&only, &[]));
    assert_eq!(datagrams(&mut rig, 1..2, ALLOWED), 0);
    rig.query(9, OTHER, b"{a}");
    rig.carry_up();
    assert_eq!(rig.posts.len(), 1);
}

#[test]
fn an_asker_in_format_udp_is_told_that_its_port_is_not_allowed() {
    let mut rig = Rig::udp_with(admission(&[(PayloadType::UdpExchange, &[ALLOWED])], &[]), 2);
    rig.ask(PayloadType::UdpExchange, 50_000, OTHER, b"?");
    rig.carry_up();
    assert_eq!(rig.exchanges.len(), 0);
    assert_eq!(refusals(&mut rig).len(), 1);
}

#[test]
fn a_burst_goes_through_and_then_as_many_as_the_rate_says() {
    let limited = admission(&[], &[rate(Some(ALLOWED), 10, 3)]);
    let mut rig = Rig::with_satellite(limited);
    assert_eq!(datagrams(&mut rig, 1..6, ALLOWED), 3);
    assert_eq!(
        dropped(&rig.satellite().messages_in),
        [(DropReason::RateLimited, 2)]
    );
    // Another port has no limit.
    assert_eq!(datagrams(&mut rig, 6..11, OTHER), 5);
    rig.pass(Duration::from_micros(99_999));
    assert_eq!(datagrams(&mut rig, 11..12, ALLOWED), 0);
    rig.pass(Duration::from_micros(1));
    assert_eq!(datagrams(&mut rig, 12..14, ALLOWED), 1);
    rig.pass(Duration::from_secs(3600));
    assert_eq!(datagrams(&mut rig, 14..20, ALLOWED), 3);
}

#[test]
fn a_query_beyond_its_rate_is_told_so() {
    let mut rig = Rig::with_satellite(admission(&[], &[rate(Some(ALLOWED), 1, 1)]));
    rig.query(1, ALLOWED, b"{a}");
    rig.query(2, ALLOWED, b"{a}");
    rig.carry_up();
    assert_eq!(rig.posts.len(), 1);
    let refusals = refusals(&mut rig);
    assert_eq!(refusals.len(), 1);
    assert!(refusals[0].contains("rate"), "{refusals:?}");
}

#[test]
fn all_ports_together_may_have_a_rate_and_what_it_refuses_costs_no_port_its_own() {
    let rates = [rate(Some(ALLOWED), 1, 2), rate(None, 1, 1)];
    let mut rig = Rig::with_satellite(admission(&[], &rates));
    assert_eq!(datagrams(&mut rig, 1..2, OTHER), 1);
    assert_eq!(datagrams(&mut rig, 2..9, ALLOWED), 0);
    rig.pass(Duration::from_secs(1));
    assert_eq!(datagrams(&mut rig, 9..11, ALLOWED), 1);
    rig.pass(Duration::from_secs(1));
    assert_eq!(datagrams(&mut rig, 11..13, ALLOWED), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Over any time, no more than burst + rate × time, and never less than the
    /// rate for who keeps to it.
    #[test]
    fn a_rate_is_exact_over_any_time(
        per_second in 1_u32..50,
        burst in 1_u32..20,
        pauses_ms in proptest::collection::vec(0_u64..400, 1..60),
    ) {
        let mut rig = Rig::with_satellite(admission(&[], &[rate(Some(ALLOWED), per_second, burst)]));
        let mut level = u64::from(burst) * 1000;
        for (id, pause_ms) in pauses_ms.into_iter().enumerate() {
            rig.pass(Duration::from_millis(pause_ms));
            level = (level + pause_ms * u64::from(per_second)).min(u64::from(burst) * 1000);
            let taken = datagrams(&mut rig, id as u64 + 1..id as u64 + 2, ALLOWED);
            prop_assert_eq!(taken, usize::from(level >= 1000));
            level -= 1000 * taken as u64;
        }
    }
}

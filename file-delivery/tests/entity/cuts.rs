//! The power is cut: a file arrives all the same, and little of it twice.

use crate::rig::{GROUND, LONG, Rig, SATELLITE};

const BYTES: usize = 20_000;
const SYNC_BYTES: u64 = 2_000;
/// Octets of file data that are on their way at once: what the radio and the air hold.
const IN_FLIGHT_BYTES: u64 = 30 * 220;

fn rig() -> Rig {
    Rig::with(|config, _| config.sync_bytes = SYNC_BYTES)
}

/// How many changes the disk of an end makes in a whole transfer.
fn changes(side: usize) -> u64 {
    let mut rig = rig();
    let transaction = rig.send_up(BYTES);
    rig.run_to_the_end(transaction);
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    rig.sides[side].disk.counts().changes
}

fn cut_at_every_change(side: usize) {
    let begun = {
        let mut rig = rig();
        rig.send_up(BYTES);
        rig.sides[side].disk.counts().changes
    };
    for change in 0..changes(side) - begun {
        let mut rig = rig();
        let transaction = rig.send_up(BYTES);
        rig.sides[side].disk.fail_after(change);
        let arrived = rig.run_until(LONG, |rig| rig.reports().is_empty());
        assert!(arrived, "cut at change {change}: {:?}", rig.reports());
        assert_eq!(rig.sides[side].cuts, 1, "cut at change {change}");
        rig.assert_arrived("up.bin", BYTES);
        let again = rig.data_octets - BYTES as u64;
        let most = SYNC_BYTES + IN_FLIGHT_BYTES;
        assert!(
            again <= most,
            "cut at change {change}: {again} octets again"
        );
        let outcome = rig.outcome(GROUND, transaction);
        let wrong = outcome.filter(|outcome| !outcome.is_success());
        assert_eq!(wrong, None, "cut at change {change}");
    }
}

#[test]
fn the_receivers_power_may_be_cut_at_every_change_of_its_disk() {
    cut_at_every_change(SATELLITE);
}

#[test]
fn the_senders_power_may_be_cut_at_every_change_of_its_disk() {
    cut_at_every_change(GROUND);
}

#[test]
fn both_ends_may_be_cut_at_any_pdu() {
    let all = {
        let mut rig = rig();
        let transaction = rig.send_up(BYTES);
        rig.run_to_the_end(transaction);
        rig.passed
    };
    for number in (0..all).step_by(3) {
        for side in [GROUND, SATELLITE] {
            let mut rig = rig();
            rig.send_up(BYTES);
            rig.run_until(LONG, |rig| rig.passed >= number);
            let now = rig.now;
            rig.sides[side].cut(now);
            let arrived = rig.run_until(LONG, |rig| rig.reports().is_empty());
            assert!(arrived, "{side} cut at {number}: {:?}", rig.reports());
            rig.assert_arrived("up.bin", BYTES);
            let again = rig.data_octets - BYTES as u64;
            let most = SYNC_BYTES + IN_FLIGHT_BYTES;
            assert!(
                again <= most,
                "{side} cut at {number}: {again} octets again"
            );
        }
    }
}

//! A wrapper of a radio is a radio: it keeps every rule that its inside keeps.

use radio_hal::channel::{ChannelConfig, DirectionConfig, simulate};
use radio_hal::conformance::{self, Outcome, PairBench, Setup, UdpBench};
use radio_hal::host_line::inject;
use radio_hal::watch::{trace, watch};
use radio_hal::{FramingConfig, HostLineConfig, LoopbackRadio, UdpRadio};

/// A channel without loss, of a rate that keeps several frames in flight.
fn channel() -> ChannelConfig {
    let direction = DirectionConfig {
        bit_rate_bps: Some(2_000_000),
        delay: std::time::Duration::from_millis(2),
        ..DirectionConfig::default()
    };
    ChannelConfig {
        frames_in_flight_max: Some(5),
        transmit: direction.clone(),
        receive: direction,
        ..ChannelConfig::default()
    }
}

#[test]
fn a_radio_behind_a_channel_keeps_every_rule() {
    let framing = FramingConfig::kiss();
    let bench = UdpBench::new(Setup::datagrams(framing.clone()), move |bind, peer| {
        let radio = UdpRadio::open(bind, peer)?;
        simulate(radio, &framing, &channel()).map(|(radio, _)| radio)
    });
    conformance::check(bench).assert_passed();
}

#[test]
fn a_radio_that_is_watched_behind_a_line_that_splits_reads_keeps_every_rule() {
    let framing = FramingConfig::kiss();
    // The line makes a stream of what is in datagrams inside.
    let setup = Setup::stream(framing.clone());
    let bench = PairBench::new(setup, move || {
        let (radio, far) = LoopbackRadio::pair();
        let split = HostLineConfig {
            split_reads: true,
            ..HostLineConfig::default()
        };
        let (radio, _) = inject(radio, &split)?;
        Ok((watch(radio, &framing, trace())?, far))
    });
    let report = conformance::check(bench);
    report.assert_passed();
    let applied = report
        .outcomes()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Passed));
    assert!(applied.count() > 12, "{report}");
}

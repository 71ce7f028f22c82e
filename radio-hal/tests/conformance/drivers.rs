//! Every driver of ours keeps every rule.

use radio_hal::conformance::{self, Bench, Outcome, PairBench, Rule, Setup, TcpBench, UdpBench};
use radio_hal::kiss::{self, Command, Port};
use radio_hal::{Ax25Config, FramingConfig, HdlcConfig, LoopbackRadio, TcpRadio, UdpRadio};

fn ax25() -> Ax25Config {
    Ax25Config::new("SAT1-1".parse().unwrap(), "GND-2".parse().unwrap())
}

fn hdlc() -> FramingConfig {
    let hdlc = HdlcConfig {
        nrzi: true,
        g3ruh: true,
        flags_before: 8,
        ..HdlcConfig::default()
    };
    FramingConfig::hdlc(hdlc, None)
}

/// The driver keeps every rule; those of `not_applicable` do not concern it.
#[track_caller]
fn passes(bench: impl Bench, not_applicable: &[Rule]) {
    let report = conformance::check(bench);
    report.assert_passed();
    for (rule, outcome) in report.outcomes() {
        let concerns = !matches!(outcome, Outcome::NotApplicable(_));
        assert_eq!(concerns, !not_applicable.contains(&rule), "{report}");
    }
}

const OF_STREAMS: [Rule; 2] = [Rule::CutAnywhere, Rule::SeveralAtOnce];
const OF_LINES_THAT_ARE_CUT: [Rule; 4] = [
    Rule::GivenBeforeInterruption,
    Rule::InterruptionIsTold,
    Rule::ReceivesAgain,
    Rule::TransmitsAgain,
];

fn of_datagrams() -> Vec<Rule> {
    [&OF_STREAMS[..], &OF_LINES_THAT_ARE_CUT].concat()
}

/// What `kiss-tcp` is: TCP, KISS, and parameters for the TNC first.
#[test]
fn kiss_over_tcp_keeps_every_rule() {
    let mut parameters = Vec::new();
    kiss::encode(Port::ZERO, Command::TxDelay, &[30], &mut parameters);
    let setup = Setup::stream(FramingConfig::kiss());
    let bench = TcpBench::connecting(setup, move |peer| {
        TcpRadio::connect_greeting(peer, parameters.clone())
    });
    passes(bench, &[Rule::OnePieceEach]);
}

#[test]
fn tcp_listening_keeps_every_rule() {
    let setup = Setup::stream(FramingConfig::slip());
    let bench = TcpBench::listening(setup, |bind| Ok(TcpRadio::bind(bind)?.listen()));
    passes(bench, &[Rule::OnePieceEach]);
}

#[test]
fn udp_keeps_every_rule_with_packets_as_they_are() {
    let setup = Setup::datagrams(FramingConfig::raw());
    passes(UdpBench::new(setup, UdpRadio::open), &of_datagrams());
}

#[test]
fn udp_keeps_every_rule_with_ax25() {
    let setup = Setup::datagrams(FramingConfig::ax25(ax25()));
    passes(UdpBench::new(setup, UdpRadio::open), &of_datagrams());
}

#[test]
fn loopback_keeps_every_rule() {
    for frames_max in [1, 7] {
        let setup = Setup::datagrams(FramingConfig::kiss());
        let bench = PairBench::new(setup, move || Ok(LoopbackRadio::pair_with_room(frames_max)));
        let not_reopened = [&of_datagrams()[..], &[Rule::DroppedIsReleased]].concat();
        passes(bench, &not_reopened);
    }
}

#[cfg(all(feature = "serial", unix))]
mod serial {
    use super::*;
    use radio_hal::conformance::PtyBench;
    use radio_hal::{SerialConfig, SerialRadio};

    fn keeps_every_rule_with(framing: FramingConfig) {
        let bench = PtyBench::new(Setup::stream(framing), |device| {
            SerialRadio::open(&SerialConfig::new(device, 9600))
        });
        passes(bench, &[Rule::OnePieceEach, Rule::GivenBeforeInterruption]);
    }

    #[test]
    fn serial_keeps_every_rule_with_kiss() {
        keeps_every_rule_with(FramingConfig::kiss_ax25(ax25()));
    }

    #[test]
    fn serial_keeps_every_rule_with_hdlc() {
        keeps_every_rule_with(hdlc());
    }
}

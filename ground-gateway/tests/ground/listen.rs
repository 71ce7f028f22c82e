//! `ground listen`.

use rustix::process::Signal;

use crate::assert_fails_with_one_line;
use crate::rig::{Rig, wait_until};

#[test]
fn listening_prints_one_json_object_a_message_and_ends_after_so_many() {
    let rig = Rig::with_satellite();
    let listener = rig.start_listener(&["--count", "3", "--json"]);
    rig.downlink(b"one");
    listener.wait_for_stdout(1);
    rig.downlink(&[0xFF, 0xAD]);
    listener.wait_for_stdout(2);
    rig.downlink(b"three\n");
    let (code, stdout, _) = listener.finish();
    assert_eq!(code, 0);
    let port = rig.downlink_port;
    let expected = [
        format!(r#"{{"port":{port},"command_id":0,"bytes":3,"text":"one"}}"#),
        format!(r#"{{"port":{port},"command_id":0,"bytes":2,"hex":"ffad"}}"#),
        format!(r#"{{"port":{port},"command_id":0,"bytes":6,"text":"three\n"}}"#),
    ];
    assert_eq!(stdout.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_older_packet_formats_are_heard_too() {
    for (format, says_port) in [("kubos", false), ("udp", true)] {
        let rig = Rig::with_options(&format!("format = '{format}'\n"));
        let listener = rig.start_listener(&["--count", "1"]);
        rig.downlink(b"hello");
        let (code, stdout, _) = listener.finish();
        let port = if says_port { rig.downlink_port } else { 0 };
        assert_eq!((code, stdout), (0, format!("port {port}: hello")));
    }
}

#[test]
fn listening_ends_in_good_order_when_interrupted() {
    let rig = Rig::with_satellite();
    let listener = rig.start_listener(&[]);
    rig.downlink(b"hello");
    listener.wait_for_stdout(1);
    listener.signal(Signal::INT);
    let (code, stdout, stderr) = listener.finish();
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout, format!("port {}: hello", rig.downlink_port));
    assert!(stderr.contains("released"), "{stderr}");
}

#[test]
fn listening_for_a_time_ends_well_unless_too_few_messages_came() {
    let rig = Rig::with_satellite();
    let listener = rig.start_listener(&["--for", "100ms"]);
    let (code, stdout, _) = listener.finish();
    assert_eq!((code, stdout.as_str()), (0, ""));

    let listener = rig.start_listener(&["--for", "2s", "--count", "2"]);
    rig.downlink(b"hello");
    let (code, _, stderr) = listener.finish();
    assert_eq!(code, 1);
    assert!(stderr.contains("heard 1 of 2 messages on link"), "{stderr}");
}

#[test]
fn time_that_is_over_before_a_suspended_holder_answers_is_no_interruption() {
    let rig = Rig::with_satellite();
    let holder = rig.start_listener(&[]);
    holder.signal(Signal::STOP);
    let outcome = rig.run(&["listen", "--for", "1s"]);
    assert_fails_with_one_line(outcome, &["`uhf` is held by another process"]);
}

#[test]
fn a_listener_ends_in_time_when_the_holder_of_the_link_is_suspended() {
    let rig = Rig::with_satellite();
    let holder = rig.start_listener(&[]);
    let listener = rig.start_listener(&["--for", "1s"]);
    holder.signal(Signal::STOP);
    let (code, stdout, stderr) = listener.finish();
    assert_eq!((code, &*stdout), (0, ""), "{stderr}");
    assert!(!stderr.contains("interrupted"), "{stderr}");
}

#[test]
fn a_listener_that_does_not_read_loses_messages_and_is_told_how_many() {
    const MESSAGES: usize = 3_000;
    let rig = Rig::with_satellite();
    let quick = rig.start_listener(&[]);
    let slow = rig.start_listener(&[]);
    slow.signal(Signal::STOP);
    for sent in 1..=MESSAGES {
        rig.downlink(b"telemetry");
        // At a pace that the sockets of the rig can follow.
        if sent % 50 == 0 {
            quick.wait_for_stdout(sent);
        }
    }
    slow.signal(Signal::CONT);
    let lost = || -> usize {
        let lines = slow.stderr().into_iter();
        let lost = lines.filter(|line| line.ends_with(" lost: printing was too slow"));
        let number = |line: String| line.split(' ').next().unwrap().parse::<usize>().unwrap();
        lost.map(number).sum()
    };
    wait_until("all accounted for", || {
        slow.stdout().len() + lost() == MESSAGES
    });
    assert!(lost() > 0);
    quick.signal(Signal::INT);
    slow.signal(Signal::INT);
    assert_eq!((quick.finish().0, slow.finish().0), (0, 0));
}

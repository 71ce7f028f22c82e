//! The keys for single services, contact and reload in a configuration file.

use std::time::Duration;

use comms_service::link::{HeldClass, LinkConfig, RateLimit, ReplyWindow};
use comms_service::message::{End, PayloadType};
use comms_service::{CommsConfig, LinkOptions};

fn read(text: &str) -> Result<LinkOptions, String> {
    let text = format!("[radio.comms]\n{text}");
    CommsConfig::from_toml(&text, "radio", CommsConfig::default())
        .map(|(_, options)| options)
        .map_err(|error| error.to_string())
}

fn link(text: &str) -> LinkConfig {
    let options = read(text).unwrap();
    options.link_config(LinkConfig::new(End::Satellite))
}

#[track_caller]
fn assert_refused(text: &str, parts: &[&str]) {
    let error = read(text).unwrap_err();
    for part in parts {
        assert!(error.contains(part), "no {part:?} in: {error}");
    }
}

#[test]
fn allowed_ports_and_rates_are_read() {
    let admission = link(
        "allowed-ports = { graphql = [8150], udp = [] }\n\
         rate_limits = [{ port = 8150, per_second = 10, burst = 20 },\n\
                        { port = 'all', per-second = 50, burst = 60 }]",
    )
    .admission;
    let allowed = &admission.allowed_ports;
    assert_eq!(allowed.len(), 2);
    assert!(allowed[&PayloadType::GraphQl].contains(&8150));
    assert!(allowed[&PayloadType::Udp].is_empty());
    let one = RateLimit {
        port: Some(8150),
        per_second: 10,
        burst: 20,
    };
    let all = RateLimit {
        port: None,
        per_second: 50,
        burst: 60,
    };
    assert_eq!(admission.rates, [one, all]);
}

#[test]
fn reply_windows_are_read() {
    let windows = link(
        "reply-windows = [{ port = 8170, window-ms = 15000, messages-max = 3 },\n\
                          { port = 8171, window-ms = 1 }]",
    )
    .reply_windows;
    let window = |ms, messages_max| ReplyWindow {
        window: Duration::from_millis(ms),
        messages_max,
    };
    let expected = [(8170, window(15_000, 3)), (8171, window(1, 64))];
    assert_eq!(windows, expected.into());
}

#[test]
fn contact_and_reload_are_read() {
    let text = "contact-silence-ms = 7200000\ncontact-hold-ms = 5000\n\
                hold-outside-contact = ['telemetry', 'bulk']\nconfirm-window-ms = 9000\n\
                state-dir = '/var/lib/radio'";
    let contact = link(text).contact;
    assert_eq!(contact.silence, Duration::from_secs(7200));
    assert_eq!(contact.hold, Duration::from_secs(5));
    let held = [HeldClass::Telemetry, HeldClass::Bulk];
    assert_eq!(contact.hold_outside, held.into());
    let options = read(text).unwrap();
    assert_eq!(options.confirm_window(), Duration::from_secs(9));
    assert_eq!(options.state_dir.unwrap().to_str(), Some("/var/lib/radio"));
    let default = LinkOptions::default().confirm_window();
    assert_eq!(default, Duration::from_secs(600));
}

#[test]
fn what_would_protect_nothing_or_let_nothing_in_is_refused_with_its_key() {
    for (text, parts) in [
        (
            "allowed-ports = { grapql = [1] }",
            ["allowed-ports", "grapql"],
        ),
        (
            "allowed-ports = { udp = [70000] }",
            ["allowed-ports", "70000"],
        ),
        (
            "allowed-ports = { udp = 1 }",
            ["allowed-ports", "invalid type"],
        ),
        (
            "allowed-ports = { exchange = [1] }",
            ["allowed-ports.exchange", "space-packet"],
        ),
        (
            "format = 'udp'\nallowed-ports = { udp = [1] }",
            ["allowed-ports.udp", "`udp`"],
        ),
        (
            "rate-limits = [{ port = 1, burst = 1 }]",
            ["rate-limits", "per-second"],
        ),
        (
            "rate-limits = [{ port = 1, per-second = 0, burst = 1 }]",
            ["per-second = 0", "port 1"],
        ),
        (
            "rate-limits = [{ port = 'all', per-second = 1, burst = 0 }]",
            ["burst = 0", "all"],
        ),
        (
            "rate-limits = [{ port = 'any', per-second = 1, burst = 1 }]",
            ["rate-limits", "any"],
        ),
        (
            "rate-limits = [{ port = 1, per-second = 1, burst = 1 },\
                            { port = 1, per-second = 2, burst = 2 }]",
            ["rate-limits", "port 1 twice"],
        ),
        (
            "reply-windows = [{ port = 1, window-ms = 0 }]",
            ["reply-windows", "window-ms = 0"],
        ),
        (
            "reply-windows = [{ port = 1, window-ms = 86400001 }]",
            ["window-ms", "86400001"],
        ),
        (
            "reply-windows = [{ port = 1, window-ms = 1, messages-max = 0 }]",
            ["messages-max", "1"],
        ),
        (
            "reply-windows = [{ port = 1, window = 1 }]",
            ["reply-windows", "window"],
        ),
        (
            "format = 'udp'\nreply-windows = [{ port = 1, window-ms = 1 }]",
            ["reply-windows", "`udp`"],
        ),
        (
            "hold-outside-contact = ['response']",
            ["hold-outside-contact", "response"],
        ),
        ("contact-silence-ms = 0", ["contact-silence-ms", "0"]),
        (
            "contact-hold-ms = 86400001",
            ["contact-hold-ms", "86400001"],
        ),
        ("confirm-window-ms = 999", ["confirm-window-ms", "1000"]),
        (
            "confirm-windows-ms = 1",
            ["confirm-windows-ms", "confirm-window-ms"],
        ),
    ] {
        assert_refused(text, &parts);
    }
}

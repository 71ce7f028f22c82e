//! The options of the downlink: ports, classes, pace.

use std::time::Duration;

use comms_service::link::{ClassLimits, DownlinkPort, LinkConfig, Pace, QueueClass, WhenFull};
use comms_service::message::End;
use comms_service::options::RadioPace;
use comms_service::{CommsConfig, CommsResult, LinkOptions};

fn read(text: &str) -> CommsResult<LinkOptions> {
    let text = format!("[radio.comms]\n{text}");
    let read = CommsConfig::from_toml(&text, "radio", CommsConfig::default());
    read.map(|(_, options)| options)
}

fn link(text: &str) -> LinkConfig {
    let options = read(text).unwrap();
    options.link_config(LinkConfig::new(End::Satellite))
}

#[test]
fn a_map_of_downlink_ports_is_read_in_both_spellings() {
    let kebab_case = "[[radio.comms.downlink]]
        port = 13012
        [[radio.comms.downlink]]
        port = 13013
        write = 1
        class = \"bulk\"
        ttl-ms = 500";
    let expected = [
        DownlinkPort {
            port: 13_012,
            write: 0,
            class: QueueClass::Telemetry,
            ttl: None,
        },
        DownlinkPort {
            port: 13_013,
            write: 1,
            class: QueueClass::Bulk,
            ttl: Some(Duration::from_millis(500)),
        },
    ];
    for text in [kebab_case, &kebab_case.replace("ttl-ms", "ttl_ms")] {
        assert_eq!(link(text).downlink_map, expected);
    }
}

#[test]
fn classes_keep_the_limits_that_are_not_given() {
    let link = link("queue = { telemetry = { bytes-max = 1000, when-full = \"oldest\" } }");
    let expected = ClassLimits {
        bytes_max: Some(1000),
        ..ClassLimits::new(WhenFull::Oldest)
    };
    assert_eq!(link.queue.telemetry, expected);
    assert_eq!(link.queue.response, ClassLimits::new(WhenFull::Refuse));
    assert_eq!(link.queue.bulk, ClassLimits::new(WhenFull::Refuse));
}

#[test]
fn what_cannot_be_of_the_downlink_is_an_error_that_names_it() {
    let downlink = |rest: &str| format!("[[radio.comms.downlink]]\nport = 13012\n{rest}");
    for (text, says) in [
        (
            "queue = { telemetry = { bytes-max = 0 } }".to_string(),
            "queue.telemetry.bytes-max",
        ),
        (
            "queue = { bulk = { when-full = \"all\" } }".to_string(),
            "when-full",
        ),
        ("queue = { beacon = {} }".to_string(), "beacon"),
        ("bit-rate-bps = -1".to_string(), "bit-rate-bps"),
        (downlink("ttl-ms = 0"), "ttl-ms = 0 of downlink port 13012"),
        (downlink("ttl = 5"), "ttl"),
        (downlink("class = \"beacon\""), "beacon"),
        (
            downlink("[[radio.comms.downlink]]\nport = 13012"),
            "13012 stands twice",
        ),
        ("[[radio.comms.downlink]]\nwrite = 0".to_string(), "port"),
    ] {
        let shown = read(&text).expect_err(&text).to_string();
        assert!(shown.contains(says), "{shown}");
    }
}

#[test]
fn the_configured_bit_rate_goes_before_the_radios_and_0_is_no_pacing() {
    let radio = RadioPace {
        bit_rate_bps: Some(500_000),
        credits: Some(10),
        frame_overhead_bytes: 20,
        is_bit_stuffed: true,
        tx_delay: Duration::from_millis(50),
    };
    let pace = |text: &str, radio: &RadioPace| read(text).unwrap().pace(radio);
    let own = Pace {
        frame_overhead_bytes: 20,
        is_bit_stuffed: true,
        tx_delay: Duration::from_millis(50),
        ..Pace::new(500_000, Some(10))
    };
    assert_eq!(pace("", &radio), Some(own));
    let configured = Pace {
        bit_rate_bps: 9_600,
        credits: 1,
        ..own
    };
    assert_eq!(pace("bit-rate-bps = 9600", &radio), Some(configured));
    assert_eq!(pace("bit-rate-bps = 0", &radio), None);
    assert_eq!(pace("", &RadioPace::default()), None);
}

#[test]
fn where_apps_submit_is_checked() {
    for (text, says) in [
        ("submit = {}", "names no place"),
        ("submit = { tcp = \"0.0.0.0:13500\" }", "every address"),
        ("submit = { tcp = \"13500\" }", "13500"),
        ("submit = { unix = \"\" }", "submit.unix"),
        (
            "submit = { unix = \"/x\", clients-max = 0 }",
            "clients-max = 0",
        ),
        ("submit = { unix = \"/x\", mode = 438 }", "mode"),
    ] {
        let shown = read(text).expect_err(text).to_string();
        assert!(shown.contains(says), "{shown}");
    }
    let text = format!("submit = {{ unix = \"/{}\" }}", "x".repeat(100));
    let shown = read(&text).expect_err("a long path").to_string();
    assert!(shown.contains("101 octets"), "{shown}");
    let submit = read("submit = { unix = \"/x\" }").unwrap().submit.unwrap();
    assert_eq!(submit.clients_max, 16);
}

#[test]
fn reception_reports_are_off_unless_a_period_is_given_and_need_space_packets() {
    assert_eq!(link("").reception_report, None);
    assert_eq!(link("reception-report-ms = 0").reception_report, None);
    let second = Some(Duration::from_secs(1));
    assert_eq!(link("reception-report-ms = 1000").reception_report, second);
    let text = "reception-report-ms = 1000\nformat = \"kubos\"";
    let shown = read(text).expect_err(text).to_string();
    assert!(shown.contains("reception-report-ms"), "{shown}");
}

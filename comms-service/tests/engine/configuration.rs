//! What stands in a configuration file, and what becomes of it.

use std::net::Ipv4Addr;
use std::time::Duration;

use comms_service::link::{CommandMemoryConfig, LinkConfig};
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::options::Addresses;
use comms_service::packet::LinkPacket;
use comms_service::{CommsConfig, CommsError, CommsResult, LinkOptions, PacketFormat};

fn read(text: &str) -> CommsResult<(CommsConfig, LinkOptions)> {
    CommsConfig::from_toml(text, "radio", CommsConfig::default())
}

fn config(text: &str) -> CommsConfig {
    read(text).unwrap().0
}

/// The newer keys alone.
fn options(text: &str) -> LinkOptions {
    let (config, options) = read(&format!("[radio.comms]\n{text}")).unwrap();
    assert_eq!(options.notices, config.notices);
    LinkOptions {
        notices: Vec::new(),
        ..options
    }
}

fn error(text: &str) -> CommsError {
    read(&format!("[radio.comms]\n{text}")).unwrap_err()
}

/// Everything specified, none of it the default.
fn everything(notices: Vec<String>) -> CommsConfig {
    CommsConfig {
        handler_port_min: 20_000,
        handler_port_max: 20_010,
        max_num_handlers: 7,
        timeout: 900,
        ground_ip: "10.0.0.1".to_string(),
        satellite_ip: "10.0.0.2".to_string(),
        downlink_ports: Some(vec![14_011, 14_012]),
        ground_port: Some(9009),
        notices,
    }
}

const KEBAB_CASE: &str = r#"
    handler-port-min = 20000
    handler-port-max = 20010
    max-num-handlers = 7
    timeout = 900
    ground-ip = "10.0.0.1"
    satellite-ip = "10.0.0.2"
    downlink-ports = [14011, 14012]
    ground-port = 9009
"#;

#[test]
fn both_spellings_are_read_in_both_places() {
    let snake_case = KEBAB_CASE.replace('-', "_");
    for keys in [KEBAB_CASE, &snake_case] {
        for table in ["radio", "radio.comms"] {
            let text = format!("[{table}]\n{keys}");
            assert_eq!(config(&text), everything(Vec::new()), "{text}");
        }
    }
}

#[test]
fn ip_is_the_satellites_address() {
    for table in ["radio", "radio.comms"] {
        let text = format!("[{table}]\nip = \"10.0.0.2\"");
        assert_eq!(config(&text).satellite_ip, "10.0.0.2");
    }
    let both = "[radio.comms]\nip = \"10.0.0.2\"\nsatellite-ip = \"10.0.0.3\"";
    assert_eq!(config(both).satellite_ip, "10.0.0.3");
}

#[test]
fn what_stands_in_comms_counts_more_than_what_stands_beside_it() {
    let text = "[radio]\ntimeout = 1\nground-port = 9\n[radio.comms]\ntimeout = 2";
    let config = config(text);
    assert_eq!((config.timeout, config.ground_port), (2, Some(9)));
    let about_timeout = config.notices.iter().filter(|n| n.contains("timeout"));
    assert_eq!(about_timeout.count(), 1, "{:?}", config.notices);
}

#[test]
fn ip_in_comms_counts_more_than_satellite_ip_beside_it() {
    let text = "[radio]\nsatellite-ip = \"10.0.0.1\"\n[radio.comms]\nip = \"10.0.0.2\"";
    let config = config(text);
    assert_eq!(config.satellite_ip, "10.0.0.2");
    assert!(config.notices.iter().any(|n| n.contains("satellite-ip")));
}

#[test]
fn missing_fields_take_their_defaults_and_say_so() {
    for text in ["", "[other]\ntimeout = 1", "[radio]\nbus = \"uart\""] {
        let config = config(text);
        assert_eq!(
            config,
            CommsConfig {
                notices: config.notices.clone(),
                ..CommsConfig::default()
            }
        );
        for key in [
            "handler-port-min",
            "handler-port-max",
            "max-num-handlers",
            "timeout",
            "ground-ip",
            "satellite-ip",
            "downlink-ports",
            "ground-port",
        ] {
            let defaults = config.notices.join("\n");
            assert_eq!(defaults.matches(key).count(), 1, "{key}: {defaults}");
        }
    }
}

#[test]
fn the_defaults_are_those_of_the_specification_or_of_the_service() {
    let default = CommsConfig::default();
    assert_eq!(default.max_num_handlers, 50);
    assert_eq!(default.timeout, 1500);
    assert_eq!(default.downlink_ports, None);
    assert_eq!(default.ground_port, None);
    let own = everything(Vec::new());
    let (config, _) = CommsConfig::from_toml("[radio]\ntimeout = 5", "radio", own.clone()).unwrap();
    assert_eq!(config.timeout, 5);
    assert_eq!(config.downlink_ports, own.downlink_ports);
    assert_eq!(config.satellite_ip, own.satellite_ip);
}

#[test]
fn malformed_fields_take_their_defaults_and_say_which_and_why() {
    let malformed = [
        ("handler-port-min", "65536"),
        ("handler-port-max", "-1"),
        ("max-num-handlers", "\"50\""),
        ("timeout", "-5"),
        ("timeout", "1.5"),
        ("ground-ip", "\"10.0.0\""),
        ("satellite-ip", "\"::1\""),
        ("ip", "7"),
        ("downlink-ports", "14011"),
        ("downlink-ports", "[14011, 70000]"),
        ("ground-port", "[1]"),
    ];
    for (key, value) in malformed {
        let config = config(&format!("[radio.comms]\n{key} = {value}"));
        let default = CommsConfig {
            notices: config.notices.clone(),
            ..CommsConfig::default()
        };
        assert_eq!(config, default);
        let notice = &config.notices[0];
        assert!(
            notice.starts_with(&format!("[radio.comms] `{key}` is ")),
            "{notice}"
        );
        assert!(notice.contains("using the default"), "{notice}");
    }
}

#[test]
fn a_field_in_two_spellings_is_told() {
    let text = "[radio.comms]\nground-port = 1\nground_port = 2";
    let config = config(text);
    assert!(config.ground_port.is_some());
    let told = config.notices.iter().filter(|n| n.contains("ground-port"));
    assert_eq!(told.count(), 1, "{:?}", config.notices);
}

#[test]
fn comms_that_is_no_table_stops_the_start() {
    for text in ["[radio]\ncomms = 5", "[[radio.comms]]\nformat = \"kubos\""] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains("`radio.comms` must be one table"), "{error}");
    }
}

#[test]
fn a_key_that_the_chosen_format_does_not_know_stops_the_start() {
    let misplaced = [
        ("format = \"kubos\"\nerror-control = true", "error-control"),
        ("http-ports = [8020]", "http-ports"),
        ("format = \"udp\"\napids = { udp = 7 }", "apids"),
        ("format = \"kubos\"\ncommand-memory = {}", "command-memory"),
    ];
    for (text, key) in misplaced {
        let error = error(text).to_string();
        assert!(error.contains(key) && error.contains("format"), "{error}");
    }
}

#[test]
fn a_limit_that_would_cut_the_link_off_stops_the_start() {
    for key in [
        "message-bytes-max",
        "memory-bytes-max",
        "transmit-queue-messages-max",
        "reassembly-timeout-ms",
        "read-timeout-ms",
    ] {
        let error = error(&format!("{key} = 0")).to_string();
        assert!(
            error.contains(&format!("{key} = 0 is not in 1..")),
            "{error}"
        );
    }
}

#[test]
fn notices_show_defaults_as_a_configuration_file_would() {
    let notices = config("[radio.comms]\nground-port = 70000").notices;
    assert!(notices[0].contains("`ground-port`") && notices[0].contains("default none"));
    assert!(
        notices[1].contains("handler-port-min = 13100"),
        "{notices:?}"
    );
    assert!(
        notices[1].contains("ground-ip = \"127.0.0.1\""),
        "{notices:?}"
    );
}

#[test]
fn text_that_is_not_toml_is_an_error() {
    let error = read("[radio\n").unwrap_err();
    assert!(error.to_string().contains("TOML"), "{error}");
}

#[test]
fn an_unknown_key_is_an_error_that_names_it_and_the_nearest_known_one() {
    let typos = [
        ("packet-byte-max = 1", "packet-byte-max", "packet-bytes-max"),
        ("eror_control = true", "eror_control", "error-control"),
        ("formt = \"udp\"", "formt", "format"),
        ("downlink-port = [1]", "downlink-port", "downlink-ports"),
    ];
    for (text, typo, known) in typos {
        match error(text) {
            CommsError::UnknownKey {
                key,
                table,
                nearest,
            } => {
                assert_eq!(key, typo);
                assert_eq!(table, "radio.comms");
                assert_eq!(nearest.as_deref(), Some(known));
            }
            other => panic!("{other}"),
        }
        let shown = error(text).to_string();
        assert!(shown.contains(typo) && shown.contains(known), "{shown}");
    }
    match error("zzzzzzzzzzzzzzzzzzzzz = 1") {
        CommsError::UnknownKey { nearest, .. } => assert_eq!(nearest, None),
        other => panic!("{other}"),
    }
}

#[test]
fn a_malformed_newer_key_is_an_error_that_names_it() {
    let malformed = [
        ("format", "\"ax25\""),
        ("format", "1"),
        ("packet-bytes-max", "31"),
        ("packet-bytes-max", "65543"),
        ("packet-bytes-max", "-1"),
        ("error-control", "\"no\""),
        ("apid-preset", "5"),
        ("apids", "[1]"),
        ("apids", "{ graphql = \"zero\" }"),
        ("http-ports", "[65536]"),
        ("message-bytes-max", "\"1M\""),
        ("memory-bytes-max", "1.5"),
        ("handler-queue-messages-max", "-1"),
        ("transmit-queue-messages-max", "true"),
        ("reassembly-timeout-ms", "-1"),
        ("read-timeout-ms", "\"1s\""),
        ("command-memory", "4096"),
        ("command-memory", "{ commands = 1 }"),
        ("command-memory", "{ commands-max = 0 }"),
        ("command-memory", "{ commands-max = 70000 }"),
        ("command-memory", "{ time-ms = 0 }"),
        ("state-dir", "1"),
    ];
    for (key, value) in malformed {
        for key in [key.to_string(), key.replace('-', "_")] {
            let shown = error(&format!("{key} = {value}")).to_string();
            assert!(shown.contains(&key.replace('_', "-")), "{key}: {shown}");
        }
    }
}

#[test]
fn a_newer_key_in_two_spellings_is_an_error_that_names_it() {
    let shown = error("error-control = true\nerror_control = false").to_string();
    assert!(shown.contains("`error-control`"), "{shown}");
}

#[test]
fn an_apid_map_that_cannot_be_is_an_error() {
    for (text, says) in [
        ("apid-preset = \"kubo\"", "kubo"),
        ("apids = { grphql = 1 }", "grphql"),
        ("apids = { graphql = 2047 }", "2047"),
        ("apids = { graphql = -1 }", "-1"),
        ("apids = { graphql = 1 }", "two entries"),
    ] {
        let shown = error(text).to_string();
        assert!(shown.contains(says), "{shown}");
    }
}

#[test]
fn newer_keys_are_read_in_both_spellings() {
    let expected = LinkOptions {
        format: PacketFormat::Udp,
        packet_bytes_max: Some(1000),
        error_control: Some(false),
        http_ports: vec![8020, 8030],
        message_bytes_max: Some(1),
        memory_bytes_max: Some(2),
        handler_queue_messages_max: Some(3),
        transmit_queue_messages_max: Some(4),
        reassembly_timeout_ms: Some(5),
        read_timeout_ms: Some(6),
        ..LinkOptions::default()
    };
    let kebab_case = "format = \"udp\"
        packet-bytes-max = 1000
        error-control = false
        http-ports = [8020, 8030]
        message-bytes-max = 1
        memory-bytes-max = 2
        handler-queue-messages-max = 3
        transmit-queue-messages-max = 4
        reassembly-timeout-ms = 5
        read-timeout-ms = 6";
    assert_eq!(options(kebab_case), expected);
    assert_eq!(options(&kebab_case.replace('-', "_")), expected);
    assert_eq!(options(""), LinkOptions::default());

    let link = expected.link_config(LinkConfig::new(End::Satellite));
    assert_eq!(link.message_bytes_max, 1);
    assert_eq!(link.memory_bytes_max, 2);
    assert_eq!(link.handler_queue_messages_max, 3);
    assert_eq!(link.transmit_queue_messages_max, 4);
    assert_eq!(link.reassembly_timeout, Duration::from_millis(5));
    assert_eq!(expected.read_timeout(), Duration::from_millis(6));
    let defaults = LinkOptions::default();
    assert_eq!(defaults.read_timeout(), Duration::from_secs(1));
    let link = defaults.link_config(LinkConfig::new(End::Satellite));
    assert_eq!(link.memory_bytes_max, 8 << 20);
}

#[test]
fn the_command_memory_is_there_in_space_packets_only_and_has_its_limits() {
    let memory = |text: &str| {
        let config = LinkConfig::new(End::Satellite);
        options(text).link_config(config).command_memory
    };
    let default = CommandMemoryConfig {
        commands_max: 4096,
        answer_bytes_max: 1 << 20,
        time: Duration::from_secs(86_400),
    };
    assert_eq!(memory(""), Some(default));
    let given = "command-memory = { commands_max = 1, answer-bytes-max = 0, time-ms = 3 }";
    let limits = CommandMemoryConfig {
        commands_max: 1,
        answer_bytes_max: 0,
        time: Duration::from_millis(3),
    };
    assert_eq!(memory(given), Some(limits));
    assert_eq!(memory("format = \"kubos\""), None);
    assert_eq!(memory("format = \"udp\""), None);
}

// From options to a format.

fn addresses() -> Addresses {
    Addresses {
        ground_ip: Ipv4Addr::LOCALHOST,
        satellite_ip: Ipv4Addr::LOCALHOST,
        ground_port: Some(9001),
    }
}

fn format(text: &str, radio_bytes_max: Option<usize>) -> Box<dyn LinkPacket> {
    options(text)
        .packet_format(End::Ground, radio_bytes_max, addresses())
        .unwrap()
}

fn head(payload_type: PayloadType) -> Head {
    Head {
        payload_type,
        class: Class::Standard,
        security: None,
        command_id: 50_000,
        port: 8020,
    }
}

/// Octets of the first packet of a long message.
fn first_packet(format: &dyn LinkPacket) -> Vec<u8> {
    let mut packet = Vec::new();
    let query = head(PayloadType::GraphQl);
    format
        .build(&query, &[0; 50_000], 0, 0, &mut packet)
        .unwrap();
    packet
}

#[test]
fn the_smaller_of_the_radios_and_the_configured_limit_holds_else_256() {
    for (text, radio, expected) in [
        ("", None, 256),
        ("", Some(1000), 1000),
        ("packet-bytes-max = 100", None, 100),
        ("packet-bytes-max = 100", Some(1000), 100),
        ("packet-bytes-max = 2000", Some(1000), 1000),
    ] {
        assert_eq!(first_packet(&*format(text, radio)).len(), expected);
    }
}

#[test]
fn a_radio_whose_packets_are_too_small_for_the_headers_is_an_error() {
    for text in ["", "format = \"kubos\"", "format = \"udp\""] {
        let format = options(text).packet_format(End::Ground, Some(31), addresses());
        let shown = format.err().expect(text).to_string();
        assert!(shown.contains("31"), "{shown}");
    }
}

#[test]
fn in_kubos_and_udp_only_a_limit_that_somebody_names_holds() {
    for name in ["kubos", "udp"] {
        let unlimited = format(&format!("format = \"{name}\""), None);
        assert_eq!(unlimited.name(), name);
        assert!(first_packet(&*unlimited).len() > 50_000);
        let limited = format(&format!("format = \"{name}\""), Some(256));
        assert!(
            limited
                .packet_count(&head(PayloadType::GraphQl), 256)
                .is_err()
        );
    }
}

#[test]
fn each_format_takes_its_own_preset_unless_one_is_named() {
    let apid = |text: &str, payload_type| format(text, None).channel_of(&head(payload_type));
    let apids = |text: &str| {
        [
            apid(text, PayloadType::GraphQl),
            apid(text, PayloadType::Udp),
            apid(text, PayloadType::Cfdp),
        ]
    };
    assert_eq!(apids(""), [0, 1, 2]);
    assert_eq!(apids("apid-preset = \"default\""), [0, 1, 2]);
    assert_eq!(apids("apid-preset = \"kubos\""), [0, 1, 2047]);
    assert_eq!(apids("apid-preset = \"kubos-gateway\""), [1, 0, 2047]);
    assert_eq!(apids("format = \"kubos\""), [0, 1, 2047]);
    let gateway = "format = \"kubos\"\napid-preset = \"kubos-gateway\"";
    assert_eq!(apids(gateway), [1, 0, 2047]);
    assert_eq!(apids("apids = { graphql = 100 }"), [100, 1, 2]);
}

#[test]
fn error_control_is_on_unless_switched_off() {
    let query = head(PayloadType::GraphQl);
    let length = |text: &str| {
        let mut packet = Vec::new();
        format(text, None)
            .build(&query, b"x", 0, 0, &mut packet)
            .unwrap();
        packet.len()
    };
    assert_eq!(length(""), 19);
    assert_eq!(length("error-control = true"), 19);
    assert_eq!(length("error-control = false"), 17);
}

#[test]
fn security_is_one_key_away_and_every_mistake_in_it_is_named() {
    let read = options("security = { key_file = \"/k\" }\nstate-dir = \"/s\"");
    let security = read.security.unwrap();
    assert_eq!(security.key_file.to_str(), Some("/k"));
    assert_eq!(security.mode, comms_service::security::Mode::Authenticate);
    assert_eq!(read.state_dir.unwrap().to_str(), Some("/s"));
    let cases = [
        ("security = {}", "key-file"),
        ("security = { key-fil = \"/k\" }", "key-fil"),
        ("security = { key-file = \"/k\", mode = \"none\" }", "none"),
        (
            "security = { key-file = \"/k\", stations = 128 }",
            "1..=127",
        ),
        ("security = { key-file = \"/k\", station = 0 }", "1..=127"),
        (
            "security = { key-file = \"/k\", challenge-ms = 1 }",
            "challenge-ms",
        ),
        (
            "security = { key-file = \"/k\" }\npacket-bytes-max = 99",
            "100",
        ),
        (
            "security = { key-file = \"/k\" }\napid-preset = \"kubos\"",
            "link-control",
        ),
        (
            "security = { key-file = \"/k\" }\nformat = \"kubos\"",
            "format `kubos`",
        ),
        (
            "security = { key-file = \"/k\" }\nformat = \"udp\"",
            "format `udp`",
        ),
        ("securty = { key-file = \"/k\" }", "`security`"),
        ("security = true", "security"),
    ];
    for (text, part) in cases {
        let error = error(text).to_string();
        assert!(error.contains(part), "no {part:?} in {error}");
    }
}

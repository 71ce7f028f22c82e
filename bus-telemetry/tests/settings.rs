//! `[bus-telemetry]`.

use std::fs;
use std::net::UdpSocket;
use std::time::Duration;

use bus_telemetry::{EpochSetting, OpenError, Orbit, Question, Settings, Source};

const NOW: Duration = Duration::from_secs(1_798_761_600);

fn settings(text: &str) -> Result<Settings, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
}

#[test]
fn a_simulator_and_a_port_are_read() {
    let simulator = settings("source = 'simulator'\ntle-file = '/a.tle'\nepoch = 'start'");
    let expected = Source::Simulator {
        tle_file: Some("/a.tle".into()),
        epoch: EpochSetting::Start,
    };
    assert_eq!(simulator.unwrap().source, expected);
    let udp = settings("source = 'udp'\nudp-port = 8155\nage-max-s = 3").unwrap();
    let expected = Source::Udp {
        port: 8155,
        age_max: Duration::from_secs(3),
    };
    assert_eq!(udp.source, expected);
    let Source::Udp { age_max, .. } = settings("source = 'udp'\nudp-port = 1").unwrap().source
    else {
        panic!("a port");
    };
    assert_eq!(age_max, Duration::from_secs(10));
}

#[test]
fn a_service_that_is_asked_is_read() {
    let said = settings("source = 'graphql'\ngraphql-url = 'http://bus:8080/graphql'").unwrap();
    let ten_seconds = Duration::from_secs(10);
    let expected = Question::new("http://bus:8080/graphql", ten_seconds);
    assert_eq!(said.source, Source::GraphQl(expected));
    let said = settings(
        "source = 'graphql'\ngraphql-url = 'http://[::1]/'\ngraphql-query = '{ eclipse }'
        graphql-every-ms = 500\ngraphql-timeout-ms = 300\nage-max-s = 3",
    );
    let expected = Question {
        url: "http://[::1]/".to_owned(),
        query: "{ eclipse }".to_owned(),
        every: Duration::from_millis(500),
        timeout: Duration::from_millis(300),
        age_max: Duration::from_secs(3),
    };
    let said = said.unwrap();
    assert_eq!(said.source, Source::GraphQl(expected));
    // Nobody need be there yet.
    said.open(NOW).unwrap();
}

#[test]
fn what_does_not_belong_there_is_refused_with_what_to_do() {
    for (text, said) in [
        ("", "missing field `source`"),
        ("source = 'gps'", "unknown variant `gps`"),
        ("source = 'simulator'\ntle = ''", "unknown field `tle`"),
        (
            "source = 'simulator'\nudp-port = 1",
            "`udp-port` is of source = \"udp\"",
        ),
        (
            "source = 'simulator'\nage-max-s = 1",
            "`age-max-s` is of source = \"udp\"",
        ),
        (
            "source = 'simulator'\ngraphql-query = '{ a }'",
            "`graphql-query` is of source = \"graphql\"",
        ),
        (
            "source = 'udp'\nudp-port = 1\ngraphql-url = 'http://a/'",
            "`graphql-url` is of source = \"graphql\"",
        ),
        ("source = 'graphql'", "wants `graphql-url`"),
        (
            "source = 'graphql'\ngraphql-url = 'http://a/'\nudp-port = 1",
            "`udp-port` is of source = \"udp\"",
        ),
        (
            "source = 'graphql'\ngraphql-url = 'https://a/'",
            "`graphql-url` is `https://a/`: `http://HOST:PORT/PATH` is meant",
        ),
        ("source = 'graphql'\ngraphql-url = 'a:80'", "`graphql-url`"),
        (
            "source = 'graphql'\ngraphql-url = '/graphql'",
            "`graphql-url`",
        ),
        (
            "source = 'graphql'\ngraphql-url = 'http://a/'\ngraphql-query = ''",
            "`graphql-query` must have 1 to 8192 octets",
        ),
        (
            "source = 'graphql'\ngraphql-url = 'http://a/'\ngraphql-every-ms = 99",
            "`graphql-every-ms` must be from 100 to 3600000",
        ),
        (
            "source = 'graphql'\ngraphql-url = 'http://a/'\ngraphql-timeout-ms = 10001",
            "`graphql-timeout-ms` must be from 10 to 10000",
        ),
        (
            "source = 'graphql'\ngraphql-url = 'http://a/'\ngraphql-every-ms = 11000",
            "`age-max-s` is less than `graphql-every-ms`",
        ),
        (
            "source = 'graphql'\ngraphql-url = 'http://a/'\nage-max-s = 0",
            "`age-max-s` must be",
        ),
        (
            "source = 'simulator'\nepoch = 'now'",
            "unknown variant `now`",
        ),
        ("source = 'udp'", "wants `udp-port`"),
        ("source = 'udp'\nudp-port = 0", "wants `udp-port`"),
        ("source = 'udp'\nudp-port = 65536", "expected u16"),
        (
            "source = 'udp'\nudp-port = 1\nage-max-s = 0",
            "`age-max-s` must be from 1 to 86400",
        ),
        (
            "source = 'udp'\nudp-port = 1\nage-max-s = 86401",
            "`age-max-s` must be",
        ),
        (
            "source = 'udp'\nudp-port = 1\ntle-file = ''",
            "`tle-file` is of source = \"simulator\"",
        ),
        (
            "source = 'udp'\nudp-port = 1\nepoch = 'start'",
            "`epoch` is of source = \"simulator\"",
        ),
    ] {
        let error = settings(text).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn the_simulator_flies_the_elements_of_the_file_from_now_on_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orbit.tle");
    let elements = "STATION\n\
        1 25544U 98067A   14020.93268519  .00009878  00000-0  18200-3 0  5082\n\
        2 25544  51.6498 109.4756 0003572  55.9686 274.8005 15.49815350868473\n";
    fs::write(&file, elements).unwrap();
    let text = format!(
        "source = 'simulator'\nepoch = 'start'\ntle-file = '{}'",
        file.display()
    );
    let telemetry = settings(&text).unwrap().open(NOW).unwrap();
    let inertial = telemetry.state(NOW).unwrap().inertial.unwrap().value;
    let orbit = Orbit::from_tle(elements).unwrap().with_epoch(NOW);
    assert_eq!(inertial, orbit.inertial(NOW).unwrap());
}

#[test]
fn elements_that_cannot_be_read_are_told_with_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orbit.tle");
    let text = format!("source = 'simulator'\ntle-file = '{}'", file.display());
    let settings = settings(&text).unwrap();
    let refused = || settings.open(NOW).err().unwrap();
    assert!(matches!(refused(), OpenError::Read { .. }));
    fs::write(&file, "1 x\n2 y\n").unwrap();
    let error = refused();
    assert!(matches!(error, OpenError::Tle { .. }));
    assert!(error.to_string().starts_with(&file.display().to_string()));
    fs::write(&file, "x".repeat(1 << 20)).unwrap();
    assert!(refused().to_string().contains("1024"));
    fs::write(&file, [0xFF; 20]).unwrap();
    assert!(matches!(refused(), OpenError::Read { .. }));
}

#[test]
fn a_port_that_is_taken_is_told() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let settings = settings(&format!("source = 'udp'\nudp-port = {port}")).unwrap();
    let error = settings.open(NOW).err().unwrap();
    assert!(matches!(error, OpenError::Port { .. }), "{error}");
    drop(taken);
    settings.open(NOW).unwrap();
}

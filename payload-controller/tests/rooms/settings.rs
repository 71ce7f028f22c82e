//! The configuration.

use std::path::PathBuf;
use std::time::Duration;

use payload_controller::core::*;
use payload_controller::settings::Settings;
use service_host::config_file::ConfigFile;

fn read(text: &str) -> Result<Settings, String> {
    let file = ConfigFile {
        path: Some(PathBuf::from("config.toml")),
        table: text.parse().unwrap(),
    };
    Settings::read(&file).map_err(|error| error.to_string())
}

fn app(rest: &str) -> String {
    format!(
        "[[payload-controller.apps]]\nname = \"camera\"\nnumber = 4\n\
         connection = {{ callbacks = \"127.0.0.1:50053\" }}\n{rest}"
    )
}

#[test]
fn without_a_word_there_are_no_apps() {
    let settings = read("").unwrap();
    assert!(settings.apps.is_empty());
    assert_eq!(settings.outbound, "/opt/antaris/outbound");
}

#[test]
fn keys_of_the_link_may_stand_in_the_table_itself() {
    let settings = read("[payload-controller]\ntimeout = 1500\nip = \"127.0.0.1\"\n");
    assert!(settings.unwrap().apps.is_empty());
    let refused = read("[payload-controller]\ntimeout-s = 2\n").unwrap_err();
    assert!(refused.contains("timeout-s"), "{refused}");
}

#[test]
fn an_app_of_which_little_is_said_has_the_rules_of_the_book() {
    let settings = read(&app("")).unwrap();
    let name = "camera".parse().unwrap();
    let expected = AppRules::new(name, 4.try_into().unwrap());
    assert_eq!(settings.rules.apps, [expected]);
    let outbound = &settings.apps[0].folders.outbound;
    assert_eq!(
        outbound,
        &PathBuf::from("payload-controller/apps/camera/outbound")
    );
}

#[test]
fn each_rule_can_be_said() {
    let text = app(r#"
        command = ["/opt/camera/run", "--fast"]
        start = "command"
        host = 134
        default-device = 135
        sdk = ">=1.2.0"
        interface = "2024-10"
        deadline-unit = "ms"
        registration-timeout-s = 90
        health = { every-ms = 1000, deadline-ms = 500, misses-max = 3, action = "restart" }
        shutdown = { grace-s = 1, exit-allowance-s = 2, kill-wait-s = 3, cycle-off-s = 4, host-settle-s = 5, host-off = false }
        restart = { pause-s = 1, tolerance-s = 2, relapse-s = 3, boots-max = 4, boots-within-s = 5, quarantine-first-s = 6, quarantine-max-s = 7, stable-s = 8 }
        runs = { open-max = 1, kept-max = 2, start-within-s = 3, late-s = 4, hold-s = 5 }
        outbox = { responses-max = 1, commands-max = 2, deadline-ms = 3, attempts-max = 4, retry-pause-ms = 5, valid-s = 6, flush-max-ms = 7 }
        files = { open-max = 1, open-bytes-max = 2, retry-first-s = 3, retry-max-s = 4, attempts-max = 5 }
        requests = { per-s = 1, burst = 2 }
        replies = { per-s = 3, burst = 4 }
        stream-period-min-ms = 50
        thermal = [0]
        copies-to = ["camera"]
        hears-power-of = ["camera"]
        power-on-is = 0
        metrics-every-s = 0
        [[payload-controller.devices]]
        id = 134
        off-min-s = 3
        battery-v-min = 7.5
        off-with-app = false
        timeout-ms = 100
        [[payload-controller.devices]]
        id = 135
        owner = "camera"
        [[payload-controller.thermal]]
        id = 0
        sensor = "SESA"
        lowest-c = -20
        highest-c = 20
        duration-max-s = 60
        every-s = 1
        "#);
    let settings = read(&text).unwrap();
    let default = AppRules::new("camera".parse().unwrap(), 4.try_into().unwrap());
    let rules = &settings.rules.apps[0];
    assert!(rules.has_process);
    assert_eq!(rules.versions, VersionRule::AtLeast(Version(1, 2, 0)));
    let october = Interface {
        year: 2024,
        month: 10,
    };
    assert_eq!(rules.interface, october);
    assert_eq!(rules.deadline_unit, DeadlineUnit::Milliseconds);
    assert_eq!(rules.health.action, HealthAction::Restart);
    assert_eq!(rules.shutdown.cycle_off, Duration::from_secs(4));
    assert_eq!(rules.metrics_every, None);
    assert_ne!(rules.health, default.health);
    assert_ne!(rules.shutdown, default.shutdown);
    assert_ne!(rules.restart, default.restart);
    assert_ne!(rules.runs, default.runs);
    assert_ne!(rules.outbox, default.outbox);
    assert_ne!(rules.files, default.files);
    assert_eq!(settings.rules.devices[0].battery_v_min, Some(7.5));
    assert_eq!(settings.rules.thermal[0].lowest_c, -20);
}

#[test]
fn an_app_that_is_older_than_counters_is_not_asked_for_them_unless_that_is_said() {
    let every = |text: &str| read(&app(text)).unwrap().rules.apps[0].metrics_every;
    assert_eq!(every("interface = \"2024-03\""), None);
    let minute = Some(Duration::from_secs(60));
    assert_eq!(every("interface = \"2024-04\""), minute);
    let said = every("interface = \"2024-03\"\nmetrics-every-s = 60");
    assert_eq!(said, minute);
}

#[test]
fn a_key_that_is_not_known_is_refused_with_the_one_that_is_most_like_it() {
    for (text, nearest) in [
        (app("helth = {}"), "health"),
        (app("health = { misses-mx = 3 }"), "misses-max"),
        ("[payload-controller]\njornal = \"a\"".to_owned(), "journal"),
    ] {
        let error = read(&text).unwrap_err();
        assert!(
            error.contains(&format!("do you mean `{nearest}`?")),
            "{error}"
        );
        assert!(error.starts_with("config.toml"), "{error}");
    }
}

#[test]
fn what_cannot_be_is_refused_and_says_where() {
    for (text, part) in [
        (app("host = 134"), "app camera: there is no device 134"),
        (app("thermal = [3]"), "there is no thermal 3"),
        (app("copies-to = [\"radar\"]"), "there is no app radar"),
        (app("sdk = \"1.1\""), "`sdk` is `1.1`: `any`, `1.1.1`, `>="),
        (app("sdk = \">=2.0.0 <2.0.0\""), "`>=1.1.1 <2.0.0` is meant"),
        (
            app("interface = \"2022-12\""),
            "`interface` is `2022-12`: a month as `2024-10` is meant, from 2023-01 on",
        ),
        (app("interface = \"2024-13\""), "a month as `2024-10`"),
        (app("interface = \"2024-1\""), "a month as `2024-10`"),
        (app("deadline-unit = \"us\""), "unknown variant `us`"),
        (
            app("health = { every-ms = 1000 }"),
            "not below `health.every-ms`",
        ),
        (
            app("health = { misses-max = 0 }"),
            "`health.misses-max` is 0",
        ),
        (app("power-on-is = 3"), "neither 0 nor 1"),
        (
            app("runs = { open-max = 2000 }"),
            "2000 open runs, and 1024 are the most",
        ),
        (
            app("[[payload-controller.devices]]\nid = 1\nowner = \"radar\""),
            "device 1: there is no app radar",
        ),
        (
            app("[[payload-controller.devices]]\nid = 1\n[[payload-controller.devices]]\nid = 1"),
            "device 1 is there twice",
        ),
        (
            app("[[payload-controller.thermal]]\nid = 1\nsensor = \"a\"\nlowest-c = 70"),
            "not below `highest-c`",
        ),
        (
            format!("{}{}", app(""), app("")),
            "app camera is there twice",
        ),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

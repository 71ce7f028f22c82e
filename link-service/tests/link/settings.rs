//! `[link-service]`: what each key does, and how a mistake is told.

use std::path::Path;

use link_service::settings::{AppKind, Settings};

use crate::rig::{access, file, refusal, with_rules};

fn settings(text: &str) -> Settings {
    Settings::read(&file(text)).unwrap()
}

#[test]
fn without_a_table_there_are_no_apps_and_nothing_is_allowed() {
    assert_eq!(settings(""), Settings::default());
    assert_eq!(settings("[file-service]"), Settings::default());
    let defaults = Settings::default();
    assert!(defaults.apps.is_empty() && defaults.policy.is_empty());
    assert!(defaults.service.free_bytes_min > 0 && defaults.service.reserved_critical_bytes > 0);
}

#[test]
fn the_keys_of_the_service_take_the_place_of_its_defaults() {
    let settings = settings(
        "[link-service]
        apps-root = '/data/apps'
        journal = '/data/link.redb'
        free-bytes-min = 1
        reserved-critical-bytes = 2",
    );
    assert_eq!(settings.service.apps_root, Path::new("/data/apps"));
    assert_eq!(settings.service.journal, Path::new("/data/link.redb"));
    assert_eq!(settings.service.free_bytes_min, 1);
    assert_eq!(settings.service.reserved_critical_bytes, 2);
}

#[test]
fn the_keys_of_an_app_take_the_place_of_its_defaults() {
    let settings = settings(
        "[[link-service.apps]]
        id = 'camera'
        root = '/mnt/camera'
        uid = 1001
        token-file = '/etc/camera.token'
        quota-bytes = 1
        quota-files = 2
        outbox-requests-max = 3
        kind = 'service'
        [[link-service.apps]]
        id = 'analyser'",
    );
    let camera = &settings.apps[0];
    assert_eq!(camera.id.as_str(), "camera");
    assert_eq!(camera.root.as_deref(), Some(Path::new("/mnt/camera")));
    assert_eq!(camera.uid, Some(1001));
    assert_eq!(
        camera.token_file.as_deref(),
        Some(Path::new("/etc/camera.token"))
    );
    assert_eq!((camera.quota_bytes, camera.quota_files), (1, 2));
    assert_eq!(camera.outbox_requests_max, 3);
    assert_eq!(camera.kind, AppKind::Service);
    let analyser = &settings.apps[1];
    assert_eq!((analyser.root.as_ref(), analyser.uid), (None, None));
    assert_eq!(analyser.kind, AppKind::App);
    assert!(analyser.quota_bytes > 0 && analyser.quota_files > 0);
}

#[test]
fn the_tables_of_the_link_are_left_to_the_link() {
    let text = "[link-service.addr]\nport = 1\n[link-service.radio]\n[link-service.comms]";
    assert_eq!(settings(text), Settings::default());
}

#[test]
fn a_typo_is_named_with_what_was_meant_in_each_table() {
    for (text, typo, meant) in [
        ("[link-servce]", "[link-servce]", "[link-service]"),
        ("[link-service]\njournl = 'a'", "`journl`", "`journal`"),
        ("[[link-service.app]]\nid = 'a'", "`app`", "`apps`"),
        ("[[link-service.polcy]]", "`polcy`", "`policy`"),
        ("[link-service.radoi]", "`radoi`", "`radio`"),
        (
            "[[link-service.apps]]\nid = 'a'\nquota-byte = 1",
            "`quota-byte`",
            "`quota-bytes`",
        ),
        (
            "[[link-service.apps]]\nid = 'a'\nquota_files = 1",
            "`quota_files`",
            "`quota-files`",
        ),
        (
            "[[link-service.policy]]\nform = 'a'\nto = 'b'",
            "`form`",
            "`from`",
        ),
        (
            "[[link-service.policy]]\nfrom = '*'\nto = '*'\nsize_max = 1",
            "`size_max`",
            "`size-max`",
        ),
    ] {
        let error = refusal(text);
        assert!(error.starts_with("test.toml: "), "{error}");
        assert!(error.contains(typo) && error.contains(meant), "{error}");
    }
}

#[test]
fn a_key_that_is_like_none_is_told_which_there_are() {
    let error = refusal("[[link-service.apps]]\nid = 'a'\nzzzzzzzzzzzz = 1");
    for key in [
        "`zzzzzzzzzzzz`",
        "quota-bytes",
        "token-file",
        "outbox-requests-max",
    ] {
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn a_value_that_cannot_be_is_told_with_its_place_in_one_line() {
    let rule = |keys: &str| with_rules(&[keys]);
    let app = |keys: &str| format!("[[link-service.apps]]\nid = 'cam'\n{keys}");
    for (text, place, key) in [
        (
            "[link-service]\nfree-bytes-min = -1".into(),
            "[link-service]",
            "free-bytes-min",
        ),
        (
            app("quota-bytes = 'much'"),
            "number 1 (`cam`)",
            "quota-bytes",
        ),
        (app("uid = -1"), "number 1 (`cam`)", "uid"),
        (app("kind = 'daemon'"), "number 1 (`cam`)", "kind"),
        (
            "[[link-service.apps]]\nid = 'A'".into(),
            "number 1 (`A`)",
            "id",
        ),
        ("[[link-service.apps]]\nuid = 1".into(), "number 1", "id"),
        (rule("from = 'camera'"), "number 1", "to"),
        (rule("from = 'Camera', to = '*'"), "number 1", "from"),
        (
            rule("from = '*', to = '*', type = 'app'"),
            "number 1",
            "app2app",
        ),
        (
            rule("from = '*', to = '*', priority-max = 'top'"),
            "number 1",
            "critical",
        ),
        (
            rule("from = '*', to = '*', allow = 'no'"),
            "number 1",
            "allow",
        ),
    ] {
        let error = refusal(&text);
        assert!(error.contains(place) && error.contains(key), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn what_must_be_a_table_or_a_list_is_told_how_to_write_it() {
    assert!(refusal("link-service = 1").contains("`link-service` must be a table"));
    assert!(refusal("[link-service.apps]\nid = 'a'").contains("[[link-service.apps]]"));
    assert!(refusal("[link-service]\npolicy = [1]").contains("[[link-service.policy]]"));
}

#[test]
fn more_apps_or_rules_than_there_can_be_are_refused_with_the_limit() {
    let list = |key: &str, count: usize| format!("link-service.{key} = [{}]", "{},".repeat(count));
    let apps = refusal(&list("apps", link_service::settings::APPS_MAX + 1));
    assert!(apps.contains("4097") && apps.contains("4096"), "{apps}");
    let rules = refusal(&list("policy", link_service::settings::RULES_MAX + 1));
    assert!(
        rules.contains("16385") && rules.contains("16384"),
        "{rules}"
    );
}

#[test]
fn the_example_of_the_crate_is_taken() {
    let settings = settings(include_str!("../../config.example.toml"));
    assert!(settings.apps.len() > 1 && settings.policy.len() > 1);
    access(include_str!("../../config.example.toml"));
}

const BUCKET: &str = "[[link-service.buckets]]\nname = 'shared'\nurl = 's3://mission/apps'\n";

#[test]
fn the_keys_of_a_bucket_and_of_an_app_in_it_are_read() {
    let text = format!(
        "{BUCKET}poll-ms = 250\nendpoint = 'http://10.0.0.5:8333'\nallow-http = true\n\
         region = 'here'\naccess-key-file = 'a'\nsecret-key-file = 'b'\nca-file = 'c'\n\
         [[link-service.apps]]\nid = 'analyser'\nbucket = 'shared'\npolled = false\n\
         [[link-service.apps]]\nid = 'archive'\nbucket = 'shared'\n\
         [[link-service.apps]]\nid = 'camera'"
    );
    let read = settings(&text);
    let shared = &read.buckets[0];
    assert_eq!(shared.name.as_str(), "shared");
    assert_eq!(shared.poll.as_millis(), 250);
    assert_eq!(shared.store.url, "s3://mission/apps");
    assert_eq!(
        shared.store.secret_key_file.as_deref(),
        Some(Path::new("b"))
    );
    let access = access(&text);
    let bucket_of = |id: &str| {
        let app = access.registry().app(&id.parse().unwrap()).unwrap();
        app.bucket.clone().map(|bucket| bucket.is_polled)
    };
    assert_eq!(bucket_of("analyser"), Some(false));
    assert_eq!(bucket_of("archive"), Some(true));
    assert_eq!(bucket_of("camera"), None);
}

#[test]
fn a_mistake_about_a_bucket_is_told_with_what_to_write() {
    let app = |keys: &str| format!("{BUCKET}[[link-service.apps]]\nid = 'analyser'\n{keys}");
    for (text, said) in [
        (format!("{BUCKET}regoin = 'x'"), "`region`"),
        (format!("{BUCKET}poll-m = 1"), "`poll-ms`"),
        (format!("{BUCKET}poll-ms = 0"), "100 to 3600000"),
        (format!("{BUCKET}{BUCKET}"), "two buckets `shared`"),
        (
            "[[link-service.buckets]]\nname = 'shared'\nurl = 'mission'".to_owned(),
            "s3://BUCKET",
        ),
        (
            "[[link-service.buckets]]\nurl = 's3://abc'".to_owned(),
            "`name`",
        ),
        (app("bucket = 'shard'"), "did you mean `shared`?"),
        (app("polled = true"), "with a `bucket`"),
        (
            app("bucket = 'shared'\nquota-bytes = 1"),
            "`quota-bytes` does not hold in a bucket",
        ),
        (
            app("bucket = 'shared'\nquota-files = 1"),
            "`quota-files` does not hold in a bucket",
        ),
        (
            "[[link-service.bucket]]\nname = 'a'".to_owned(),
            "`buckets`",
        ),
    ] {
        let error = refusal(&text);
        assert!(error.contains(said), "{said}: {error}");
    }
}

#[test]
fn a_peer_says_which_end_calls_and_how_often() {
    let peer = |keys: &str| {
        format!(
            "[[link-service.peers]]\nnode = 'helio-2'\n{keys}\n\
             [link-service.peers.radio]\nkind = 'udp'\n"
        )
    };
    let read = settings(&peer("initiator = true"));
    assert!(read.peers[0].initiator);
    assert_eq!(read.peers[0].call_ms, 5_000);
    for (keys, told) in [
        ("", "initiator"),
        ("initiator = true\ncall-ms = 0", "call-ms"),
        ("initiator = true\ncal-ms = 7", "did you mean `call-ms`?"),
    ] {
        let error = refusal(&peer(keys));
        assert!(error.contains("number 1 (`helio-2`)"), "{error}");
        assert!(error.contains(told), "{error}");
    }
}

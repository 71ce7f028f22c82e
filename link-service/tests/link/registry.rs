//! Who is registered, and whose directories are whose.

use std::fs;
use std::path::Path;

use link_service::names::AppId;
use link_service::settings::AppKind;

use crate::rig::{APPS, access, refusal};

fn id(name: &str) -> AppId {
    name.parse().unwrap()
}

fn app(id: &str, keys: &str) -> String {
    format!("[[link-service.apps]]\nid = '{id}'\n{keys}\n")
}

#[test]
fn an_app_has_inbox_and_outbox_beneath_the_common_root_or_its_own() {
    let own = app("analyser", "root = '/mnt/analyser'");
    let text = format!(
        "link-service.apps-root = '/data'\n{}{own}",
        app("camera", "")
    );
    let access = access(&text);
    let camera = access.registry().app(&id("camera")).unwrap();
    assert_eq!(camera.inbox, Path::new("/data/camera/inbox"));
    assert_eq!(camera.outbox, Path::new("/data/camera/outbox"));
    let analyser = access.registry().app(&id("analyser")).unwrap();
    assert_eq!(analyser.inbox, Path::new("/mnt/analyser/inbox"));
}

#[test]
fn a_service_is_registered_as_an_app_is() {
    let access = access(APPS);
    let service = access.registry().app(&id("sensor-service")).unwrap();
    assert_eq!(service.kind, AppKind::Service);
    let names = access.registry().apps().map(|app| app.id.as_str());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["analyser", "camera", "sensor-service"]
    );
}

#[test]
fn what_the_configuration_says_of_an_app_is_what_holds() {
    let keys = "uid = 7\ntoken-file = '/t'\nquota-bytes = 1\nquota-files = 2\n\
                outbox-requests-max = 3";
    let access = access(&app("camera", keys));
    let camera = access.registry().app(&id("camera")).unwrap();
    assert_eq!(
        (camera.uid, camera.quota.bytes, camera.quota.files),
        (Some(7), 1, 2)
    );
    assert_eq!(camera.outbox_requests_max, 3);
    assert_eq!(camera.token_file.as_deref(), Some(Path::new("/t")));
}

#[test]
fn a_name_that_is_only_asked_for_is_nobody_and_gets_no_directory() {
    let root = tempfile::tempdir().unwrap();
    let text = format!(
        "link-service.apps-root = '{}'\n{APPS}",
        root.path().display()
    );
    let access = access(&text);
    assert!(access.registry().app(&id("stranger")).is_none());
    assert!(!access.registry().is_registered(&id("stranger")));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn one_name_is_one_app() {
    let error = refusal(&format!("{APPS}{}", app("camera", "")));
    assert!(error.contains("two apps `camera`"), "{error}");
}

#[test]
fn no_app_is_called_as_the_ground_is() {
    assert!(refusal(&app("ground", "")).contains("`ground`"));
}

#[test]
fn no_app_has_its_directories_in_those_of_another() {
    for (one, other) in [
        ("/data/a", "/data/a"),
        ("/data/a", "/data/a/outbox"),
        ("/data/a/inbox/b", "/data/a"),
        ("/data/a", "/data/./a/"),
        ("data/a", "./data/a"),
    ] {
        let [one, other] =
            [("one", one), ("other", other)].map(|(id, root)| app(id, &format!("root = '{root}'")));
        let between = app("between", "root = '/data/a.b'");
        let error = refusal(&format!("{one}{between}{other}"));
        assert!(
            error.contains("`one`") && error.contains("`other`"),
            "{error}"
        );
    }
    let beside = ["/data/a", "/data/ab", "/data/a.b"].map(|root| {
        let id = format!("app{}", root.len());
        app(&id, &format!("root = '{root}'"))
    });
    access(&format!("{}{}", beside[0], beside[1]));
    access(&format!("{}{}", beside[0], beside[2]));
}

#[test]
fn a_root_that_is_none_is_refused() {
    for root in ["", "/", "/data/../etc"] {
        let error = refusal(&app("camera", &format!("root = '{root}'")));
        assert!(
            error.contains("`camera`") && error.contains("root"),
            "{error}"
        );
    }
}

#[test]
fn no_app_can_write_the_journal_or_a_token() {
    let camera = app("camera", "root = '/data/camera'");
    let journal = "link-service.journal = '/data/camera/outbox/link.redb'\n";
    let error = refusal(&format!("{journal}{camera}"));
    assert!(
        error.contains("journal") && error.contains("`camera`"),
        "{error}"
    );
    let analyser = app("analyser", "token-file = '/data/camera/token'");
    let error = refusal(&format!("{camera}{analyser}"));
    assert!(
        error.contains("token") && error.contains("`camera`"),
        "{error}"
    );
}

#[test]
fn no_token_is_that_of_two_apps() {
    let [camera, analyser] = ["camera", "analyser"].map(|id| app(id, "token-file = '/t/one'"));
    let error = refusal(&format!("{camera}{analyser}"));
    assert!(
        error.contains("`camera`") && error.contains("`analyser`"),
        "{error}"
    );
    assert!(error.contains("token"), "{error}");
}

const PEER: &str = "
[[link-service.peers]]
node = 'helio-2'
initiator = true
radio = { kind = 'udp' }
";

#[test]
fn no_app_is_called_as_a_peer_is_and_each_peer_has_a_name_of_its_own() {
    let error = refusal(&format!("{PEER}{}", app("helio-2", "")));
    assert!(
        error.contains("`helio-2`") && error.contains("peer"),
        "{error}"
    );
    let error = refusal(&format!("{PEER}{PEER}"));
    assert!(error.contains("two peers `helio-2`"), "{error}");
    let error = refusal(&PEER.replace("helio-2", "ground"));
    assert!(error.contains("`ground`"), "{error}");
    access(&format!("{PEER}{}", app("camera", "")));
}

#[test]
fn no_app_can_write_to_the_folder_of_a_link() {
    let access = access(&app("camera", "root = '/data/camera'"));
    let check = |path: &str| {
        let path = std::path::Path::new(path);
        access.registry().check_hidden("the folder of a link", path)
    };
    check("/data/links").unwrap();
    let error = check("/data/camera/links").unwrap_err().to_string();
    assert!(
        error.contains("folder of a link") && error.contains("`camera`"),
        "{error}"
    );
}

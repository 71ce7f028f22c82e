//! Another configuration while the service runs.

use std::sync::Arc;

use link_service::access::LiveAccess;
use link_service::code::Code;
use link_service::request::LinkType::App2App;

use crate::rig::{access, ask, file, with_rules};

fn is_allowed(live: &LiveAccess, from: &str, to: &str) -> bool {
    ask(&live.current(), from, to, App2App).1.is_none()
}

fn live(rules: &[&str]) -> LiveAccess {
    LiveAccess::new(access(&with_rules(rules)))
}

#[test]
fn another_table_holds_from_the_next_question_on() {
    let live = live(&["from = 'camera', to = 'analyser'"]);
    let before = live.current();
    let next = with_rules(&["from = 'analyser', to = 'camera'"]);
    live.reload(&file(&next)).unwrap();
    assert!(is_allowed(&live, "analyser", "camera"));
    assert!(!is_allowed(&live, "camera", "analyser"));
    // What is being decided is decided by one table.
    assert_eq!(ask(&before, "camera", "analyser", App2App), (Some(1), None));
}

#[test]
fn a_table_with_a_mistake_is_refused_as_a_whole_and_the_former_holds() {
    let live = live(&["from = 'camera', to = 'analyser'"]);
    let before = live.current();
    let good = "from = 'analyser', to = 'camera'";
    for (mistake, told) in [
        ("from = 'camra', to = 'analyser'", "camra"),
        ("from = 'camera', to = 'analyser', size-mx = 1", "size-mx"),
        ("from = 'camera', to = 'analyser', allow = 1", "allow"),
        ("from = 'analyser', to = 'camera'", "rule 1"),
    ] {
        let error = live
            .reload(&file(&with_rules(&[good, mistake])))
            .unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("test.toml: ") && error.contains(told),
            "{error}"
        );
        assert!(Arc::ptr_eq(&before, &live.current()));
    }
}

#[test]
fn apps_come_and_go() {
    let live = live(&["from = '*', to = '*'"]);
    let more = with_rules(&["from = '*', to = '*'"]).replace("'camera'", "'imager'");
    live.reload(&file(&more)).unwrap();
    assert!(is_allowed(&live, "imager", "analyser"));
    let gone = ask(&live.current(), "camera", "analyser", App2App);
    assert_eq!(gone, (None, Some(Code::UnknownSender)));
}

#[test]
fn what_files_under_way_depend_on_needs_a_restart() {
    let live = live(&[]);
    let before = live.current();
    let text = with_rules(&[]);
    for (key, told) in [
        ("link-service.journal = '/other.redb'\n", "`journal`"),
        ("link-service.apps-root = '/other'\n", "the root of app"),
    ] {
        let error = live.reload(&file(&format!("{key}{text}"))).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(told) && error.contains("restart"), "{error}");
        assert!(Arc::ptr_eq(&before, &live.current()));
    }
}

#[test]
fn quotas_and_limits_change_at_once() {
    let live = live(&[]);
    let text = with_rules(&[]).replace("'camera'", "'camera'\nquota-files = 5");
    let text = format!("link-service.free-bytes-min = 1\n{text}");
    live.reload(&file(&text)).unwrap();
    let now = live.current();
    assert_eq!(now.settings().free_bytes_min, 1);
    let camera = now.registry().app(&"camera".parse().unwrap()).unwrap();
    assert_eq!(camera.quota.files, 5);
}

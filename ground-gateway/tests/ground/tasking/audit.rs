//! The audit log.

use serde_json::Value;

use super::site::{Site, now_s};

impl Site {
    /// All that is logged.
    #[track_caller]
    pub(crate) fn audit(&self) -> Vec<Value> {
        let (code, stdout, stderr) = self.rig.run(&["audit", "--json"]);
        assert_eq!(code, 0, "{stderr}");
        let lines = stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

#[test]
fn what_was_done_is_logged_with_who_and_which() {
    let site = Site::new();
    let serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let id = site.order(&token, now_s() + 3_600, 10).id();
    site.delete(&token, &format!("/tasking/window?id={id}"));
    for _ in 0..50 {
        site.get(&token, "/tasking/windows");
    }
    serving.signal(rustix::process::Signal::TERM);
    serving.finish();
    let log = site.audit();
    let actions: Vec<_> = log
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    let expected = [
        "token add",
        "POST /tasking/window",
        "DELETE /tasking/window",
        "GET /tasking/windows",
        "GET /tasking/windows",
    ];
    assert_eq!(actions, expected);
    let ordered = &log[1];
    assert_eq!(
        (
            &*ordered["actor"].to_string(),
            &*ordered["subject"].to_string()
        ),
        ("\"john\"", &*format!("\"{id}\""))
    );
    assert_eq!(
        (&ordered["role"], &ordered["remote"]),
        (&"tasker".into(), &"127.0.0.1".into())
    );
    // Those that change nothing are counted.
    let times: u64 = log[3..]
        .iter()
        .map(|entry| entry["times"].as_u64().unwrap())
        .sum();
    assert_eq!(times, 50);
    let (_, text, _) = site.rig.run(&["audit", "--last", "1"]);
    assert!(text.contains("(49 times)"), "{text}");
    let (_, text, _) = site.rig.run(&["audit", "--after", "1"]);
    assert_eq!(text.lines().count(), 4);
}

#[test]
fn two_grounds_do_not_serve_one_directory() {
    let site = Site::new();
    let _serving = site.start();
    let (code, _, stderr) = site.rig.run(&["serve", "--for", "5s"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("another `ground serve`"), "{stderr}");
}

#[test]
fn a_ground_without_tasking_says_so() {
    let rig = crate::rig::Rig::with_satellite();
    for arguments in [&["audit"][..], &["token", "list"]] {
        let outcome = rig.run(arguments);
        crate::assert_fails_with_one_line(outcome, &["config.toml", "[tasking]"]);
    }
}

impl Site {
    /// The token of that name expired a while ago.
    pub(crate) fn expire(&self, name: &str) {
        let file = self.rig.file("tasking").join("tasking.sqlite");
        let database = rusqlite::Connection::open(file).unwrap();
        let update = "UPDATE tokens SET expires_s = 1 WHERE name = ?";
        assert_eq!(database.execute(update, [name]).unwrap(), 1);
    }
}

#[test]
fn nothing_that_is_logged_can_be_changed() {
    let site = Site::new();
    site.token("john", &["--role", "tasker"]);
    let before = site.audit();
    let file = site.rig.file("tasking").join("tasking.sqlite");
    let database = rusqlite::Connection::open(file).unwrap();
    for change in [
        "UPDATE audit SET actor = 'me'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit",
    ] {
        let error = database.execute(change, []).unwrap_err().to_string();
        assert!(error.contains("only added to"), "{change}: {error}");
    }
    assert_eq!(site.audit(), before);
}

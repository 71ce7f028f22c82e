//! Who may ask what.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use super::site::{Reply, Site, now_s, window};

#[track_caller]
fn assert_is_denied(reply: &Reply, status: u16, part: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    let detail = reply.body["detail"].as_str().unwrap();
    assert!(detail.contains(part), "{part}: {detail}");
    let challenge = reply.header("www-authenticate");
    assert_eq!(challenge.is_some(), status == 401, "{reply:?}");
}

#[test]
fn tokens_that_are_missing_wrong_expired_or_revoked_are_refused_and_logged() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let path = "/tasking/windows";
    assert_eq!(site.get(&token, path).status, 200);
    assert_is_denied(&site.get("", path), 401, "no token is shown");
    assert_is_denied(&site.get("secret", path), 401, "is no token");
    let mut wrong = token.clone();
    let last = wrong.pop().unwrap();
    wrong.push(if last == '0' { '1' } else { '0' });
    assert_is_denied(&site.get(&wrong, path), 401, "not known");

    let expired = site.token("early", &["--role", "viewer", "--expires-days", "1"]);
    site.expire("early");
    assert_is_denied(&site.get(&expired, path), 401, "has expired");

    let (code, _, stderr) = site.rig.run(&["token", "revoke", "john"]);
    assert_eq!(code, 0, "{stderr}");
    assert_is_denied(&site.get(&token, path), 401, "is revoked");

    let log = site.audit();
    for (actor, part) in [
        ("-", "no token is shown"),
        ("early", "has expired"),
        ("john", "is revoked"),
    ] {
        let is_logged = log.iter().any(|entry| {
            let detail = entry["detail"].as_str().unwrap();
            entry["actor"] == actor && entry["status"] == 401 && detail.contains(part)
        });
        assert!(is_logged, "{part}: {log:#?}");
    }
    // Nothing of a secret is in the store.
    let secret = token.rsplit('_').next().unwrap();
    for file in std::fs::read_dir(site.rig.file("tasking")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let octets = std::fs::read(&path).unwrap();
            let found = octets
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn a_token_allows_what_its_role_does() {
    let site = Site::new();
    let _serving = site.start();
    let viewer = site.token("vera", &["--role", "viewer"]);
    let tasker = site.token("john", &["--role", "tasker"]);
    let order = window(now_s() + 3_600, 10);
    let upload = "satellite_id=FM1&payload=CAM&destination_path=/opt/a&executable=true";
    let query = format!("/graphql/FM1/{}", site.service.port);
    for path in [
        "/tasking/satellites",
        "/tasking/windows",
        "/tasking/uploads",
    ] {
        assert_eq!(site.get(&viewer, path).status, 200);
    }
    assert_is_denied(
        &site.post(&viewer, "/tasking/window", &order),
        403,
        "`viewer`",
    );
    assert_is_denied(
        &site.delete(&viewer, "/tasking/window?id=1"),
        403,
        "takes `tasker`",
    );
    assert_is_denied(&site.upload(&viewer, upload, b"a"), 403, "takes `tasker`");
    for token in [&viewer, &tasker] {
        let asked = site.post(token, &query, &json!({"query": "{ ping }"}));
        assert_is_denied(&asked, 403, "takes `operator`");
    }
    assert_eq!(site.post(&tasker, "/tasking/window", &order).status, 200);
}

#[test]
fn a_token_is_for_its_satellites_only() {
    let site = Site::new();
    let _serving = site.start();
    let all = site.token("all", &["--role", "operator"]);
    let one = site.token("one", &["--role", "operator", "--satellite", "FM2"]);
    let start_s = now_s() + 3_600;
    let id = site.order(&all, start_s, 10).id();
    let foreign = "not for satellite `FM1`";
    assert_is_denied(&site.order(&one, start_s, 10), 403, foreign);
    let cancel = format!("/tasking/window?id={id}");
    assert_is_denied(&site.delete(&one, &cancel), 403, foreign);
    let query = format!("/graphql/FM1/{}", site.service.port);
    let asked = site.post(&one, &query, &json!({"query": "{ ping }"}));
    assert_is_denied(&asked, 403, foreign);
    let upload = "satellite_id=FM1&payload=CAM&destination_path=/opt/a&executable=true";
    assert_is_denied(&site.upload(&one, upload, b"a"), 403, foreign);
    for path in [
        "/tasking/windows?satellite_id=FM1",
        "/tasking/uploads?satellite_id=FM1",
        "/tasking/availability?satellite_id=FM1&window_type=PAYLOAD_CAM&start=1&duration=1",
    ] {
        assert_is_denied(&site.get(&one, path), 403, foreign);
    }
    // What it does not ask for by name, it does not see.
    assert_eq!(site.get(&one, "/tasking/windows").body["data"], json!([]));
    let seen = site.get(&one, "/tasking/satellites").body;
    assert_eq!(
        (&seen["data"][0]["id"], &seen["data"][1]),
        (&json!("FM2"), &json!(null))
    );
    let log = site.audit();
    let denied = log
        .iter()
        .filter(|entry| entry["actor"] == "one" && entry["status"] == 403);
    assert_eq!(denied.count(), 7, "{log:#?}");
}

#[test]
fn pages_of_other_origins_may_not_order() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let headers = [
        ("Origin", "http://evil.example"),
        ("Content-Type", "application/json"),
    ];
    let body = window(now_s() + 3_600, 10).to_string();
    let refused = site.post_with(&token, "/tasking/window", &headers, body);
    assert_eq!(refused.status, 403);
}

#[test]
fn what_everybody_may_see_is_seen_without_a_token() {
    let site = Site::new();
    let _serving = site.start();
    let health = site.get("", "/health");
    assert_eq!(health.body["data"]["status"], "ok");
    let document = site.get("", "/openapi.json");
    assert_eq!(
        (document.status, &document.body["openapi"]),
        (200, &json!("3.1.0"))
    );
    for (path, status) in [("/", 401), ("/tasking/nothing", 401)] {
        assert_eq!(site.get("", path).status, status);
    }
    let token = site.token("vera", &["--role", "viewer"]);
    assert_eq!(site.get(&token, "/tasking/nothing").status, 404);
    assert_eq!(site.delete(&token, "/tasking/windows").status, 405);
}

#[test]
fn a_token_is_printed_once_and_listed_without_its_secret() {
    let site = Site::new();
    let token = site.token("john", &["--role", "tasker", "--satellite", "FM1"]);
    let (code, _, stderr) = site.rig.run(&["token", "add", "john", "--role", "viewer"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("ground token revoke john"), "{stderr}");
    let (_, listed, _) = site.rig.run(&["token", "list"]);
    assert!(listed.contains("john tasker of FM1"), "{listed}");
    let secret = token.rsplit('_').next().unwrap();
    assert!(!listed.contains(secret));
    site.rig.run(&["token", "revoke", "john"]);
    let (_, listed, _) = site.rig.run(&["token", "list", "--json"]);
    assert!(listed.contains("\"holds\":false"), "{listed}");
    site.token("john", &["--role", "viewer"]);
    for wrong in [
        &["token", "add", "a b", "--role", "viewer"][..],
        &[
            "token",
            "add",
            "a",
            "--role",
            "viewer",
            "--satellite",
            "FM9",
        ],
        &["token", "revoke", "nobody"],
    ] {
        let (code, _, stderr) = site.rig.run(wrong);
        assert_eq!((code, stderr.lines().count()), (1, 1), "{stderr}");
    }
}

#[test]
fn a_request_that_is_no_http_ends_its_connection_only() {
    let site = Site::new();
    let _serving = site.start();
    let mut stream = TcpStream::connect(("127.0.0.1", site.port)).unwrap();
    stream.write_all(b"nonsense\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    assert_eq!(site.get("", "/health").status, 200);
}

//! Which pages in a browser may command a service.

use serde_json::json;

use crate::rig::{Answer, Client, start};

const RENAME: &str = r#"{"query":"mutation { rename(name: \"x\") }"}"#;

/// POSTs a mutation as a browser does for a page of `origin` that asks `host`.
fn rename(origin: Option<&str>, host: &str) -> Answer {
    let server = start();
    let origin = origin.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
    Client::connect(&server).ask(format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\n{origin}Content-Length: {}\r\n\r\n{RENAME}",
        RENAME.len()
    ))
}

#[test]
fn a_page_of_another_origin_cannot_command_the_service() {
    for origin in [
        "http://elsewhere",
        "http://127.0.0.1:8150.elsewhere",
        "http://127.0.0.1",
        "http://127.0.0.1:80",
        "null",
    ] {
        let answer = rename(Some(origin), "127.0.0.1:8150");
        assert_eq!(answer.status, 403);
        assert!(answer.refusal().contains(origin));
    }
}

#[test]
fn a_page_of_the_service_itself_can() {
    for host in [
        "127.0.0.1:8150",
        "127.0.0.1",
        "10.0.0.7:8150",
        "[::1]:8150",
        "[fe80::1]",
        "localhost:8150",
        "LOCALHOST",
    ] {
        let answer = rename(Some(&format!("http://{host}")), host);
        assert_eq!(answer.json(), json!({"data": {"rename": true}}), "{host}");
    }
}

#[test]
fn a_page_whose_name_was_made_to_point_here_cannot_command_the_service() {
    for host in [
        "elsewhere:8150",
        "localhost.elsewhere:8150",
        "127.0.0.1.elsewhere",
        "[::1].elsewhere",
        "[::1",
        "127.0.0.1:",
        "127.0.0.1:8150:1",
        "2130706433:8150",
    ] {
        let answer = rename(Some(&format!("http://{host}")), host);
        assert_eq!(answer.status, 403, "{host}");
        assert!(answer.refusal().contains("localhost"), "{host}");
    }
}

#[test]
fn a_client_that_is_no_browser_may_use_any_name() {
    let answer = rename(None, "flatsat:8150");
    assert_eq!(answer.json(), json!({"data": {"rename": true}}));
}

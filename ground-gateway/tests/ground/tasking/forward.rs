//! Queries that go through to a service of the satellite.

use serde_json::{Value, json};

use super::site::{Reply, Site};

fn ask(site: &Site, token: &str, body: &Value, key: Option<&str>) -> Reply {
    let path = format!("/graphql/FM1/{}", site.service.port);
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(key.map(|key| ("Idempotency-Key", key)));
    site.post_with(token, &path, &headers, body.to_string())
}

#[test]
fn a_query_is_answered_by_the_satellite_and_logged_before_and_after() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("olga", &["--role", "operator"]);
    let answer = ask(&site, &token, &json!({"query": "{ ping }"}), None);
    assert_eq!(
        (answer.status, answer.body),
        (200, json!({"data": {"ping": "pong"}}))
    );
    // Errors of GraphQL are an answer.
    let answer = ask(&site, &token, &json!({"query": "{ pong }"}), None);
    assert_eq!(answer.status, 200);
    assert!(answer.body["errors"].is_array(), "{answer:?}");
    let log = site.audit();
    let of_query = log
        .iter()
        .filter(|entry| entry["action"] == "POST /graphql/{satellite}/{port}");
    let told: Vec<_> = of_query
        .map(|entry| entry["status"].as_u64().unwrap())
        .collect();
    assert_eq!(told, [0, 200, 0, 200]);
    let detail = log[1]["detail"].as_str().unwrap();
    assert!(detail.contains("{ ping }"), "{detail}");
}

#[test]
fn a_query_with_a_key_is_asked_once() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("olga", &["--role", "operator"]);
    let body = json!({"query": "mutation { cancelWindow(id: \"1\") { success } }"});
    let first = ask(&site, &token, &body, Some("k"));
    assert_eq!(first.status, 200, "{first:?}");
    let count = site.service.bodies().len();
    let again = ask(&site, &token, &body, Some("k"));
    assert_eq!(again.body, first.body);
    assert_eq!(site.service.bodies().len(), count);
    let other = json!({"query": "{ ping }"});
    assert_eq!(ask(&site, &token, &other, Some("k")).status, 422);
}

#[test]
fn what_cannot_be_asked_is_refused_before_the_link_is_used() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("olga", &["--role", "operator"]);
    let body = json!({"query": "{ ping }"});
    for (path, status) in [
        ("/graphql/FM9/8152", 404),
        ("/graphql/FM1/8151", 404),
        ("/graphql/FM1/0", 404),
        ("/graphql/FM1/x", 404),
        ("/graphql/FM1/99999", 404),
    ] {
        assert_eq!(site.post(&token, path, &body).status, status, "{path}");
    }
    for body in [
        json!([]),
        json!({}),
        json!({"query": 1}),
        json!({"query": "{ a }", "x": 1}),
    ] {
        assert_eq!(ask(&site, &token, &body, None).status, 400, "{body}");
    }
    assert!(
        site.service
            .bodies()
            .iter()
            .all(|body| !body.contains("ping"))
    );
}

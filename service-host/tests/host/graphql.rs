//! GraphQL over HTTP.

use serde_json::json;
use service_host::http::limits::{BATCH_QUERIES_MAX, BODY_BYTES_MAX};

use crate::rig::{get, post, start};

const NAME: &str = r#"{"query":"{ name }"}"#;

#[test]
fn a_post_is_json_whatever_its_content_type() {
    let server = start();
    for path in ["/", "/graphql"] {
        for content_type in [
            "",
            "Content-Type: application/json\r\n",
            "Content-Type: text/plain\r\n",
            "Content-Type: application/x-www-form-urlencoded\r\n",
        ] {
            let answer = post(&server, path, content_type, NAME);
            assert_eq!(answer.status, 200, "{path} {content_type}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.json(), json!({"data": {"name": "flatsat"}}));
        }
    }
}

#[test]
fn an_http_client_of_the_comms_service_is_understood() {
    let server = start();
    let url = format!("http://{}/", server.local_addr());
    let mut response = ureq::post(&url).send(NAME).unwrap();
    let body = response.body_mut().read_to_string().unwrap();
    assert_eq!(body, r#"{"data":{"name":"flatsat"}}"#);
}

#[test]
fn a_body_of_type_application_graphql_is_the_query_itself() {
    let server = start();
    let content_type = "Content-Type: application/graphql; charset=utf-8\r\n";
    let answer = post(&server, "/graphql", content_type, "{ name }");
    assert_eq!(answer.json(), json!({"data": {"name": "flatsat"}}));
}

#[test]
fn variables_and_the_operation_name_are_used() {
    let server = start();
    let body = json!({
        "query": "query a { name } query b($t: String!) { echo(text: $t) }",
        "operationName": "b",
        "variables": {"t": "Ä\n"},
    });
    let answer = post(&server, "/graphql", "", &body.to_string());
    assert_eq!(answer.json(), json!({"data": {"echo": "Ä\n"}}));
}

#[test]
fn a_batch_is_answered_in_order() {
    let server = start();
    let batch = r#" [{"query":"{ name }"},{"query":"mutation { rename(name: \"a\") }"},{"query":"{ name }"}]"#;
    let answer = post(&server, "/", "", batch);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!([
            {"data": {"name": "flatsat"}},
            {"data": {"rename": true}},
            {"data": {"name": "a"}},
        ])
    );
}

#[test]
fn a_batch_with_one_bad_query_still_answers_the_others() {
    let server = start();
    let batch = r#"[{"query":"{ nonsense }"},{"query":"{ name }"}]"#;
    let answer = post(&server, "/", "", batch);
    assert_eq!(answer.status, 200);
    assert!(answer.json()[0]["errors"].is_array());
    assert_eq!(answer.json()[1], json!({"data": {"name": "flatsat"}}));
}

#[test]
fn an_empty_batch_and_one_too_large_are_refused() {
    let server = start();
    let answer = post(&server, "/", "", "[]");
    assert_eq!(answer.status, 400);
    assert!(answer.refusal().contains("no request"));

    let batch = vec![json!({"query": "{ name }"}); BATCH_QUERIES_MAX + 1];
    let answer = post(&server, "/", "", &json!(batch).to_string());
    assert_eq!(answer.status, 400);
    assert!(answer.refusal().contains("101 requests, 100 are allowed"));
}

#[test]
fn what_is_no_graphql_request_is_refused_with_an_error_document() {
    let server = start();
    for (body, said) in [
        (r#"{"query": "#, "column"),
        ("", "EOF"),
        ("hello", "expected value"),
        (r#"{"queri": "{ name }"}"#, "missing field `query`"),
        (r#"[{"query": 5}]"#, "expected a string"),
    ] {
        let answer = post(&server, "/graphql", "", body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.refusal().contains(said), "{}", answer.refusal());
    }
}

#[test]
fn a_query_that_is_not_valid_is_refused_with_the_place_of_the_error() {
    let server = start();
    let answer = post(&server, "/graphql", "", r#"{"query":"{ nonsense }"}"#);
    assert_eq!(answer.status, 400);
    assert!(answer.refusal().contains("nonsense"));
    assert_eq!(
        answer.json()["errors"][0]["locations"],
        json!([{"line": 1, "column": 3}])
    );
}

#[test]
fn a_get_executes_a_query() {
    let server = start();
    let path = "/graphql?query=query+q(%24t:String!)%7Becho(text:%24t)%7D\
                &variables=%7B%22t%22:%22a%26b%22%7D&operationName=q&extra=1";
    for path in [path.to_owned(), path.replace("/graphql", "/")] {
        let answer = get(&server, &path, "Accept: */*\r\n");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), json!({"data": {"echo": "a&b"}}));
    }
}

#[test]
fn a_get_without_a_query_says_what_this_place_is() {
    let server = start();
    for path in ["/", "/graphql"] {
        let answer = get(&server, path, "");
        assert_eq!(answer.status, 400);
        assert!(answer.refusal().contains("POST"));
    }
    let answer = get(&server, "/graphql?query=%7Bname%7D&variables=%7B", "");
    assert_eq!(answer.status, 400);
    assert!(answer.refusal().contains("variables"));
}

#[test]
fn a_get_never_changes_anything() {
    let server = start();
    for query in [
        "mutation%7Brename(name:%22x%22)%7D",
        "%23%0Amutation%20m%7Brename(name:%22x%22)%7D",
    ] {
        let answer = get(&server, &format!("/graphql?query={query}"), "");
        assert_eq!(answer.status, 405);
        assert!(answer.refusal().contains("POST"));
    }
    assert!(post(&server, "/", "", NAME).text().contains("flatsat"));
}

#[test]
fn a_body_of_the_longest_length_is_taken_and_a_longer_one_refused() {
    let server = start();
    let fill = |length: usize| format!("{NAME}{}", " ".repeat(length - NAME.len()));

    let answer = post(&server, "/", "", &fill(BODY_BYTES_MAX));
    assert_eq!(answer.status, 200);

    for length in [BODY_BYTES_MAX + 1, 3 * BODY_BYTES_MAX] {
        let answer = post(&server, "/", "", &fill(length));
        assert_eq!(answer.status, 413);
        assert!(answer.refusal().contains("1048576 bytes"));
    }
}

#[test]
fn a_client_that_asks_first_need_not_send_a_body_too_long() {
    let server = start();
    let mut client = crate::rig::Client::connect(&server);
    let answer = client.ask(format!(
        "POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        BODY_BYTES_MAX + 1
    ));
    assert_eq!(answer.status, 413);
}

#[test]
fn a_resolver_that_panics_costs_only_its_own_request() {
    let server = start();
    let answer = post(&server, "/", "", r#"{"query":"{ broken }"}"#);
    assert_eq!(answer.status, 500);
    assert!(answer.refusal().contains("log"));
    assert_eq!(post(&server, "/", "", NAME).status, 200);
}

#[test]
fn an_unknown_path_or_method_is_refused_by_name() {
    let server = start();
    let answer = get(&server, "/grapql", "");
    assert_eq!(answer.status, 404);
    assert!(answer.refusal().contains("/grapql"));

    let answer = post(&server, "/metrics", "", NAME);
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    assert!(answer.refusal().contains("POST"));
}

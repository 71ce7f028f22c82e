//! Requests are handed in, and it is told how they stand.

use std::thread;
use std::time::Duration;

use link_service::desk::DeskLimits;
use link_service::folders::memory::MemoryDisk;
use link_service::queue::QueueLimits;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::rig::Rig;

fn image() -> Value {
    json!({"fileName": "image.raw", "destinationAppId": "analyser"})
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_file_is_sent_and_its_sender_hears_that_it_arrived() {
    let rig = Rig::new();
    rig.put("image.raw", &[7; 100]);
    let camera = rig.at("camera");
    let accepted = camera.post("/v1/links", &image());
    assert_eq!(accepted.status, 202);
    assert_eq!(accepted.body["responseHeader"]["status"], "PENDING");
    assert_eq!(
        accepted.body["linkRequest"]["requestHeader"]["appId"],
        "camera"
    );
    let rig = rig.run();
    let path = format!("/v1/links/{}?waitSeconds=30", id(&accepted.body));
    let ended = camera.get(&path);
    assert_eq!(ended.status, 200);
    assert_eq!(ended.body["code"], "OK");
    assert_eq!(ended.body["responseHeader"]["status"], "SUCCESSFUL");
    assert_eq!(ended.body["fileSizeKB"], 1);
    let hash = blake3::hash(&[7; 100]).to_hex();
    assert_eq!(ended.body["files"][0]["blake3"], hash.as_str());
    assert!(ended.body["linkProcessedTime"].is_string());
    assert_eq!(rig.arrived("analyser", "image.raw").unwrap(), [7; 100]);
}

#[test]
fn the_same_request_is_made_once_and_told_as_known() {
    let rig = Rig::new().run();
    rig.put("image.raw", b"an image");
    let camera = rig.at("camera");
    let mut request = image();
    request["requestHeader"] = json!({"trackingId": "pass/7 é", "correlationId": "c"});
    let first = camera.post("/v1/links", &request);
    let by_tracking = camera.get("/v1/links/tracking:pass%2F7%20%C3%A9?waitSeconds=30");
    assert_eq!(by_tracking.body["id"], first.body["id"]);
    let again = camera.post("/v1/links", &request);
    assert_eq!((again.status, &again.body["isKnown"]), (200, &json!(true)));
    assert_eq!(again.body["id"], first.body["id"]);
    assert_eq!(again.body["responseHeader"]["correlationId"], "c");
    request["priority"] = json!("HIGH");
    let other = camera.post("/v1/links", &request);
    assert_eq!(
        (other.status, &other.body["code"]),
        (409, &json!("CONFLICT"))
    );
}

#[test]
fn each_refusal_has_the_status_of_its_code() {
    let rig = Rig::new();
    rig.put("image.raw", &[7; 2000]);
    let to = |app: &str| json!({"fileName": "image.raw", "destinationAppId": app});
    let mut both = image();
    both["fileNames"] = json!(["a", "b"]);
    let mut forged = image();
    forged["requestHeader"] = json!({"appId": "analyser"});
    let mut late = image();
    late["expirationTime"] = json!("tomorrow");
    let mut critical = to("archive");
    critical["priority"] = json!("CRITICAL");
    let cases = [
        ("camera", to("nobody"), 404, "UNKNOWN_RECIPIENT"),
        ("camera", to("No Name"), 400, "INVALID_NAME"),
        (
            "camera",
            json!({"fileName": "../x", "destinationAppId": "archive"}),
            400,
            "INVALID_NAME",
        ),
        (
            "camera",
            json!({"fileName": "other", "destinationAppId": "archive"}),
            404,
            "SOURCE_NOT_FOUND",
        ),
        (
            "camera",
            json!({"fileName": "image.raw"}),
            400,
            "INVALID_ARGUMENT",
        ),
        (
            "camera",
            json!({"destinationAppId": "archive"}),
            400,
            "INVALID_ARGUMENT",
        ),
        ("camera", to("analyser"), 413, "TOO_LARGE"),
        ("camera", both, 400, "INVALID_ARGUMENT"),
        ("camera", late, 400, "INVALID_ARGUMENT"),
        ("camera", critical, 403, "FORBIDDEN"),
        ("camera", forged, 403, "FORBIDDEN"),
        ("archive", to("camera"), 403, "FORBIDDEN"),
    ];
    for (sender, request, status, code) in cases {
        let refused = rig.at(sender).post("/v1/links", &request);
        assert_eq!(refused.status, status, "{request}: {}", refused.body);
        assert_eq!(refused.body["code"], code, "{request}");
        assert!(refused.body["id"].is_null(), "{request}");
        assert_ne!(refused.body["responseHeader"]["message"], "", "{request}");
    }
}

#[test]
fn what_is_no_request_is_refused_and_the_field_is_named() {
    let rig = Rig::new();
    let camera = rig.at("camera");
    let misspelt = camera.post("/v1/links", &json!({"fileNme": "image.raw"}));
    let message = misspelt.body["responseHeader"]["message"].as_str().unwrap();
    assert!(message.contains("`fileNme`"), "{message}");
    assert_eq!(misspelt.status, 400);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"priority\":\"URGENT\"}",
        "{\"fileName\":7}",
    ] {
        let refused = camera.ask("POST", "/v1/links", body).unwrap();
        assert_eq!(refused.status, 400, "{body}: {}", refused.body);
        assert_eq!(refused.body["code"], "INVALID_ARGUMENT", "{body}");
    }
    let long = "x".repeat(2 << 20);
    let too_long = camera.ask("POST", "/v1/links", &long);
    // It may be told before all of it was sent.
    assert!(too_long.is_err() || too_long.is_ok_and(|answer| answer.status == 413));
}

#[test]
fn nulls_are_as_if_nothing_was_said() {
    let rig = Rig::new();
    rig.put("image.raw", b"an image");
    let request = json!({
        "requestHeader": null, "linkType": null, "priority": null, "fileName": "image.raw",
        "fileNames": null, "subdirectory": null, "destinationAppId": "analyser",
        "overwrite": null, "expirationTime": null,
    });
    assert_eq!(rig.at("camera").post("/v1/links", &request).status, 202);
}

#[test]
fn a_list_of_fields_is_no_object() {
    let rig = Rig::new();
    rig.put("image.raw", b"an image");
    let mut request = image();
    for header in [json!([]), json!([null, null, null, null]), json!(["7"])] {
        request["requestHeader"] = header;
        let refused = rig.at("camera").post("/v1/links", &request);
        assert_eq!(refused.status, 400, "{request}: {}", refused.body);
    }
    let body = json!([null, null, null, "image.raw", null, null, "analyser"]);
    let refused = rig.at("camera").post("/v1/links", &body);
    assert_eq!(refused.status, 400, "{}", refused.body);
}

#[test]
fn numbers_are_whole_however_they_are_written_and_as_large_as_they_are() {
    let rig = Rig::new();
    let camera = rig.at("camera");
    for (number, seconds) in [("60.0", Some(60)), ("1e30", Some(u64::MAX)), ("60.5", None)] {
        rig.put("image.raw", b"an image");
        let body = format!(
            "{{\"fileName\": \"image.raw\", \"destinationAppId\": \"analyser\", \
             \"expiresInSeconds\": {number}}}"
        );
        let answer = camera.ask("POST", "/v1/links", &body).unwrap();
        let expected = if seconds.is_some() { 202 } else { 400 };
        assert_eq!(answer.status, expected, "{number}: {}", answer.body);
        let told = &answer.body["linkRequest"]["expiresInSeconds"];
        assert_eq!(told.as_u64(), seconds, "{number}");
    }
    let many = format!("/v1/links?limit=9{}", u64::MAX);
    assert_eq!(camera.get(&many).status, 200);
}

#[test]
fn a_time_before_1970_is_over_as_any_other_that_is() {
    let rig = Rig::new().run();
    rig.put("image.raw", b"an image");
    let mut request = image();
    request["expirationTime"] = json!("1950-01-01T00:00:00Z");
    let camera = rig.at("camera");
    let accepted = camera.post("/v1/links", &request);
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let path = format!("/v1/links/{}?waitSeconds=60", id(&accepted.body));
    assert_eq!(camera.get(&path).body["code"], "EXPIRED");
}

#[test]
fn paths_methods_and_parameters_that_are_not_there_are_told_as_json() {
    let rig = Rig::new();
    let camera = rig.at("camera");
    for (method, path, status) in [
        ("GET", "/v1/nothing", 404),
        ("GET", "/", 404),
        ("DELETE", "/v1/links", 405),
        ("GET", "/v1/links?sate=open", 400),
        ("GET", "/v1/links?state=lost", 400),
        ("GET", "/v1/links?limit=many", 400),
        ("GET", "/v1/links?limit=0", 400),
        ("GET", "/v1/links?limit=%2B1", 400),
        ("GET", "/v1/links?from=1", 400),
        ("GET", "/v1/links/0000000000000007", 404),
        ("GET", "/v1/links/7", 404),
        ("POST", "/v1/links/tracking:nothing/cancel", 404),
        ("POST", "/v1/inbox/0000000000000007/ack", 404),
    ] {
        let answer = camera.ask(method, path, "").unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.body["code"].is_string(), "{method} {path}");
    }
}

#[test]
fn what_is_of_one_app_is_nobody_elses_business() {
    let rig = Rig::new();
    rig.put("image.raw", b"an image");
    let accepted = rig.at("camera").post("/v1/links", &image());
    let id = id(&accepted.body);
    let analyser = rig.at("analyser");
    assert_eq!(
        analyser
            .get(&format!("/v1/links/{id}?waitSeconds=30"))
            .status,
        404
    );
    for ask in ["cancel", "hold", "release"] {
        let asked = analyser.post(&format!("/v1/links/{id}/{ask}"), &json!({}));
        assert_eq!(asked.status, 404);
    }
    assert_eq!(analyser.get("/v1/links").body["links"], json!([]));
}

#[test]
fn a_request_is_held_let_go_and_cancelled() {
    let rig = Rig::new();
    rig.put("image.raw", b"an image");
    let camera = rig.at("camera");
    let id = id(&camera.post("/v1/links", &image()).body);
    let ask = |what: &str| camera.post(&format!("/v1/links/{id}/{what}"), &json!({}));
    assert_eq!(ask("hold").body["standing"], "held");
    assert_eq!(ask("release").body["standing"], "ready");
    assert_eq!(ask("hold").body["standing"], "held");
    let rig = rig.run();
    let priority = |word: &str| {
        camera.post(
            &format!("/v1/links/{id}/priority"),
            &json!({"priority": word}),
        )
    };
    assert_eq!(priority("HIGH").status, 200);
    assert_eq!(priority("CRITICAL").status, 403);
    assert_eq!(priority("URGENT").status, 400);
    assert_eq!(ask("cancel").status, 200);
    let ended = camera.get(&format!("/v1/links/{id}?waitSeconds=30"));
    assert_eq!(ended.body["code"], "CANCELLED");
    assert_eq!(ended.body["responseHeader"]["status"], "REJECTED");
    assert_eq!(ask("cancel").status, 409);
    assert!(rig.arrived("analyser", "image.raw").is_none());
}

#[test]
fn who_has_too_many_requests_is_told_when_to_try_again() {
    let rig = Rig::new();
    let camera = rig.at("camera");
    for name in ["a", "b", "c", "d"] {
        rig.put(name, b"an image");
        let request = json!({"fileName": name, "destinationAppId": "analyser"});
        let answer = camera.post("/v1/links", &request);
        match name {
            "d" => {
                assert_eq!(answer.status, 429);
                assert_eq!(answer.body["code"], "UNAVAILABLE");
                assert!(answer.head.contains("retry-after: "), "{}", answer.head);
            }
            _ => assert_eq!(answer.status, 202),
        }
    }
}

#[test]
fn requests_are_listed_page_by_page() {
    let rig = Rig::new().run();
    let camera = rig.at("camera");
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        rig.put(name, b"an image");
        let request = json!({"fileName": name, "destinationAppId": "analyser"});
        let id = id(&camera.post("/v1/links", &request).body);
        camera.get(&format!("/v1/links/{id}?waitSeconds=30"));
        ids.push(id);
    }
    let page = camera.get("/v1/links?limit=2&state=ended").body;
    let listed = |page: &Value| -> Vec<String> {
        page["links"].as_array().unwrap().iter().map(id).collect()
    };
    assert_eq!(listed(&page), ids[..2]);
    assert_eq!(page["next"], ids[2].as_str());
    let page = camera
        .get(&format!("/v1/links?limit=2&from={}", ids[2]))
        .body;
    assert_eq!(
        (listed(&page), &page["next"]),
        (ids[2..].to_vec(), &Value::Null)
    );
    assert_eq!(camera.get("/v1/links?state=open").body["links"], json!([]));
}

#[test]
fn many_wait_at_once_without_a_thread_each_and_all_hear_the_end() {
    let limits = DeskLimits {
        queue: QueueLimits::default(),
        ..DeskLimits::default()
    };
    let rig = Rig::on(MemoryDisk::new(1), limits);
    rig.put("image.raw", b"an image");
    let camera = rig.at("camera");
    let id = id(&camera.post("/v1/links", &image()).body);
    let path = format!("/v1/links/{id}?waitSeconds=60");
    thread::scope(|scope| {
        let waits = (0..32).map(|_| scope.spawn(|| camera.get(&path)));
        let waits: Vec<_> = waits.collect();
        // Others are served meanwhile: there are fewer threads than who waits.
        thread::sleep(Duration::from_millis(100));
        assert_eq!(camera.get("/v1/links").status, 200);
        let _rig = rig.run();
        for wait in waits {
            assert_eq!(wait.join().unwrap().body["code"], "OK");
        }
    });
}

#[test]
fn no_body_is_more_than_refused() {
    let rig = Rig::new();
    let camera = rig.at("camera");
    let field = prop_oneof![
        Just("fileName"),
        Just("destinationAppId"),
        Just("requestHeader"),
        Just("fileNames"),
        Just("subdirectory"),
        Just("expirationTime"),
        Just("expiresInSeconds"),
        Just("priority"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("camera")),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{0,4}", inner, 0..4).prop_map(Value::from_iter),
        ]
    });
    let body = prop::collection::btree_map(field.prop_map(str::to_owned), value, 0..5);
    let body = body.prop_map(|map| Value::from_iter(map).to_string());
    let body = prop_oneof![body, any::<String>()];
    let mut runner = TestRunner::new(Config::with_cases(300));
    let ran = runner.run(&body, |body| {
        let answer = camera.ask("POST", "/v1/links", &body).unwrap();
        prop_assert!((400..500).contains(&answer.status), "{}", answer.status);
        prop_assert!(answer.body["code"].is_string());
        Ok(())
    });
    ran.unwrap();
}

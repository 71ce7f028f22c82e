//! What the operator sees and does.

use serde_json::{Value, json};

use crate::site::Site;

#[test]
fn the_operator_sees_the_transfers_of_all_apps_and_may_hold_and_cancel_them() {
    let site = Site::new();
    let service = site.start();
    site.put("image.raw", &vec![7; 64 << 20]);
    let id = site.send("image.raw");
    let ask = |what: &str| -> Value {
        let query = format!("mutation {{ {what} {{ success errors }} }}");
        let answer = service.graphql(&query);
        let answer = answer.as_object().unwrap().values().next().unwrap();
        answer.clone()
    };
    assert_eq!(ask(&format!("hold(id: \"{id}\")"))["success"], true);
    let links = service.graphql(
        "{ links(state: OPEN) { id sender code standing files bytes recipients { app code } } }",
    );
    let link = &links["links"][0];
    assert_eq!(
        (&link["id"], &link["sender"]),
        (&json!(id), &json!("camera"))
    );
    assert_eq!(link["files"], json!(["image.raw"]));
    let critical = format!("prioritise(id: \"{id}\", priority: CRITICAL)");
    assert_eq!(ask(&critical)["success"], true);
    assert_eq!(ask(&format!("cancel(id: \"{id}\")"))["success"], true);
    assert_eq!(site.ended(&id)["code"], "CANCELLED");
    assert_eq!(site.left(), ["image.raw"]);
    let again = ask(&format!("cancel(id: \"{id}\")"));
    assert_eq!(again, json!({"success": false, "errors": "it has ended"}));
    let one = service.graphql(&format!(
        "{{ link(id: \"{id}\") {{ code processedTime }} }}"
    ));
    assert_eq!(one["link"]["code"], "CANCELLED");
    assert!(one["link"]["processedTime"].is_string());
    let none = service.graphql("{ link(id: \"0000000000000007\") { code } }");
    assert_eq!(none["link"], Value::Null);
}

#[test]
fn the_link_is_asked_as_that_of_any_service() {
    let site = Site::new();
    let service = site.start();
    let answer = service.graphql(
        "{ ping errors packetsUp configuration { state } radio { received } \
         telemetry { __typename } }",
    );
    assert_eq!(answer["ping"], "pong");
    assert_eq!(answer["configuration"]["state"], "settled");
    let noop = service.graphql("mutation { noop { success } }");
    assert_eq!(noop["noop"]["success"], true);
}

#[test]
fn requests_are_counted_by_what_became_of_them() {
    let site = Site::new();
    let service = site.start();
    site.put("image.raw", b"an image");
    let id = site.send("image.raw");
    assert_eq!(site.ended(&id)["code"], "OK");
    site.send("image.raw");
    let unknown = json!({"fileName": "image.raw", "destinationAppId": "nobody"});
    site.at("camera").post("/v1/links", &unknown);
    let (_, page) = service.get("/metrics", None);
    for line in [
        "link_requests_total{code=\"ACCEPTED\"} 1",
        "link_requests_total{code=\"KNOWN\"} 1",
        "link_requests_total{code=\"UNKNOWN_RECIPIENT\"} 1",
        "link_transfers_ended_total{code=\"OK\"} 1",
        "link_delivered_bytes_total 8",
        "link_transfers_open 0",
        "link_deliveries_unread 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
}

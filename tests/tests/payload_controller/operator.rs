//! What the operator asks and orders at the endpoint.

use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::site::Site;

#[test]
fn the_operator_sees_how_apps_are_and_orders_a_sequence_and_a_shutdown() {
    let site = Site::new();
    let _controller = site.start();
    let apps = site.query("{ apps { name number life session { number } } }");
    let camera = &apps["apps"][0];
    assert_eq!(
        (&camera["name"], &camera["number"]),
        (&json!("camera"), &json!(4))
    );
    assert_eq!(camera["session"], Value::Null);

    let mut camera = site.start_camera();
    eventually(PATIENCE, || {
        let health = site.query("{ health { app life isWell misses checks } }");
        let health = &health["health"][0];
        (health["isWell"] == true && health["checks"].as_u64()? > 0).then_some(())
    });
    let app = site.query("{ app(name: \"camera\") { life session { sdkVersion since } } }");
    assert_eq!(app["app"]["life"], "up");
    assert_eq!(app["app"]["session"]["sdkVersion"], "1.1.1");
    assert!(app["app"]["session"]["since"].is_string(), "{app}");

    let ordered = site.order(
        "startSequence(app: \"camera\", sequence: \"Image\", params: \"exposure=5\", \
         withinS: 300) { success errors run }",
    );
    assert_eq!(ordered["success"], true, "{ordered}");
    let run = &ordered["run"];
    let told = camera.called("PA_StartSequence");
    assert_eq!(told["sequence_params"], "exposure=5");
    site.wait_for_run(run, "accepted");
    let open = site.query("{ runs(state: OPEN) { id app sequence params askedTime dueTime } }");
    assert_eq!(open["runs"][0]["id"], *run);
    assert_eq!(open["runs"][0]["params"], "exposure=5");
    let done = json!({"sequence_id": "Image"});
    assert_eq!(camera.call("PC_sequence_done", done), 0);
    site.wait_for_run(run, "done");
    let ended = site.query("{ runs(app: \"camera\", state: ENDED) { id endedTime } }");
    assert!(ended["runs"][0]["endedTime"].is_string(), "{ended}");

    let ordered = site.order("shutdown(app: \"camera\", graceS: 9, reason: 3) { success }");
    assert_eq!(ordered["success"], true);
    let told = camera.called("PA_ShutdownApp");
    assert_eq!(told["shutdown_reason"], 3);
    let notices = site.query("{ notices { number time app severity text } }");
    let notices = notices["notices"].as_array().unwrap();
    let is_registration = |it: &&Value| it["text"].as_str().unwrap().starts_with("registered");
    assert!(notices.iter().any(|it| is_registration(&it)), "{notices:?}");
}

#[test]
fn a_payload_and_the_operator_tell_each_other_something() {
    let site = Site::new();
    let _controller = site.start();
    let mut camera = site.start_camera();
    let said = json!({"command_id": 9, "payload_data": "AAEC", "correlation_id": 1});
    assert_eq!(camera.call("PC_pa_satos_message", said), 0);
    let heard = eventually(PATIENCE, || {
        let heard = site.query("{ messages { number app commandId dataHex } }");
        heard["messages"].get(0).cloned()
    });
    let wanted = json!({"number": 1, "app": "camera", "commandId": 9, "dataHex": "000102"});
    assert_eq!(heard, wanted);
    let none = site.query("{ messages(after: 1) { number } }");
    assert_eq!(none["messages"], json!([]));
}

#[test]
fn a_device_is_switched() {
    let site = Site::new();
    let _controller = site.start();
    let devices = || site.query("{ devices { id owner isOn } }")["devices"].clone();
    assert_eq!(
        devices(),
        json!([{"id": 134, "owner": null, "isOn": false}])
    );
    let ordered = site.order("power(device: 134, on: true) { success errors }");
    assert_eq!(ordered, json!({"success": true, "errors": ""}));
    assert_eq!(devices()[0]["isOn"], true);
}

#[test]
fn an_order_that_cannot_be_followed_says_why() {
    let site = Site::new();
    let _controller = site.start();
    for (order, why) in [
        (
            "startSequence(app: \"camera\", sequence: \"Image\", withinS: 9)",
            "`camera` is not registered",
        ),
        (
            "startSequence(app: \"radar\", sequence: \"Image\", withinS: 9)",
            "there is no app `radar`",
        ),
        ("power(device: 7, on: true)", "there is no device 7"),
        ("power(device: -1, on: true)", "there is no device -1"),
        ("cancelSequence(run: 7)", "there is no run 7"),
        ("shutdown(app: \"camera\", reason: 256)", "`reason`"),
        (
            "message(app: \"camera\", commandId: 1, dataHex: \"0\")",
            "`dataHex`",
        ),
        ("message(app: \"camera\", commandId: 65536)", "`commandId`"),
    ] {
        let refused = site.order(&format!("{order} {{ success errors }}"));
        assert_eq!(refused["success"], false, "{order}");
        let errors = refused["errors"].as_str().unwrap();
        assert!(errors.contains(why), "{order}: {errors}");
    }
}

#[test]
fn the_link_is_asked_as_that_of_any_service() {
    let site = Site::new();
    let _controller = site.start();
    let answer = site.query(
        "{ ping errors packetsUp configuration { state } radio { received } \
         telemetry { __typename } }",
    );
    assert_eq!(answer["ping"], "pong");
    assert_eq!(answer["configuration"]["state"], "settled");
    assert_eq!(site.order("noop { success }")["success"], true);
}

#[test]
fn what_apps_do_is_on_the_metrics_page() {
    let site = Site::new();
    let _controller = site.start();
    let mut camera = site.start_camera();
    assert_eq!(
        camera.call("PC_stage_file_download", json!({"file_path": "../x"})),
        -5
    );
    let stranger = camera.call_as("PC_get_current_location", json!({}), json!({"cookies": []}));
    assert!(
        stranger.get("failed").is_some() || stranger["code"] != 0,
        "{stranger}"
    );
    let page = site.metrics();
    for line in [
        "payload_controller_busy 0",
        "payload_life{app=\"camera\",life=\"up\"} 1",
        "payload_device_on{device=\"134\"} 0",
        "payload_requests_total{app=\"camera\",code=\"0\"} 1",
        "payload_requests_total{app=\"camera\",code=\"-5\"} 1",
        "payload_calls_refused_total{why=\"unknown\"} 1",
        "payload_runs_open{app=\"camera\"} 0",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
}

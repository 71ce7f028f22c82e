//! Orders of the operator, and what becomes of payloads and runs by them.

use heliograph_tests::payload::Peer;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::site::Site;

/// It is followed.
#[track_caller]
fn followed(site: &Site, order: &str) {
    let answer = site.order(&format!("{order} {{ success errors }}"));
    assert_eq!(answer, json!({"success": true, "errors": ""}), "{order}");
}

/// It is not, and why.
#[track_caller]
fn refused(site: &Site, order: &str) -> String {
    let answer = site.order(&format!("{order} {{ success errors }}"));
    assert_eq!(answer["success"], false, "{order}");
    answer["errors"].as_str().unwrap().to_owned()
}

#[track_caller]
fn wait_for_life(site: &Site, app: &str, life: &str) {
    let query = format!("{{ app(name: \"{app}\") {{ life }} }}");
    eventually(PATIENCE, || {
        (site.query(&query)["app"]["life"] == life).then_some(())
    });
}

/// Waits for a notice with all of this in it.
#[track_caller]
fn wait_for_notice(site: &Site, parts: &[&str]) {
    eventually(PATIENCE, || {
        let notices = site.query("{ notices { text } }");
        let notices = notices["notices"].as_array()?.clone();
        let mut texts = notices.iter().filter_map(|it| it["text"].as_str());
        texts
            .any(|text| parts.iter().all(|part| text.contains(part)))
            .then_some(())
    });
}

/// The number of the run that is begun.
#[track_caller]
fn begin(site: &Site, sequence: &str) -> Value {
    let order = format!("startSequence(app: \"camera\", sequence: \"{sequence}\", withinS: 300)");
    let ordered = site.order(&format!("{order} {{ success errors run }}"));
    assert_eq!(ordered["success"], true, "{ordered}");
    ordered["run"].clone()
}

fn shut_down(site: &Site, camera: Peer) {
    followed(site, "shutdown(app: \"camera\", graceS: 1)");
    camera.called("PA_ShutdownApp");
    camera.stop();
    wait_for_life(site, "camera", "off");
}

#[test]
fn an_app_that_is_off_is_started_and_registers_anew() {
    let site = Site::new();
    let _controller = site.start();
    let mut camera = site.start_camera();
    let why = refused(&site, "start(app: \"camera\")");
    assert!(why.contains("`camera` is up already"), "{why}");
    assert_eq!(camera.call("PC_response_shutdown", json!({})), -4);
    shut_down(&site, camera);
    followed(&site, "start(app: \"camera\")");
    wait_for_life(&site, "camera", "starting");
    let _camera = site.start_camera();
    wait_for_life(&site, "camera", "up");
    let query = "{ app(name: \"camera\") { session { number } } }";
    assert_eq!(site.query(query)["app"]["session"]["number"], 2);
}

#[test]
fn an_app_in_quarantine_is_released_and_begun_again() {
    let site = Site::new();
    site.configure(
        "[[payload-controller.apps]]\nname = 'broken'\nnumber = 5\ncommand = ['/bin/false']\n\
         restart = { boots-max = 1, pause-s = 1, tolerance-s = 0, quarantine-first-s = 600 }\n\
         connection = { callbacks = '127.0.0.1:9' }\n",
    );
    site.provision("broken");
    let _controller = site.start();
    wait_for_life(&site, "broken", "quarantined");
    let why = refused(&site, "start(app: \"broken\")");
    assert!(why.contains("`broken` is quarantined already"), "{why}");
    followed(&site, "release(app: \"broken\")");
    wait_for_notice(&site, &["it was released"]);
    // It is as it was, and comes to the same end.
    wait_for_life(&site, "broken", "quarantined");
    let why = refused(&site, "release(app: \"nobody\")");
    assert!(why.contains("there is no app `nobody`"), "{why}");
}

#[test]
fn a_run_of_which_nothing_is_heard_is_abandoned_and_its_name_is_free() {
    let site = Site::new();
    let _controller = site.start();
    let camera = site.start_camera();
    let run = begin(&site, "Image");
    site.wait_for_run(&run, "accepted");
    let again = "startSequence(app: \"camera\", sequence: \"Image\", withinS: 9)";
    let why = refused(&site, again);
    assert!(why.contains("abandon the run"), "{why}");
    followed(&site, &format!("abandonRun(run: {run})"));
    let query = format!("{{ run(id: {run}) {{ state text }} }}");
    let expected = json!({"state": "expired", "text": "abandoned"});
    assert_eq!(site.query(&query)["run"], expected);
    let why = refused(&site, &format!("abandonRun(run: {run})"));
    assert!(why.contains("is expired"), "{why}");
    let next = begin(&site, "Image");
    assert_ne!(run, next);
    site.wait_for_run(&next, "accepted");
    drop(camera);
}

#[test]
fn a_payload_is_asked_for_its_counters() {
    let site = Site::new();
    let _controller = site.start();
    let why = refused(&site, "askMetrics(app: \"camera\")");
    assert!(why.contains("`camera` is not registered"), "{why}");
    let mut camera = site.start_camera();
    let told = json!({
        "used_counter": 2, "timestamp": 1,
        "metrics": [{"names": "shots", "counter": 7}, {"names": "lost", "counter": -1}],
    });
    let inner = json!({"call": "PC_response_payload_metrics", "fields": told});
    camera.on("PA_ProcessReqPayloadMetrics", json!({"calls": [inner]}));
    followed(&site, "askMetrics(app: \"camera\")");
    camera.called("PA_ProcessReqPayloadMetrics");
    let expected = json!([
        {"name": "shots", "count": 7},
        // 32 bits without a sign; GraphQL's integers have one.
        {"name": "lost", "count": 4_294_967_295.0},
    ]);
    eventually(PATIENCE, || {
        let app = site.query("{ app(name: \"camera\") { metrics { name count } } }");
        (app["app"]["metrics"] == expected).then_some(())
    });
}

#[test]
fn a_sequence_of_a_payload_that_knows_the_extension_is_cancelled() {
    let site = Site::new();
    let _controller = site.start();
    let mut payload = site.camera();
    payload.has_extension = true;
    let mut camera = site.start_as(payload);
    let run = begin(&site, "Image");
    let started = camera.called("PA_StartSequence");
    let this = json!({"sequence_id": "Image", "correlation_id": started["correlation_id"]});
    let progress = json!({"run": this, "percent": 40, "text": "exposing"});
    assert_eq!(camera.call("ReportProgress", progress), 0);
    site.wait_for_run(&run, "running");
    followed(
        &site,
        &format!("cancelSequence(run: {run}, reason: \"clouds\")"),
    );
    let told = camera.called("CancelSequence");
    assert_eq!((&told["run"], &told["reason"]), (&this, &json!("clouds")));
    let result = json!({"run": this, "outcome": "OUTCOME_CANCELLED", "text": "half",
        "data": "AP8="});
    assert_eq!(camera.call("ReportResult", result), 0);
    site.wait_for_run(&run, "cancelled");
    let query = format!("{{ run(id: {run}) {{ percent text resultHex endedTime }} }}");
    let ended = &site.query(&query)["run"];
    assert_eq!(
        (&ended["percent"], &ended["text"]),
        (&json!(40), &json!("half"))
    );
    assert_eq!(ended["resultHex"], "00ff");
    assert!(ended["endedTime"].is_string(), "{ended}");
    let why = refused(&site, &format!("cancelSequence(run: {run})"));
    assert!(why.contains("is cancelled"), "{why}");
}

#[test]
fn a_sequence_of_a_payload_that_lacks_the_extension_goes_on_and_that_is_told() {
    let site = Site::new();
    let _controller = site.start();
    let _camera = site.start_camera();
    let run = begin(&site, "Image");
    site.wait_for_run(&run, "accepted");
    followed(&site, &format!("cancelSequence(run: {run})"));
    wait_for_notice(&site, &["CancelSequence", "no such call"]);
    site.wait_for_run(&run, "accepted");
}

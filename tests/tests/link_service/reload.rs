//! Another configuration while the service runs.

use std::fs;

use heliograph_tests::wait::eventually;
use serde_json::json;

use crate::site::{APPS, PATIENCE, Site, TOKEN};

const READ: &str = "the configuration was read again";

#[test]
fn an_app_that_is_added_has_directories_and_a_socket_and_one_that_is_gone_has_no_way_in() {
    let site = Site::new();
    let service = site.start();
    site.configure(&format!("{APPS}\n[[link-service.apps]]\nid = 'archive'\n"));
    service.process.signal("HUP");
    service.process.wait_for_line(READ, PATIENCE);
    site.put("image.raw", b"an image");
    let request = json!({"fileName": "image.raw", "destinationAppId": "archive"});
    assert_eq!(site.at("camera").post("/v1/links", &request).status, 202);
    let inbox = site.at("archive").get("/v1/inbox?waitSeconds=60").body;
    assert_eq!(inbox["deliveries"].as_array().unwrap().len(), 1);
    let path = inbox["deliveries"][0]["files"][0]["path"].as_str().unwrap();
    assert_eq!(fs::read(path).unwrap(), b"an image");

    site.configure("[[link-service.apps]]\nid = 'camera'\n");
    service.process.signal("HUP");
    let closed = || site.at("archive").ask("GET", "/v1/inbox", "").err();
    eventually(PATIENCE, closed);
    // Its token is gone, too; its socket is not.
    let gone = || (service.get("/v1/inbox", Some(TOKEN)).0 == 401).then_some(());
    eventually(PATIENCE, gone);
    assert_eq!(site.at("camera").get("/v1/inbox").status, 200);
    site.put("another", b"an image");
    let request = json!({"fileName": "another", "destinationAppId": "analyser"});
    let refused = site.at("camera").post("/v1/links", &request);
    assert_eq!(refused.body["code"], "UNKNOWN_RECIPIENT");
}

#[test]
fn with_a_mistake_in_it_the_former_holds() {
    let site = Site::new();
    let service = site.start();
    for (apps, hint) in [
        (APPS.replace("to = '*'", "too = '*'"), "`to`"),
        (APPS.replace("camera.token", "no.token"), "no.token"),
        (
            APPS.replace("id = 'analyser'", "id = 'analyser'\nroot = 'elsewhere'"),
            "the root of app `analyser`",
        ),
        (
            format!("{APPS}\n[link-service.files]\n"),
            "[link-service.files]",
        ),
        (
            format!(
                "{APPS}\n[[link-service.peers]]\nnode = 'helio-2'\ninitiator = true\n\
                 radio = {{ kind = 'udp' }}\n"
            ),
            "[[link-service.peers]]",
        ),
    ] {
        site.configure(&apps);
        service.process.signal("HUP");
        service.process.wait_for_line(hint, PATIENCE);
        site.put("image.raw", b"an image");
        let request = json!({
            "fileName": "image.raw", "destinationAppId": "analyser", "overwrite": true,
        });
        assert_eq!(site.at("camera").post("/v1/links", &request).status, 202);
        assert_eq!(service.get("/v1/inbox", Some(TOKEN)).0, 200);
    }
}

#[test]
fn the_operator_has_apps_and_policy_read_again_and_hears_what_is_wrong() {
    let site = Site::new();
    let service = site.start();
    let reload = || service.graphql("mutation { reloadApps { success errors } }");
    site.configure(&format!("{APPS}\n[[link-service.apps]]\nid = 'archive'\n"));
    assert_eq!(reload()["reloadApps"]["success"], true);
    assert_eq!(site.at("archive").get("/v1/inbox").status, 200);
    site.configure(&APPS.replace("from = '*'", "from = 'cmera'"));
    let answer = reload();
    let errors = answer["reloadApps"]["errors"].as_str().unwrap();
    assert!(errors.contains("did you mean `camera`"), "{errors}");
    assert_eq!(site.at("archive").get("/v1/inbox").status, 200);
}

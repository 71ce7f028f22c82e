//! Apps send and receive.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::site::{Site, TOKEN};

#[test]
fn a_file_goes_from_app_to_app() {
    let site = Site::new();
    let service = site.start();
    let octets: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    site.put("image.raw", &octets);
    let id = site.send("image.raw");
    assert_eq!(site.ended(&id)["code"], "OK");
    assert!(site.left().is_empty());
    let analyser = site.at("analyser");
    let inbox = analyser.get("/v1/inbox?waitSeconds=60").body;
    let file = &inbox["deliveries"][0]["files"][0];
    let path = file["path"].as_str().unwrap();
    assert!(fs::read(path).unwrap() == octets);
    let directories = analyser.get("/v1/directories").body;
    assert!(path.starts_with(directories["inbox"].as_str().unwrap()));
    let done = analyser.post(&format!("/v1/inbox/{id}/ack"), &json!({}));
    assert_eq!(done.status, 200);
    assert!(site.arrived().is_empty());
    service.stop();
}

#[test]
fn nobody_else_may_open_the_socket_of_an_app_or_look_into_its_directories() {
    let site = Site::new();
    let _service = site.start();
    for (path, mode) in [
        ("apps/camera", 0o750),
        ("apps/camera/inbox", 0o750),
        ("apps/camera/outbox", 0o750),
        ("apps/camera/link.sock", 0o600),
    ] {
        let found = fs::symlink_metadata(site.path(path)).unwrap();
        // A mask of whoever tests may take away more.
        let more = found.permissions().mode() & 0o777 & !mode;
        assert_eq!(more, 0, "{path}");
    }
}

#[test]
fn who_asks_by_tcp_is_whose_token_it_shows_whatever_the_body_says() {
    let site = Site::new();
    let service = site.start();
    site.put("image.raw", b"an image");
    let request = json!({"fileName": "image.raw", "destinationAppId": "analyser"});
    for wrong in [None, Some(""), Some("0123456789abcdef"), Some("x")] {
        let (status, body) = service.post("/v1/links", wrong, &request);
        assert_eq!((status, &body["code"]), (401, &json!("UNKNOWN_SENDER")));
        assert_eq!(body["responseHeader"]["status"], "UNAUTHORIZED");
        assert_eq!(service.get("/v1/inbox", wrong).0, 401);
    }
    let mut forged = request.clone();
    forged["requestHeader"] = json!({"appId": "analyser"});
    let (status, body) = service.post("/v1/links", Some(TOKEN), &forged);
    assert_eq!((status, &body["code"]), (403, &json!("FORBIDDEN")));
    assert_eq!(site.left(), ["image.raw"]);
    let (status, body) = service.post("/v1/links", Some(TOKEN), &request);
    assert_eq!(status, 202, "{body}");
    assert_eq!(body["linkRequest"]["requestHeader"]["appId"], "camera");
    let id = body["id"].as_str().unwrap();
    let path = format!("/v1/links/{id}?waitSeconds=60");
    let (_, body) = service.get(&path, Some(TOKEN));
    let ended: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(ended["code"], "OK", "{ended}");
    // By the socket it is the same app.
    assert_eq!(site.ended(id)["code"], "OK");
}

#[test]
fn health_and_document_need_no_token() {
    let site = Site::new();
    let service = site.start();
    let (status, body) = service.get("/v1/health", None);
    assert_eq!((status, body.as_str()), (200, "{\"status\":\"HEALTHY\"}"));
    assert_eq!(service.get("/v1/openapi.json", None).0, 200);
}

#[test]
fn what_is_refused_has_its_status_and_leaves_the_file_where_it_is() {
    let site = Site::new();
    let _service = site.start();
    site.put("image.raw", b"an image");
    std::os::unix::fs::symlink("/etc/passwd", site.path("apps/camera/outbox/link")).unwrap();
    let camera = site.at("camera");
    for (file, to, status, code) in [
        ("image.raw", "nobody", 404, "UNKNOWN_RECIPIENT"),
        ("other", "analyser", 404, "SOURCE_NOT_FOUND"),
        ("../image.raw", "analyser", 400, "INVALID_NAME"),
        ("link", "analyser", 400, "SOURCE_NOT_REGULAR"),
    ] {
        let request = json!({"fileName": file, "destinationAppId": to});
        let refused = camera.post("/v1/links", &request);
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (status, &json!(code))
        );
    }
    assert_eq!(site.left(), ["image.raw", "link"]);
}

//! Boxes on a file system that is no disk of this machine. `ramfs` stands for a share: anybody
//! may mount one in a namespace of his own. Where that is not so, this is not tested, and said.

use std::fs;

use heliograph_tests::binaries::{ChildGuard, binary};
use serde_json::json;

use crate::site::{PATIENCE, Service, Site, TOKEN};

/// A service that has a `ramfs` at the root of the analyser, where nobody else sees it.
fn on_a_share(site: &Site) -> Option<Service> {
    let root = site.path("apps/analyser");
    fs::create_dir_all(&root).unwrap();
    let mut command = own_mounts::command(&format!("mount -t ramfs none {}", root.display()))?;
    command
        .arg(binary("link-service"))
        .args(["-c", "config.toml"]);
    command.current_dir(site.path(""));
    Some(Service::of(ChildGuard::spawn(&mut command)))
}

#[test]
fn boxes_on_a_file_system_that_is_not_known_are_told_to_be_degraded_and_files_come_there() {
    let site = Site::new();
    let Some(service) = on_a_share(&site) else {
        return;
    };
    let warning = service
        .process
        .wait_for_line("degraded: the inbox", PATIENCE);
    assert!(
        warning.contains("analyser") && warning.contains("0x858458f6"),
        "{warning}"
    );
    let degraded = service.graphql("{ degraded { app side fileSystem } }");
    let of = |side| json!({"app": "analyser", "side": side, "fileSystem": "0x858458f6"});
    assert_eq!(degraded["degraded"], json!([of("inbox"), of("outbox")]));
    let gauge = "link_box_degraded{app=\"analyser\",box=\"inbox\",file_system=\"0x858458f6\"} 1";
    assert!(service.get("/metrics", None).1.contains(gauge));

    site.put("image.raw", b"an image");
    let request = json!({"fileName": "image.raw", "destinationAppId": "analyser"});
    let (status, answer) = service.post("/v1/links", Some(TOKEN), &request);
    assert_eq!(status, 202, "{answer}");
    let id = answer["id"].as_str().unwrap();
    let path = format!("/v1/links/{id}?waitSeconds=60");
    let (_, answer) = service.get(&path, Some(TOKEN));
    assert!(answer.contains("\"code\":\"OK\""), "{answer}");
    // What the service sees there.
    let seen = format!("/proc/{}/root", service.process.id());
    let inbox = site.path("apps/analyser/inbox/image.raw");
    let inbox = std::path::Path::new(&seen).join(inbox.strip_prefix("/").unwrap());
    assert_eq!(fs::read(inbox).unwrap(), b"an image");
    service.stop();
}

#[test]
fn boxes_on_a_disk_of_this_machine_are_not_degraded() {
    let site = Site::new();
    let service = site.start();
    let degraded = service.graphql("{ degraded { app } }");
    assert_eq!(degraded["degraded"], json!([]));
    assert!(
        !service
            .get("/metrics", None)
            .1
            .contains("link_box_degraded")
    );
    service.stop();
}

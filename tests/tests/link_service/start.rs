//! What keeps the service from starting, and what it says then.

use std::fs;

use crate::site::{APPS, PATIENCE, Site};

fn refuses(site: &Site, hint: &str) {
    let mut process = site.launch();
    process.wait_for_line(hint, PATIENCE);
    assert!(!process.wait_for_exit(PATIENCE).success());
}

#[test]
fn a_token_that_others_may_read_is_none() {
    let site = Site::new();
    site.write_token(0o644);
    refuses(&site, "chmod 600");
}

#[test]
fn two_services_do_not_share_a_journal() {
    let site = Site::new();
    let _service = site.start();
    refuses(&site, "link.redb");
    // The first one has its sockets still.
    assert_eq!(site.at("camera").get("/v1/health").status, 200);
}

#[test]
fn a_link_in_the_place_of_an_inbox_is_not_followed() {
    let site = Site::new();
    fs::create_dir_all(site.path("apps/camera")).unwrap();
    std::os::unix::fs::symlink("/tmp", site.path("apps/camera/inbox")).unwrap();
    refuses(&site, "it is a link");
}

#[test]
fn a_mistyped_key_is_named() {
    let site = Site::new();
    site.configure(&APPS.replace("token-file", "tokn-file"));
    refuses(&site, "did you mean `token-file`?");
    site.configure(&format!("{APPS}\n[link-service.raddio]\n"));
    refuses(&site, "raddio");
}

//! `[tasking]`, read and checked.

use std::path::Path;

use super::rig::plan;

fn refused(more: &str) -> String {
    plan(Path::new("/t"), more).unwrap_err()
}

#[test]
fn a_plan_has_the_documented_types_and_those_of_the_configuration() {
    let plan = plan(Path::new("/t"), "").unwrap();
    assert_eq!(plan.types.len(), 12);
    let sdr = &plan.types["PAYLOAD_SDR"];
    assert_eq!(
        (sdr.pre_buffer_s, sdr.post_buffer_s, sdr.duration_min_s),
        (120, 210, 30)
    );
    let satellite = plan.satellite("FM1").unwrap();
    assert_eq!(
        satellite.supported_windows,
        ["PAYLOAD_SDR", "PAYLOAD_CAM", "PAYLOAD_IPI"]
    );
    let payload = satellite.serving("PAYLOAD_SDR").unwrap();
    assert_eq!((&*payload.signalled, payload.service_port), ("radio", 8152));
    assert_eq!(satellite.payload("CAM").unwrap().signalled, "cam");
}

#[test]
fn an_address_that_others_reach_needs_a_certificate() {
    let error = refused("listen = '0.0.0.0:8080'");
    for part in ["test.toml", "[tasking]", "certificate-file", "key-file"] {
        assert!(error.contains(part), "{error}");
    }
    let files = "certificate-file = '/c'\nkey-file = '/k'";
    let plan = plan(Path::new("/t"), &format!("listen = '[::]:1'\n{files}")).unwrap();
    assert!(plan.tls.is_some());
    assert!(refused("certificate-file = '/c'").contains("go together"));
    assert!(refused("certificate-file = 'c'\nkey-file = '/k'").contains("absolute"));
}

#[test]
fn what_cannot_be_is_refused_with_its_key() {
    for (more, part) in [
        ("lisen = '127.0.0.1:1'", "lisen"),
        ("horizon-days = 0", "`horizon-days` is 0: choose 1 to 3650"),
        ("lead-time-s = -1", "`lead-time-s`"),
        (
            "[[tasking.window-types]]\nname = 'a b'\npre-buffer-s = 1\npost-buffer-s = 1",
            "a b",
        ),
        (
            "[[tasking.window-types]]\nname = 'A'\npre-buffer-s = -1\npost-buffer-s = 1",
            "window type `A`: `pre-buffer-s`",
        ),
        (
            "[[tasking.satellites]]\nid = 'FM1'\nlink = 'uhf'",
            "`FM1`: it is there twice",
        ),
        (
            "[[tasking.satellites]]\nid = 'X'\nlink = 'uhv'",
            "no [[link]] `uhv`",
        ),
        (
            "[[tasking.satellites]]\nid = 'X'\nlink = 'uhf'\n\
             [[tasking.satellites.payloads]]\nname = 'NEW'",
            "there is no window type `PAYLOAD_NEW`",
        ),
        (
            "[[tasking.satellites]]\nid = 'X'\nlink = 'uhf'\n\
             [[tasking.satellites.payloads]]\nname = 'SDR'\nsignalled = 'S_1'",
            "`signalled` is \"S_1\"",
        ),
        (
            "[[tasking.satellites]]\nid = 'X'\nlink = 'uhf'\nsupported-windows = ['LEASE_ISL']",
            "`LEASE_ISL`, which no payload of it serves",
        ),
    ] {
        let error = refused(more);
        assert!(error.contains(part), "{part}: {error}");
    }
}

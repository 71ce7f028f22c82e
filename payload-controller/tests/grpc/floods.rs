//! Too much of everything.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heliograph_tests::payload::PATIENCE;
use heliograph_tests::wait::eventually;
use payload_controller::provision::Protection;
use payload_interface::Answer;
use serde_json::json;

use crate::rig::Site;

/// Weakness: a payload could have the controller do nothing else.
#[test]
fn an_app_that_floods_is_refused_and_the_others_are_served() {
    let mut site = Site::new();
    let flooding = site.app("flooding", Protection::Cookie);
    let camera = site.app("camera", Protection::Cookie);
    site.limits.requests_of_an_app_max = 8;
    let running = site.start();
    let held = Arc::new(Mutex::new(Vec::new()));
    let holds = Arc::clone(&held);
    running.desk.does(move |app, _, reply| match app.as_str() {
        "flooding" => holds.lock().unwrap().push(reply),
        _ => reply.answer(Answer::accepted()),
    });
    let (mut flooding, mut camera) = (flooding.start(), camera.start());
    let tags: Vec<_> = (0..50)
        .map(|_| {
            flooding.begin(
                "PC_stage_file_download",
                json!({"file_path": "a"}),
                json!({}),
            )
        })
        .collect();
    eventually(PATIENCE, || {
        (running.grpc.refusals().get("busy") == Some(&42)).then_some(())
    });
    assert_eq!(camera.call("PC_ps_temp_req", json!({})), 0);
    for reply in held.lock().unwrap().drain(..) {
        reply.answer(Answer::accepted());
    }
    let codes = tags
        .iter()
        .map(|tag| flooding.outcome(*tag)["code"].clone());
    let accepted = codes.filter(|code| *code == 0).count();
    assert_eq!(accepted, 8);
    // Once there is room, it is served again.
    running
        .desk
        .does(|_, _, reply| reply.answer(Answer::accepted()));
    assert_eq!(flooding.call("PC_ps_temp_req", json!({})), 0);
}

/// Whether the other side has closed it.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    let mut octets = [0; 256];
    loop {
        match stream.read(&mut octets) {
            Ok(0) => return true,
            // What the other side says first.
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

fn strangers(addr: SocketAddr, count: usize) -> Vec<TcpStream> {
    (0..count)
        .map(|_| TcpStream::connect(addr).unwrap())
        .collect()
}

#[test]
fn strangers_that_take_all_places_give_way_to_an_app() {
    let (mut site, camera) = Site::with_camera();
    site.limits.connections_max = 4;
    let running = site.start();
    let mut strangers = strangers(running.grpc.local_addr(), 4);
    let mut app = camera.start();
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    // The oldest is the one that is gone, and an app's own does not give way.
    eventually(PATIENCE, || is_closed(&mut strangers[0]).then_some(()));
    let more = self::strangers(running.grpc.local_addr(), 20);
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    drop(more);
    // It was the same connection.
    let requests = running.desk.requests.lock().unwrap();
    assert_eq!(requests[0].1.addr, requests[1].1.addr);
}

#[test]
fn a_connection_on_which_no_app_calls_ends_after_a_while() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Plain);
    site.limits.stranger_timeout = Duration::from_millis(200);
    site.limits.stop_timeout = Duration::from_millis(50);
    let running = site.start();
    let mut app = camera.start();
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    let mut strangers = strangers(running.grpc.local_plain_addr().unwrap(), 3);
    for stranger in &mut strangers {
        eventually(PATIENCE, || is_closed(stranger).then_some(()));
    }
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
}

#[test]
fn of_an_app_with_too_many_connections_the_oldest_is_closed() {
    let (mut site, camera) = Site::with_camera();
    site.limits.connections_of_an_app_max = 1;
    let running = site.start();
    let held = Arc::new(Mutex::new(Vec::new()));
    let holds = Arc::clone(&held);
    running
        .desk
        .does(move |_, _, reply| holds.lock().unwrap().push(reply));
    let mut app = camera.start();
    let old = app.begin("PC_ps_temp_req", json!({}), json!({}));
    eventually(PATIENCE, || (held.lock().unwrap().len() == 1).then_some(()));
    let mut second = heliograph_tests::payload::Payload::new(&camera.generated, &{
        // The same app once more, whose callbacks would be elsewhere.
        let folder = site.folder.path().join("second");
        std::fs::create_dir(&folder).unwrap();
        for file in ["config.json", "client.crt", "client.key", "server.crt"] {
            std::fs::copy(camera.folder.join(file), folder.join(file)).unwrap();
        }
        let conf = std::fs::read_to_string(camera.folder.join("sdk_env.conf")).unwrap();
        let port = heliograph_tests::ports::free_tcp_port();
        let conf = format!("{conf}APP_API_PORT={port}\n");
        std::fs::write(folder.join("sdk_env.conf"), conf).unwrap();
        folder
    })
    .start();
    let new = second.begin("PC_ps_temp_req", json!({}), json!({}));
    eventually(PATIENCE, || (held.lock().unwrap().len() == 2).then_some(()));
    // What was under way on the old one may still be answered.
    for reply in held.lock().unwrap().drain(..) {
        reply.answer(Answer::accepted());
    }
    assert_eq!(second.outcome(new)["code"], 0);
    assert_eq!(app.outcome(old)["code"], 0);
}

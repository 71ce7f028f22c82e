//! What has arrived is told until it is acknowledged.

use link_service::api::grpc::messages::StatusCodes;

use super::rig::{GrpcRig, PATIENCE, id, request, said, tokens};

fn send(rig: &GrpcRig, name: &str) -> String {
    rig.rig.put(name, name.as_bytes());
    let camera = rig.at("camera");
    let answers = rig.block_on(camera.follow(request(name, name, "analyser")));
    let last = answers.last().unwrap();
    assert_eq!(said(last).0, StatusCodes::Successful, "{last:#?}");
    id(last)
}

#[test]
fn what_is_there_and_what_comes_is_told_once_a_call_until_it_is_acknowledged() {
    let rig = GrpcRig::new().run();
    let (first, second) = (send(&rig, "a"), send(&rig, "b"));
    let analyser = rig.at("analyser");
    let mut deliveries = rig.block_on(analyser.receive(false));
    let mut next = || rig.block_on(deliveries.message()).unwrap().unwrap();
    let told = next();
    assert_eq!((&told.id, &*told.from_app_id), (&first, "camera"));
    assert_eq!(told.tracking_id, "a");
    assert!(told.delivered_time.is_some());
    let file = &told.files[0];
    assert_eq!((&*file.name, file.size_bytes), ("a", 1));
    assert!(file.path.starts_with('/') && file.path.ends_with("/analyser/inbox/a"));
    assert_eq!(file.blake3, blake3::hash(b"a").as_bytes());
    assert_eq!(next().id, second);
    // It waits for the next one, which comes though the former are not acknowledged.
    let third = send(&rig, "c");
    assert_eq!(next().id, third);
    rig.block_on(analyser.acknowledge(&second, false)).unwrap();
    assert!(rig.rig.arrived("analyser", "b").is_none());
    rig.block_on(analyser.acknowledge(&third, true)).unwrap();
    assert_eq!(rig.rig.arrived("analyser", "c").unwrap(), b"c");
    // Done again, it is done.
    rig.block_on(analyser.acknowledge(&second, false)).unwrap();
    let unread = rig.block_on(analyser.unread());
    assert_eq!(unread.len(), 1);
    assert_eq!(unread[0].id, first);
}

#[test]
fn more_than_are_looked_up_at_once_are_all_told() {
    let rig = GrpcRig::new().run();
    let ids: Vec<String> = (0..250)
        .map(|number| send(&rig, &format!("file-{number}")))
        .collect();
    let unread = rig.block_on(rig.at("analyser").unread());
    let told = unread.into_iter().map(|delivery| delivery.id);
    assert_eq!(told.collect::<Vec<_>>(), ids);
}

#[test]
fn a_delivery_is_nobody_elses() {
    let rig = GrpcRig::new().run();
    let id = send(&rig, "a");
    for other in ["camera", "archive"] {
        let other = rig.at(other);
        assert!(rig.block_on(other.unread()).is_empty());
        let refused = rig.block_on(other.acknowledge(&id, false)).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::NotFound);
        let code = refused.metadata().get("heliograph-code").unwrap();
        assert_eq!(code, "UNKNOWN_REQUEST");
    }
    assert_eq!(rig.rig.arrived("analyser", "a").unwrap(), b"a");
}

#[test]
fn who_waits_is_told_nothing_more_once_its_token_is_withdrawn() {
    let rig = GrpcRig::new().run();
    let mut deliveries = rig.block_on(rig.at("analyser").receive(false));
    rig.tokens.replace(tokens(&["camera"]));
    send(&rig, "a");
    let ended = rig.block_on(deliveries.message()).unwrap_err();
    assert_eq!(ended.code(), tonic::Code::Unauthenticated);
}

#[test]
fn who_waits_is_told_when_the_service_stops() {
    let mut rig = GrpcRig::new();
    rig.rig.put("a", b"a");
    let analyser = rig.at("analyser");
    let mut deliveries = rig.block_on(analyser.receive(false));
    let camera = rig.at("camera");
    let mut answers = rig.block_on(camera.open(request("a", "a", "analyser")));
    let accepted = rig.block_on(answers.message()).unwrap().unwrap();
    assert_eq!(said(&accepted).0, StatusCodes::Pending);
    rig.rig.desk.stop();
    // Neither is a final answer: nothing was decided.
    let ended = rig.block_on(answers.message()).unwrap_err();
    assert_eq!(ended.code(), tonic::Code::Unavailable);
    let ended = rig.block_on(deliveries.message()).unwrap_err();
    assert_eq!(ended.code(), tonic::Code::Unavailable);
    let server = rig.server.take();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(server);
        let _ = tell.send(());
    });
    told.recv_timeout(PATIENCE).unwrap();
}

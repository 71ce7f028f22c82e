//! What the ground asks and orders over the radio, and what comes down.

use std::fs;
use std::net::UdpSocket;

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};
use heliograph_tests::ports::bind_udp;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::site::Site;

#[test]
fn the_ground_commands_a_payload_and_has_its_file_which_is_then_removed_on_board() {
    let site = Site::new();
    let _link = site.start_link();
    let _controller = site.start();
    let mut camera = site.start_camera();
    let ordered = site.ground_query(
        "mutation { startSequence(app: \"camera\", sequence: \"Image\", withinS: 300) \
         { success errors run } }",
    );
    let ordered = &ordered["startSequence"];
    assert_eq!(ordered["success"], true, "{ordered}");
    camera.called("PA_StartSequence");

    let image: Vec<u8> = (0..100_000_usize).map(|at| (at / 251 + at) as u8).collect();
    let source = site.path("payloads/camera/outbound/image.raw");
    fs::write(&source, &image).unwrap();
    let staged = json!({
        "file_path": "/opt/antaris/outbound/image.raw", "file_priority": 2, "correlation_id": 7,
    });
    assert_eq!(camera.call("PC_stage_file_download", staged), 0);
    let told = camera.called("PA_ProcessResponseStageFileDownload");
    assert!(told.get("req_status").is_none(), "{told}");
    assert_eq!(
        camera.call("PC_sequence_done", json!({"sequence_id": "Image"})),
        0
    );
    site.wait_for_run(&ordered["run"], "done");

    // It is in the books of the link service, and the ground does not listen yet.
    let files = site.query("{ files { app path state bytes } }");
    let accepted = json!({
        "app": "camera", "path": "image.raw", "state": "accepted", "bytes": image.len(),
    });
    assert_eq!(files["files"], json!([accepted]));
    assert_eq!(fs::read(&source).unwrap(), image);

    let _ground = site.start_ground();
    let arrived = site.path("ground/payloads/camera/image.raw");
    eventually(PATIENCE, || (!source.exists()).then_some(()));
    assert!(fs::read(&arrived).unwrap() == image, "it is another file");
    eventually(PATIENCE, || {
        let answer = site.ground_query("{ files { id } app(name: \"camera\") { filesOpen } }");
        (answer == json!({"files": [], "app": {"filesOpen": 0}})).then_some(())
    });
}

/// The ground's side of the radio, by itself.
struct Radio {
    socket: UdpSocket,
    to: u16,
    service: u16,
    count: u16,
}

impl Radio {
    /// Sends a request with that id: the answer, of one packet.
    #[track_caller]
    fn ask(&mut self, command_id: u64, query: &str) -> Value {
        let head = Head {
            payload_type: PayloadType::GraphQl,
            class: Class::Standard,
            security: None,
            command_id,
            port: self.service,
        };
        let request = json!({"query": query}).to_string();
        let mut packet = Vec::new();
        SpacePacketFormat::new(End::Ground)
            .build(&head, request.as_bytes(), 0, self.count, &mut packet)
            .unwrap();
        self.count += 1;
        self.socket
            .send_to(&packet, ("127.0.0.1", self.to))
            .unwrap();
        let mut packet = [0; 2048];
        let bytes = self.socket.recv(&mut packet).expect("an answer in time");
        serde_json::from_slice(&packet[16..bytes - 2]).unwrap()
    }
}

#[test]
fn a_sequence_that_is_ordered_again_by_the_same_command_runs_once_also_after_a_power_cut() {
    let site = Site::framed("framing = 'raw'");
    let mut controller = site.start();
    let mut camera = site.start_camera();
    let [to, own] = site.radio;
    let socket = bind_udp(own).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut radio = Radio {
        socket,
        to,
        service: site.port,
        count: 0,
    };
    let order = "mutation { startSequence(app: \"camera\", sequence: \"Image\", withinS: 300) \
                 { success run } }";
    let first = radio.ask(4711, order);
    assert_eq!(first["data"]["startSequence"]["success"], true, "{first}");
    assert_eq!(radio.ask(4711, order), first);
    camera.called("PA_StartSequence");
    // So that nothing but the command's id keeps another run from beginning.
    assert_eq!(
        camera.call("PC_sequence_done", json!({"sequence_id": "Image"})),
        0
    );
    site.wait_for_run(&first["data"]["startSequence"]["run"], "done");
    controller.signal("KILL");
    controller.wait_for_exit(PATIENCE);

    let _controller = site.start();
    let again = radio.ask(4711, order);
    let code = again["errors"][0]["extensions"]["code"].as_str();
    let known = ["heliograph/outcome-unknown", "heliograph/answer-not-kept"];
    assert!(known.contains(&code.unwrap()), "{again}");
    let runs = site.query("{ runs { state } }");
    assert_eq!(runs["runs"], json!([{"state": "done"}]));
    let said = camera.said();
    let starts = said.iter().filter(|it| it["called"] == "PA_StartSequence");
    assert_eq!(starts.count(), 1);
}

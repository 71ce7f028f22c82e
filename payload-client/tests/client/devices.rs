//! What a payload asks of heaters, sensors and other apps, and what it then hears.

use std::fs;
use std::net::UdpSocket;
use std::process::Command as Program;
use std::sync::Mutex;
use std::sync::mpsc::Sender;

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::ports::free_udp_port;
use heliograph_tests::wait::eventually;
use heliograph_tests::{referee, workspace};
use payload_client::interface::messages as msg;
use payload_client::{CallError, Channel, Files, OnFailedHealth, Payload, Run, create_channel};
use payload_controller::core::RunState;

use crate::rig::{Controller, HEALTH, PATIENCE, Site, said};

/// A camera with a heater and files for a radar, on a bus on which it is cold.
struct Cold {
    site: Site,
    camera: Files,
    controller: Controller,
}

/// What the bus tells, as a snapshot by UDP has it.
const TOLD: &str = r#"{"thermal": {"value": {"sensors": [{"name": "SESA", "temperature_c": -12.4}]}},
    "payload_server_c": {"value": -5.2}}"#;

impl Cold {
    /// With what the configuration says of a bus, beneath `[bus-telemetry]`.
    fn new(bus: &str) -> Cold {
        let mut site = Site::new();
        site.configure(&format!(
            "[bus-telemetry]\n{bus}\nage-max-s = 3600\n\
             [[payload-controller.thermal]]\nid = 0\nsensor = 'SESA'\nevery-s = 1\n"
        ));
        let camera = site.app("camera", "", &format!("{HEALTH}\nthermal = [0]"));
        site.app("radar", "", "start = 'command'");
        // Once the other is there.
        let text = fs::read_to_string(site.file()).unwrap();
        let text = text.replace("thermal = [0]", "thermal = [0]\ncopies-to = ['radar']");
        fs::write(site.file(), text).unwrap();
        let controller = site.start();
        fs::write(site.outbound("camera").join("map.bin"), "a map").unwrap();
        Cold {
            site,
            camera,
            controller,
        }
    }

    fn copy(&self) -> Option<String> {
        let inbound = self.site.outbound("radar").with_file_name("inbound");
        fs::read_to_string(inbound.join("camera/map.bin")).ok()
    }
}

/// One that says what it hears.
struct Camera(Mutex<Sender<String>>);

impl Camera {
    fn say(&self, what: String) {
        // It fails where the test has seen enough.
        let _ = self.0.lock().unwrap().send(what);
    }
}

impl Payload for Camera {
    fn sequence(&self, _: &Channel, _: &Run) -> Result<(), String> {
        Ok(())
    }

    fn thermal(&self, status: &msg::SesThermalStatusNtf) {
        let (heater, celsius) = (status.heater_pwr_status, status.temperature);
        self.say(format!("heater {heater} at {celsius}"));
    }

    fn copied(&self, notice: &msg::HostToPeerFcmOperationNotify) {
        let (left, status) = (notice.fcm_complete, notice.req_status);
        self.say(format!("copied {} {left} {status}", notice.file_name));
    }
}

fn file(name: &str) -> msg::FileInput {
    msg::FileInput {
        filename_length: i32::try_from(name.len()).unwrap(),
        filename: name.into(),
    }
}

fn to_radar(names: &[&str]) -> msg::HostToPeerFcmOperation {
    msg::HostToPeerFcmOperation {
        correlation_id: 77,
        peer_app_id: 2,
        no_of_files: i32::try_from(names.len()).unwrap(),
        file_input: names.iter().copied().map(file).collect(),
        ..Default::default()
    }
}

#[test]
fn heaters_and_temperatures_beneath_zero_and_copies_are_as_they_are_told() {
    let port = free_udp_port();
    let cold = Cold::new(&format!("source = 'udp'\nudp-port = {port}"));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .send_to(TOLD.as_bytes(), ("127.0.0.1", port))
        .unwrap();
    let (tell, told) = said();
    let channel = create_channel(&cold.camera, Camera(Mutex::new(tell))).unwrap();
    let told = |what: &str| {
        eventually(PATIENCE, || (told.try_recv().ok()? == what).then_some(()));
    };
    channel.register(OnFailedHealth::Nothing).unwrap();
    // The bus may be heard a moment later.
    let server = eventually(PATIENCE, || channel.server_temperature().ok());
    assert_eq!(server, -5);
    assert_eq!(channel.temperature(0).unwrap(), -12);
    let other = channel.temperature(1).unwrap_err();
    assert!(matches!(other, CallError::Failed { .. }), "{other}");

    channel.start_thermal(0, 600, -10, 5).unwrap();
    told("heater 1 at -12");
    let twice = channel.start_thermal(0, 600, -10, 5).unwrap_err();
    assert!(matches!(twice, CallError::Failed { .. }), "{twice}");
    channel.stop_thermal(0).unwrap();
    let swapped = channel.start_thermal(0, 600, 5, -10).unwrap_err();
    assert!(matches!(swapped, CallError::Failed { .. }), "{swapped}");

    channel.copy_files(to_radar(&["map.bin", "none"])).unwrap();
    told("copied map.bin 1 0");
    told("copied none 0 1");
    assert_eq!(cold.copy().unwrap(), "a map");
    let outside = channel.copy_files(to_radar(&["../key"])).unwrap_err();
    assert!(matches!(outside, CallError::Refused { .. }), "{outside}");
    channel.delete_channel();
}

#[test]
fn the_same_holds_in_python_of_a_bus_that_is_asked_by_graphql() {
    let bus = HttpService::always(Reply::ok(format!("{{\"data\": {TOLD}}}")));
    let url = bus.url("/graphql");
    let query = "{ thermal { value } payload_server_c { value } }";
    let cold = Cold::new(&format!(
        "source = 'graphql'\ngraphql-url = '{url}'\ngraphql-query = '{query}'"
    ));
    let script = workspace().join("payload-client/tests/client/camera.py");
    let camera = ChildGuard::spawn(
        Program::new(referee::python())
            .arg("-B")
            .arg(script)
            .arg(workspace().join("clients/python"))
            .arg(cold.site.folder_of("camera"))
            .arg("secure"),
    );
    camera.wait_for_line("registered", PATIENCE);
    cold.controller.wait_for_life("camera", "up");
    for sequence in ["Warm", "Copies"] {
        let run = cold.controller.begin("camera", sequence);
        let run = cold.controller.ended("camera", run);
        let done = RunState::Done { late: false };
        assert_eq!(run.state, done, "{sequence}: {}", run.text);
    }
    assert_eq!(cold.copy().unwrap(), "a map");
}

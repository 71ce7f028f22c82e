//! Whole lives.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::time::Duration;

use heliograph_tests::binaries::{ChildGuard, example};
use heliograph_tests::wait::eventually;
use payload_client::interface::messages as msg;
use payload_client::interface::{Callback, ReturnCode};
use payload_client::{
    CallError, Channel, Files, OnFailedHealth, Payload, Run, Shutdown, create_channel,
    create_insecure_channel,
};
use payload_controller::core::{Command, RunState};

use crate::rig::{Controller, HEALTH, PATIENCE, Site, hasty, name, said};

/// A camera that says what it is told.
struct Camera(Mutex<Sender<String>>);

impl Camera {
    fn say(&self, what: impl Into<String>) {
        // It fails where the test has seen enough.
        let _ = self.0.lock().unwrap().send(what.into());
    }
}

impl Payload for Camera {
    fn has_sequence(&self, sequence: &str) -> bool {
        sequence != "Nothing"
    }

    fn sequence(&self, channel: &Channel, run: &Run) -> Result<(), String> {
        match run.sequence() {
            "Image" => {
                let place = channel.current_location();
                assert!(place.map_err(|error| error.to_string())?.altitude > 100.0);
                Ok(())
            }
            "Broken" => Err("the shutter is stuck".to_owned()),
            _ => {
                run.progress(40, "exposing")
                    .map_err(|error| error.to_string())?;
                while !run.is_cancelled() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err("it was cancelled".to_owned())
            }
        }
    }

    fn metrics(&self) -> Vec<(String, u32)> {
        vec![("shots".to_owned(), 7)]
    }

    fn message(&self, command_id: i32, data: &[u8]) -> ReturnCode {
        self.say(format!("message {command_id} {data:?}"));
        ReturnCode::SUCCESS
    }

    fn ephemeris(&self, _: &msg::GnssEphData) {
        self.say("ephemeris");
    }

    fn voltage(&self, volts: f32) {
        assert!(volts > 0.0);
        self.say("voltage");
    }

    fn shutdown(&self, shutdown: Shutdown) {
        self.say(format!("shutdown {}", shutdown.reason));
    }
}

fn whole_life(site: &Site, controller: &Controller, open: impl FnOnce(Camera) -> Channel) {
    let (tell, told) = said();
    let channel = open(Camera(Mutex::new(tell)));
    let told = |what: &str| {
        eventually(PATIENCE, || (told.try_recv().ok()? == what).then_some(()));
    };
    channel.register(OnFailedHealth::Restart).unwrap();
    controller.wait_for_life("camera", "up");
    assert!(channel.session().unwrap().is_registered);

    let image = controller.begin("camera", "Image");
    assert_eq!(
        controller.ended("camera", image).state,
        RunState::Done { late: false }
    );
    let broken = controller.begin("camera", "Broken");
    let broken = controller.ended("camera", broken);
    assert_eq!(
        (broken.state, broken.text.as_str()),
        (RunState::Failed, "the shutter is stuck")
    );
    let nothing = controller.begin("camera", "Nothing");
    let code = Some(ReturnCode::INVALID_SEQUENCE);
    assert_eq!(
        controller.ended("camera", nothing).state,
        RunState::Refused { code }
    );
    let long = controller.begin("camera", "Long");
    eventually(PATIENCE, || {
        (channel.session().unwrap().runs.first()?.percent == 40).then_some(())
    });
    controller.order(Command::CancelRun(long, "clouds".to_owned()));
    assert_eq!(controller.ended("camera", long).state, RunState::Cancelled);

    channel.payload_power_control(134, true).unwrap();
    channel.start_voltage(1000).unwrap();
    told("voltage");
    channel.stop_voltage().unwrap();
    channel.start_ephemeris(1000).unwrap();
    told("ephemeris");
    channel.stop_ephemeris().unwrap();
    channel.server_temperature().unwrap();
    channel.send_message(9, &[0, 1, 2]).unwrap();
    fs::write(site.outbound("camera").join("image.raw"), "an image").unwrap();
    let (high, s_band) = (
        msg::FilePriorities::FileDlPriorityHigh,
        msg::FileDlRadioType::FileDlSband,
    );
    channel
        .stage_file_download(Path::new("image.raw"), high, s_band)
        .unwrap();
    let outside = channel.stage_file_download(Path::new("../key"), high, s_band);
    let Err(CallError::Refused { code, reason, .. }) = outside else {
        panic!("{outside:?}");
    };
    assert_eq!(code, ReturnCode::INVALID_PARAMS);
    assert!(!reason.is_empty());

    controller.order(Command::Metrics(name("camera")));
    eventually(PATIENCE, || {
        (controller.view("camera").metrics == [("shots".to_owned(), 7)]).then_some(())
    });
    controller.order(Command::Message {
        app: name("camera"),
        command_id: 3,
        data: vec![1],
    });
    told("message 3 [1]");
    assert_eq!(controller.view("camera").misses, 0);
    controller.order(Command::Shutdown {
        app: name("camera"),
        grace: None,
        reason: 2,
    });
    told("shutdown 2");
    assert!(channel.wait_for_shutdown(Some(PATIENCE)));
    channel.delete_channel();
}

#[test]
fn a_whole_life_with_a_cookie_over_tls() {
    let mut site = Site::new();
    let camera = site.app("camera", "security = 'cookie'", HEALTH);
    let controller = site.start();
    whole_life(&site, &controller, |it| {
        create_channel(&camera, it).unwrap()
    });
}

#[test]
fn a_whole_life_in_plain_text() {
    let mut site = Site::new();
    let camera = site.app("camera", "security = 'plain'", HEALTH);
    let controller = site.start();
    whole_life(&site, &controller, |it| {
        create_insecure_channel(&camera, it).unwrap()
    });
}

#[test]
fn a_whole_life_with_certificates_and_the_token_of_a_session() {
    let mut site = Site::new();
    let camera = site.app("camera", "security = 'native'", HEALTH);
    let controller = site.start();
    whole_life(&site, &controller, |it| {
        create_channel(&camera, it).unwrap()
    });
}

#[test]
fn the_controller_sees_that_a_channel_is_deleted() {
    let mut site = Site::new();
    let camera = site.app("camera", "", HEALTH);
    let controller = site.start();
    let (tell, _told) = said();
    let channel = create_channel(&camera, Camera(Mutex::new(tell))).unwrap();
    channel.register(OnFailedHealth::Nothing).unwrap();
    controller.wait_for_life("camera", "up");
    let other = channel.clone();
    channel.delete_channel();
    controller.wait_for_life("camera", "closed");
    assert!(matches!(other.session(), Err(CallError::Closed { .. })));
}

/// Payloads do not register again, and need not.
#[test]
fn a_payload_goes_on_when_the_controller_is_another_process() {
    let mut site = Site::new();
    let camera = site.app("camera", "security = 'native'", HEALTH);
    let controller = site.start();
    let (tell, _told) = said();
    let channel = create_channel(&camera, Camera(Mutex::new(tell))).unwrap();
    channel.register(OnFailedHealth::Restart).unwrap();
    drop(controller);
    let away = channel.current_location().unwrap_err();
    assert!(
        matches!(
            away,
            CallError::Unreachable { .. } | CallError::Unknown { .. }
        ),
        "{away}"
    );
    let controller = site.start();
    controller.wait_for_life("camera", "up");
    channel.current_location().unwrap();
    let image = controller.begin("camera", "Image");
    assert_eq!(
        controller.ended("camera", image).state,
        RunState::Done { late: false }
    );
}

/// One that drops what it is told, as if it had been lost.
struct Deaf;

impl Payload for Deaf {
    fn sequence(&self, _: &Channel, _: &Run) -> Result<(), String> {
        Ok(())
    }

    fn intercept(&self, callback: &Callback) -> Option<ReturnCode> {
        let is_lost = matches!(callback, Callback::ResponseGetCurrentLocation(_));
        is_lost.then_some(ReturnCode::SUCCESS)
    }
}

/// Weakness: a response that was lost was waited for, for ever.
#[test]
fn a_response_that_is_lost_is_not_waited_for_for_ever() {
    let mut site = Site::new();
    let camera = site.app("camera", "", HEALTH);
    let _controller = site.start();
    let channel = Channel::open(hasty(&camera), Deaf).unwrap();
    channel.register(OnFailedHealth::Nothing).unwrap();
    let lost = channel.current_location().unwrap_err();
    assert_eq!(
        lost,
        CallError::NoResult {
            rpc: "PC_get_current_location"
        }
    );
}

/// The example, as its own process.
#[test]
fn the_example_takes_an_image_and_shuts_down() {
    let mut site = Site::new();
    let _: Files = site.app("camera", "", HEALTH);
    let controller = site.start();
    let mut example = ChildGuard::spawn(
        std::process::Command::new(example("payload"))
            .arg(site.folder_of("camera"))
            .arg(site.outbound("camera")),
    );
    controller.wait_for_life("camera", "up");
    let image = controller.begin("camera", "Image");
    let image = controller.ended("camera", image);
    assert_eq!(
        image.state,
        RunState::Done { late: false },
        "{}",
        image.text
    );
    controller.order(Command::Shutdown {
        app: name("camera"),
        grace: None,
        reason: 0,
    });
    assert!(example.wait_for_exit(PATIENCE).success());
}

//! A window that the ground schedules over the radio, of a payload in Python, which takes a
//! picture and hands it to the agent.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::free_tcp_port;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::site::Site;

fn clients() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python")
}

/// The payload, as a customer installs it.
fn install(site: &Site, agent: u16) {
    let payload = site.path("payload");
    fs::create_dir_all(payload.join("heliograph_oort")).unwrap();
    fs::create_dir_all(site.path("signaling/window_configs")).unwrap();
    fs::copy(
        clients().join("payload_exec.py"),
        payload.join("payload_exec"),
    )
    .unwrap();
    for entry in fs::read_dir(clients().join("heliograph_oort")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap();
            fs::copy(&path, payload.join("heliograph_oort").join(name)).unwrap();
        }
    }
    let settings = json!({
        "signaling_dir": site.path("signaling"),
        "data_dir": site.path("data"),
        "agent": format!("http://127.0.0.1:{agent}"),
    });
    fs::write(payload.join("payload_exec.json"), settings.to_string()).unwrap();
}

fn start_agent(site: &Site, port: u16) -> ChildGuard {
    fs::create_dir_all(site.path("agent")).unwrap();
    let mut command = Command::new(binary("oort-agent"));
    command.arg("-w").arg(site.path("agent"));
    command.args(["-p", &port.to_string(), "-l", "debug", "-m", "1M"]);
    let agent = ChildGuard::spawn(&mut command);
    eventually(PATIENCE, || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    agent
}

/// A file that came up for the payload, as the ground's bundle leaves it with the agent.
fn upload(site: &Site, data: &[u8]) {
    let id = "1b4e28ba-2fa1-4d5a-883f-0016d3cca427";
    let uploads = site.path("agent/uploads");
    let hints = json!({"dest_path": "/signaling/inbox/john/plan.txt", "mode": "640"});
    let meta = json!({
        "meta_version": "1.3", "topic": "camera_up", "destination": "space", "node": "ground",
        "time": 1_800_000_000_i64,
        "file_info": {
            "id": id, "path": "/home/me/plan.txt", "size": data.len(),
            "modified": 1_800_000_000_i64, "created": 1_800_000_000_i64,
            "crc32": "0d4a1185", "delivery_hints": hints,
        },
        "send_options": {},
    });
    fs::write(uploads.join(format!("{id}.data.oort")), data).unwrap();
    fs::write(uploads.join(format!("{id}.meta.oort")), meta.to_string()).unwrap();
}

#[test]
fn a_window_from_the_ground_takes_a_picture_which_the_agent_has() {
    let site = Site::new();
    let port = free_tcp_port();
    install(&site, port);
    let at = site.path("").display().to_string();
    let at = at.trim_end_matches('/');
    site.add(&format!(
        "[[payload-controller.signalled]]\nname = 'camera-spire'\nversion = 1\ndevice = 134\n\
         pre-buffer-s = 2\npost-buffer-s = 0\nexecutable = '{at}/payload/payload_exec'\n\
         signaling-dir = '{at}/signaling'\n\
         uploads = {{ agent = 'http://127.0.0.1:{port}', topic = 'camera_up' }}\n"
    ));
    let _agent = start_agent(&site, port);
    upload(&site, b"hello world");
    let _controller = site.start();

    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let order = |id: &str, start: u64| {
        format!(
            "scheduleWindow(window: {{id: \"{id}\", payload: \"camera-spire\", user: \"john\", \
             start: {start}, durationS: 6, parameters: \"{{\\\"side\\\": 32}}\"}}) \
             {{ success errors }}"
        )
    };
    // Several by one message, as the courier does.
    let ordered = site.ground_query(&format!(
        "mutation {{ a: {} b: {} c: {} }}",
        order("1304893", now + 10),
        order("1304894", now + 5000),
        order("1304895", now + 1),
    ));
    let good = json!({"success": true, "errors": ""});
    assert_eq!((&ordered["a"], &ordered["b"]), (&good, &good), "{ordered}");
    assert_eq!(ordered["c"]["success"], false, "{ordered}");

    let asked = "{ windows(ids: [\"1304893\", \"1304894\", \"7\"]) { id state reason \
                 configure { exitCode output } execution { exitCode outcome output errors } } }";
    let windows = eventually(PATIENCE, || {
        let windows = site.ground_query(asked)["windows"].clone();
        let state = windows[0]["state"].as_str()?;
        assert_ne!(state, "FAILED", "{windows}");
        (state == "EXECUTED").then_some(windows)
    });
    assert_eq!(windows.as_array().unwrap().len(), 2, "{windows}");
    assert_eq!(windows[1]["state"], "SCHEDULED");
    assert_eq!(windows[0]["configure"]["output"], "a picture of 32 by 32\n");
    let execution = &windows[0]["execution"];
    assert_eq!(execution["exitCode"], 0, "{execution}");

    // The picture is in the queue of the agent, and no longer with the payload.
    let output = execution["output"].as_str().unwrap();
    let item = output.trim().strip_prefix("handed over as ").unwrap();
    let transfers = site.path("agent/transfers");
    let picture = fs::read(transfers.join(format!("{item}.data.oort"))).unwrap();
    assert!(picture.starts_with(b"P5 32 32 255\n"));
    let meta = fs::read(transfers.join(format!("{item}.meta.oort"))).unwrap();
    let meta: Value = serde_json::from_slice(&meta).unwrap();
    assert_eq!(meta["topic"], "pictures");
    assert_eq!(meta["send_options"]["tags"]["window"], "1304893");
    assert!(!site.path("data/1304893.pgm").exists());

    // What came up before is in the inbox, and not with the agent any more.
    let plan = site.path("signaling/inbox/john/plan.txt");
    assert_eq!(fs::read(plan).unwrap(), b"hello world");
    assert_eq!(fs::read_dir(site.path("agent/uploads")).unwrap().count(), 0);

    let cancel = "mutation { cancelWindow(id: \"1304894\") { success errors } }";
    assert_eq!(site.ground_query(cancel)["cancelWindow"], good);
    let again = site.ground_query(cancel);
    let why = again["cancelWindow"]["errors"].as_str().unwrap();
    assert!(why.contains("cancelled already"), "{why}");
}

#[test]
fn the_doctor_finds_the_example_well() {
    let site = Site::new();
    let port = free_tcp_port();
    install(&site, port);
    let _agent = start_agent(&site, port);
    for version in ["1", "2"] {
        let mut doctor = Command::new(binary("payload-controller"));
        doctor.arg("doctor").arg(site.path("payload/payload_exec"));
        doctor.arg("--signaling-dir").arg(site.path("signaling"));
        let ended = doctor.args(["--version", version]).output().unwrap();
        let said = String::from_utf8(ended.stdout).unwrap();
        assert!(ended.status.success(), "{said}");
        assert!(said.contains("a window would be executed"), "{said}");
        assert!(said.contains("handed over as"), "{said}");
    }
}

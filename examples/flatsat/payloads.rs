//! The step of the payload controller: the ground has a hosted payload take a picture, which
//! comes down and is then removed on board.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::hosted_payload::{PICTURE, PICTURE_BYTES, picture};
use crate::parties::Flatsat;
use crate::show::Show;
use crate::spacecraft;
use crate::tasking;

/// Many times what a step takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The whole way: ground, radio, controller, payload, link service, radio, ground.
pub(crate) fn from_ground_to_ground(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    write_configuration(flatsat)?;
    let config = flatsat.file("payloads.toml");
    flatsat.to_the_end(
        "payload-controller",
        &["provision", "camera", "-c", &config],
    )?;
    spacecraft::start(flatsat, "link-service", "helio-1")?;
    flatsat.spawn("payload-controller", &["-l", "error", "-c", &config])?;
    let (credentials, outbound) = (flatsat.file("credentials/apps/camera"), outbound(flatsat));
    // The controller makes the directory.
    wait(flatsat, "the controller", |_| Ok(outbound.exists()))?;
    let told = ["--credentials", &credentials, "--outbound"];
    let outbound_is = outbound.display().to_string();
    flatsat.spawn("hosted-payload", &[&told[..], &[&outbound_is]].concat())?;
    wait(flatsat, "the payload", |flatsat| {
        let answer = query(flatsat, "{ health { app life isWell } }")?;
        Ok(answer["health"][0]["isWell"] == true)
    })?;
    let ground = flatsat.ground_in_background(&["--link", "link", "serve"])?;

    let order = "mutation { startSequence(app: \"camera\", sequence: \"Image\", \
                 params: \"exposure=5\", withinS: 60) { success errors run } }";
    show.up(order);
    let ordered = query(flatsat, order)?;
    show.down(&ordered.to_string());
    ensure!(
        ordered["startSequence"]["success"] == true,
        "the payload was not told to take a picture"
    );
    let source = outbound.join(PICTURE);
    let there = PathBuf::from(flatsat.file("ground-link"));
    let there = there.join("payloads/camera").join(PICTURE);
    wait(flatsat, "the picture", |_| {
        Ok(there.exists() && !source.exists())
    })?;
    let came = fs::read(&there).with_context(|| format!("no {}", there.display()))?;
    ensure!(came == picture(), "{} is another file", there.display());
    show.down(&format!(
        "payloads/camera/{PICTURE}: {PICTURE_BYTES} octets, whole; it is removed on board"
    ));
    ground.stop();
    let runs = "{ runs { app sequence state } files { path } }";
    wait(flatsat, "the end of the run", |flatsat| {
        let now = query(flatsat, runs)?;
        let has_no_files = now["files"].as_array().is_some_and(Vec::is_empty);
        Ok(now["runs"][0]["state"] == "done" && has_no_files)
    })?;
    show.up(runs);
    show.down(&query(flatsat, runs)?.to_string());
    let left = query(
        flatsat,
        "mutation { shutdown(app: \"camera\") { success } }",
    )?;
    ensure!(left["shutdown"]["success"] == true, "no shutdown");
    flatsat.wait_for_end("hosted-payload", PATIENCE)?;
    flatsat.end("payload-controller");
    flatsat.end("link-service");
    Ok(())
}

fn outbound(flatsat: &Flatsat) -> PathBuf {
    PathBuf::from(flatsat.file("payloads")).join("camera/outbound")
}

fn query(flatsat: &Flatsat, query: &str) -> anyhow::Result<Value> {
    let service = flatsat.ports.payloads_graphql.to_string();
    let answer = flatsat.ground(&["--link", "payloads", "query", "--service", &service, query])?;
    let answer: Value = serde_json::from_str(&answer)?;
    Ok(answer["data"].clone())
}

/// Looks again and again, until it is there.
pub(crate) fn wait(
    flatsat: &mut Flatsat,
    what: &str,
    mut is_there: impl FnMut(&Flatsat) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    while !is_there(flatsat)? {
        flatsat.check()?;
        if Instant::now() > until {
            bail!("{what} is not there after {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn write_configuration(flatsat: &Flatsat) -> anyhow::Result<()> {
    let ports = &flatsat.ports;
    let text = format!(
        r#"[payload-controller]
journal = '{journal}'
windows = '{windows}'
apps-root = '{apps}'

[payload-controller.addr]
port = {graphql}

[payload-controller.radio]
kind = "udp"
bind = "127.0.0.1:{radio}"
peer = "127.0.0.1:{ground}"
framing = "kiss-ax25"
ax25 = {{ callsign = "HELIO-1", peer = "GROUND" }}

[payload-controller.comms]
handler-port-min = 0
handler-port-max = 0
downlink-ports = [{downlink}]
state-dir = '{commands}'

[payload-controller.grpc]
addr = "127.0.0.1:{grpc}"
credentials = '{credentials}'

[payload-controller.link]
socket = '{link}'
watch-s = 1

[[payload-controller.apps]]
name = "camera"
number = 4
health = {{ every-ms = 1000, deadline-ms = 900 }}
connection = {{ callbacks = "127.0.0.1:{callbacks}" }}
"#,
        journal = flatsat.file("payloads.redb"),
        windows = flatsat.file("windows"),
        apps = flatsat.file("payloads"),
        graphql = ports.payloads_graphql,
        radio = ports.payloads_satellite,
        ground = ports.payloads_ground,
        downlink = ports.payloads_downlink,
        commands = flatsat.file("payloads-commands"),
        grpc = ports.payloads_grpc,
        credentials = flatsat.file("credentials"),
        link = flatsat.file("helio-1/apps/payloads/link.sock"),
        callbacks = ports.payload_callbacks,
    );
    let text = text + &tasking::signalled(flatsat);
    Ok(fs::write(flatsat.file("payloads.toml"), text)?)
}

/// The ground's end of the controller's link, for its configuration.
pub(crate) fn ground_payloads(flatsat: &Flatsat) -> String {
    let ports = &flatsat.ports;
    format!(
        r#"
[[link]]
name = "payloads"
satellite = "flatsat"

[link.radio]
kind = "udp"
bind = "127.0.0.1:{}"
peer = "127.0.0.1:{}"
framing = "kiss-ax25"
ax25 = {{ callsign = "GROUND", peer = "HELIO-1" }}
"#,
        ports.payloads_ground, ports.payloads_satellite,
    )
}

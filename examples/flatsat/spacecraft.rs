//! The steps of the link service: an image of a payload app goes to the ground, and to
//! another spacecraft, in two passes with a restart between them.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use link_client::LinkClient;

use crate::parties::Flatsat;
use crate::show::Show;
use crate::tasking::AGENT_APP;

/// A radio as in space: a pass that is too short for the image, a gap, and one more. Its time
/// begins when the service starts.
const CHANNEL: &str = "\
bit-rate-bps = 600_000
frame-loss = 0.05
contacts = [{ aos-s = 0, los-s = 3 }, { aos-s = 6, los-s = 120 }]";

/// The first pass is over then, and the next has not begun.
const GAP: Duration = Duration::from_secs(4);
/// Many times what a step takes.
const PATIENCE: Duration = Duration::from_secs(60);

const IMAGE: &str = "picture.raw";
/// More than a pass carries.
const IMAGE_BYTES: usize = 350_000;

/// A payload app hands over an image, the satellite is restarted, and the ground has it.
pub(crate) fn to_ground(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    write_configurations(flatsat)?;
    let image = take_image(flatsat)?;
    let ground = flatsat.ground_in_background(&["--link", "link", "serve"])?;
    start(flatsat, "link-service", "helio-1")?;
    let began = Instant::now();
    show.note("payload app:  link_client::LinkClient::connect(socket).downlink(\"picture.raw\")?");
    let app = flatsat.payload_app(&camera(flatsat), None, &image)?;
    sleep_until(began + GAP);
    flatsat.end("link-service");
    show.note("the pass was too short, and now the power of the satellite fails (kill -9)");
    start(flatsat, "link-service", "helio-1")?;
    show.note("it is on again, and the next pass begins");
    app.finish()?;
    let there = PathBuf::from(flatsat.file("ground-link"))
        .join("camera")
        .join(IMAGE);
    ensure!(same(&image, &there)?, "{} is another file", there.display());
    ground.stop();
    show.down(&format!(
        "camera/{IMAGE}: {IMAGE_BYTES} octets, whole; both ends were told"
    ));
    let left = flatsat.file("helio-1/apps/camera/outbox/picture.raw");
    ensure!(!Path::new(&left).exists(), "the source was not released");
    flatsat.end("link-service");
    Ok(())
}

/// The same image crosses to an app of another spacecraft.
pub(crate) fn to_another(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    let image = take_image(flatsat)?;
    start(flatsat, "link-service", "helio-1")?;
    let began = Instant::now();
    start(flatsat, "other spacecraft", "helio-2")?;
    let to = "analyser@helio-2";
    show.note(&format!(
        "payload app:  link.crosslink(\"{to}\", \"{IMAGE}\")?"
    ));
    let app = flatsat.payload_app(&camera(flatsat), Some(to), &image)?;
    sleep_until(began + GAP);
    flatsat.end("other spacecraft");
    start(flatsat, "other spacecraft", "helio-2")?;
    show.note("out of sight of each other, the other spacecraft was restarted");
    app.finish()?;
    let socket = flatsat.file("helio-2/apps/analyser/link.sock");
    let analyser = LinkClient::connect(socket);
    let mut arrived = analyser.receive_within(PATIENCE);
    let delivery = arrived.next().context("nothing came to the analyser")??;
    ensure!(
        same(&image, delivery.path())?,
        "another file came to the analyser"
    );
    let from = delivery.from().to_owned();
    delivery.ack()?;
    show.note(&format!(
        "analyser:     {IMAGE} came whole, from {from}; it is acknowledged"
    ));
    flatsat.end("link-service");
    flatsat.end("other spacecraft");
    Ok(())
}

fn camera(flatsat: &Flatsat) -> String {
    flatsat.file("helio-1/apps/camera/link.sock")
}

pub(crate) fn start(flatsat: &mut Flatsat, name: &'static str, node: &str) -> anyhow::Result<()> {
    let config = flatsat.file(&format!("{node}.toml"));
    let socket = flatsat.file(&format!("{node}/apps/camera/link.sock"));
    // One that was killed leaves its sockets.
    let _ = fs::remove_file(&socket);
    flatsat.spawn_as(name, "link-service", &["-l", "error", "-c", &config])?;
    let until = Instant::now() + PATIENCE;
    while !Path::new(&socket).exists() {
        flatsat.check()?;
        ensure!(Instant::now() < until, "{name} has not started");
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn sleep_until(at: Instant) {
    thread::sleep(at.saturating_duration_since(Instant::now()));
}

fn take_image(flatsat: &Flatsat) -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(flatsat.file(IMAGE));
    let octets = (0..IMAGE_BYTES).map(|at| ((at / 251) ^ at) as u8);
    fs::write(&path, octets.collect::<Vec<u8>>())?;
    Ok(path)
}

fn same(sent: &Path, arrived: &Path) -> anyhow::Result<bool> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("no {}", path.display()));
    Ok(read(sent)? == read(arrived)?)
}

/// Both spacecraft, and the ground's end of the link of one of them.
fn write_configurations(flatsat: &Flatsat) -> anyhow::Result<()> {
    let ports = &flatsat.ports;
    let [one, other] = ports.cross;
    for (node, peer, calls, graphql, radio, ground, downlink, own, its, channel) in [
        (
            "helio-1",
            "helio-2",
            true,
            ports.link_graphql,
            ports.link_satellite,
            ports.link_ground,
            ports.link_downlink,
            one,
            other,
            format!("[link-service.peers.radio.channel]\n{CHANNEL}\n"),
        ),
        (
            "helio-2",
            "helio-1",
            false,
            0,
            0,
            9,
            0,
            other,
            one,
            String::new(),
        ),
    ] {
        let text = format!(
            r#"[link-service]
apps-root = '{apps}'
journal = '{root}/link.redb'

[[link-service.apps]]
id = "camera"

[[link-service.apps]]
id = "analyser"

[[link-service.apps]]
id = "payloads"

[[link-service.policy]]
from = "camera"
to = "ground"

[[link-service.policy]]
from = "payloads"
to = "ground"

[[link-service.policy]]
from = "camera"
to = "analyser@*"

[[link-service.policy]]
from = "camera@*"
to = "analyser"

{AGENT_APP}
[link-service.addr]
port = {graphql}

[link-service.radio]
kind = "udp"
bind = "127.0.0.1:{radio}"
peer = "127.0.0.1:{ground}"
framing = "kiss-ax25"
ax25 = {{ callsign = "HELIO-1", peer = "GROUND" }}

[link-service.radio.channel]
{CHANNEL}

[link-service.comms]
handler-port-min = 0
handler-port-max = 0
downlink-ports = [{downlink}]

[link-service.files]
root = '{root}/files'
journal = '{root}/files.redb'

[[link-service.peers]]
node = "{peer}"
initiator = {calls}
call-ms = 200

[link-service.peers.radio]
kind = "udp"
bind = "127.0.0.1:{own}"
peer = "127.0.0.1:{its}"
framing = "kiss"

{channel}
[link-service.peers.files]
root = '{root}/peer'
journal = '{root}/peer.redb'
"#,
            apps = flatsat.file(&format!("{node}/apps")),
            root = flatsat.file(node),
        );
        fs::create_dir_all(flatsat.file(node))?;
        fs::write(flatsat.file(&format!("{node}.toml")), text)?;
    }
    Ok(())
}

/// The ground's end, for its configuration.
pub(crate) fn ground_link(flatsat: &Flatsat) -> String {
    let ports = &flatsat.ports;
    format!(
        r#"
[[link]]
name = "link"
satellite = "flatsat"

[link.radio]
kind = "udp"
bind = "127.0.0.1:{}"
peer = "127.0.0.1:{}"
framing = "kiss-ax25"
ax25 = {{ callsign = "GROUND", peer = "HELIO-1" }}

[link.files]
root = '{}'
journal = '{}'
"#,
        ports.link_ground,
        ports.link_satellite,
        flatsat.file("ground-link"),
        flatsat.file("ground-link.redb"),
    )
}

/// An app that runs.
pub(crate) struct App(pub(crate) std::process::Child);

impl App {
    /// Waits until it has ended well.
    fn finish(mut self) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.0.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the payload app ended with {status}"),
                None if Instant::now() > until => {
                    let _ = self.0.kill();
                    let _ = self.0.wait();
                    bail!(
                        "the payload app was told nothing for {} s",
                        PATIENCE.as_secs()
                    )
                }
                None => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// A command of the ground that runs until it is stopped.
pub(crate) struct Ground(pub(crate) std::process::Child);

impl Ground {
    pub(crate) fn stop(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! The tasking API with ten thousand windows: ordered one by one, listed, and looked around.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use crate::cpu;
use crate::figure::{Figure, Goal, Spread};
use crate::progress::say;
use crate::section::Run;

const WINDOWS: u64 = 10_000;
const WINDOWS_QUICK: u64 = 300;
/// From one window to the next: it lasts a minute, and has buffers of ten seconds.
const APART_S: u64 = 90;
const AHEAD_S: u64 = 86_400;
const DAY_S: u64 = 86_400;
/// Of each question.
const ROUNDS: usize = 30;
const PATIENCE: Duration = Duration::from_secs(60);
/// What the process may take, whatever there is.
const MEMORY_KIB_MAX: f64 = 65_536.0;

/// Measures `ground serve`; nothing where it is not built.
pub(super) fn measure(run: &Run) -> Result<Vec<Figure>> {
    let binary = run.binaries.join("ground");
    if !binary.is_file() {
        say(format_args!(
            "  not measured: windows, as there is no {}",
            binary.display()
        ));
        return Ok(Vec::new());
    }
    let windows = run.choose(WINDOWS, WINDOWS_QUICK);
    say(format_args!("  {windows} windows are ordered and listed"));
    let ground = Ground::start(&binary)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let first = now + AHEAD_S;
    let began = Instant::now();
    for number in 0..windows {
        let order = json!({
            "type": "BENCH", "satellite_id": "FM1", "start": first + number * APART_S,
            "duration": 60, "parameters": { "number": number },
        });
        ground.order(&order.to_string())?;
    }
    let rate = windows as f64 / began.elapsed().as_secs_f64();
    let last_day = first + windows * APART_S - DAY_S;
    let once = |name: &str, unit, value| {
        let name = format!("tasking with {windows} windows: {name}");
        Figure::alone(name, unit, Spread::once(value))
    };
    let usage = cpu::usage(ground.process.id())?;
    let mut figures = vec![
        once("ordered one by one", "1/s", rate),
        once("memory at most", "KiB", usage.resident_kib_peak as f64)
            .goal(Goal::AtMost(MEMORY_KIB_MAX)),
    ];
    for (name, path) in [
        ("the newest 100 listed", "windows?limit=100".to_owned()),
        (
            "the newest 100 of a state",
            "windows?satellite_id=FM1&state=PENDING_SYNC&limit=100".to_owned(),
        ),
        (
            "availability of a day",
            format!(
                "availability?satellite_id=FM1&window_type=BENCH&start={last_day}&duration={DAY_S}"
            ),
        ),
    ] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            ground.ask(&path)?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        let name = format!("tasking with {windows} windows: {name}");
        figures.push(Figure::alone(name, "ms", Spread::of(&times)));
    }
    Ok(figures)
}

/// `ground serve`, of a satellite that never answers. Dropped, it is ended.
struct Ground {
    process: Child,
    agent: ureq::Agent,
    url: String,
    bearer: String,
    _folder: TempDir,
}

impl Ground {
    fn start(binary: &Path) -> Result<Self> {
        let folder = tempfile::tempdir().context("no folder")?;
        let udp = || -> Result<u16> { Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port()) };
        let (radio, satellite) = (udp()?, udp()?);
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let at = folder.path().display();
        let config = format!(
            "[[link]]\nname = 'uhf'\nsatellite = 'helio'\n\
             [link.radio]\nkind = 'udp'\nbind = '127.0.0.1:{radio}'\n\
             peer = '127.0.0.1:{satellite}'\n\
             [link.files]\nroot = '{at}/files'\njournal = '{at}/files.redb'\n\
             [archive]\nenabled = false\n\
             [tasking]\nlisten = '127.0.0.1:{port}'\ndirectory = '{at}/tasking'\n\
             [[tasking.window-types]]\nname = 'BENCH'\npre-buffer-s = 10\npost-buffer-s = 10\n\
             [[tasking.satellites]]\nid = 'FM1'\nlink = 'uhf'\n\
             [[tasking.satellites.payloads]]\nname = 'SDR'\nwindows = ['BENCH']\n"
        );
        fs::write(folder.path().join("ground.toml"), config)?;
        let command = || {
            let mut command = Command::new(binary);
            command.arg("-c").arg(folder.path().join("ground.toml"));
            command.env("HELIOGRAPH_RUNTIME_DIR", folder.path().join("run"));
            command.env("XDG_STATE_HOME", folder.path().join("state"));
            command.env("RUST_LOG", "off").stdin(Stdio::null());
            command
        };
        let told = ["token", "add", "bench", "--role", "tasker"];
        let output = command().args(told).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "no token: {said}");
        let token = String::from_utf8(output.stdout)?;
        let token = token.lines().next().context("no token was printed")?;
        let ground = Ground {
            process: command().arg("serve").stderr(Stdio::null()).spawn()?,
            agent: ureq::Agent::new_with_defaults(),
            url: format!("http://127.0.0.1:{port}/tasking"),
            bearer: format!("Bearer {token}"),
            _folder: folder,
        };
        let until = Instant::now() + PATIENCE;
        while ground.ask("satellites").is_err() {
            ensure!(Instant::now() < until, "the tasking API does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(ground)
    }

    fn ask(&self, path: &str) -> Result<String> {
        let get = self.agent.get(format!("{}/{path}", self.url));
        let mut answer = get.header("Authorization", &self.bearer).call()?;
        Ok(answer.body_mut().read_to_string()?)
    }

    fn order(&self, window: &str) -> Result<()> {
        let post = self.agent.post(format!("{}/window", self.url));
        let post = post.header("Authorization", &self.bearer);
        let mut answer = post
            .header("Content-Type", "application/json")
            .send(window)?;
        answer.body_mut().read_to_string()?;
        Ok(())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

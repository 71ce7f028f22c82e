//! `direwolf` as a TNC that KISS clients connect to.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::dump::{self, Dumped};
use super::{Modem, not_started};
use crate::audio::{self, SAMPLE_RATE_HZ};
use crate::ports::free_tcp_port;
use crate::wait::within;

/// Longer than a start takes on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// It works on what it hears in pieces, and begins one that is not full.
const SILENCE_AFTER_S: u32 = 1;

/// A running `direwolf` without a sound card: it hears what [`play`](Self::play)
/// gives it, and what it sends nobody hears. It ends when it is dropped.
pub struct Direwolf {
    child: Child,
    sound: ChildStdin,
    address: SocketAddr,
    log: PathBuf,
    /// With the configuration and the log; gone at the end.
    _folder: TempDir,
}

impl Direwolf {
    /// Starts it on a free port, and waits until it takes clients; panics when
    /// that does not come about.
    #[track_caller]
    pub fn start(modem: Modem) -> Self {
        Self::start_at(modem, free_tcp_port())
    }

    /// The same at a port of the test's choice.
    #[track_caller]
    pub fn start_at(modem: Modem, kiss_port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [config, log] = ["direwolf.conf", "log"].map(|name| folder.path().join(name));
        let settings = format!(
            "ADEVICE stdin null\nARATE {SAMPLE_RATE_HZ}\nCHANNEL 0\nMODEM {}\n\
             AGWPORT 0\nKISSPORT {kiss_port}\n",
            modem.bit_rate_bps()
        );
        fs::write(&config, settings).expect("a new file");
        let spawned = Command::new("direwolf")
            // No colours, no guesses at APRS, frames in hexadecimal.
            .args(["-t", "0", "-q", "d", "-d", "p", "-c"])
            .arg(&config)
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(File::create(&log).expect("a new file"))
            .stderr(Stdio::null())
            .spawn();
        let mut child =
            spawned.unwrap_or_else(|error| panic!("{}", not_started("direwolf", &error)));
        let sound = child.stdin.take().expect("a pipe was asked for");
        let mut direwolf = Self {
            child,
            sound,
            address: (Ipv4Addr::LOCALHOST, kiss_port).into(),
            log,
            _folder: folder,
        };
        direwolf.wait_until_ready();
        direwolf
    }

    #[track_caller]
    fn wait_until_ready(&mut self) {
        let ready = within(START_TIMEOUT, || {
            let ended = self.child.try_wait().expect("its state");
            let ready = self.log().contains("Ready to accept KISS");
            (ready || ended.is_some()).then_some(ready)
        });
        assert_eq!(
            ready,
            Some(true),
            "direwolf takes no client:\n{}",
            self.log()
        );
    }

    /// Where KISS clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets it hear `samples` and a little silence, as fast as it can.
    #[track_caller]
    pub fn play(&mut self, samples: &[i16]) {
        let silence = audio::silence(SILENCE_AFTER_S);
        for sound in [samples, &silence] {
            let heard = self.sound.write_all(&audio::to_octets(sound));
            heard.expect("direwolf hears");
        }
        self.sound.flush().expect("direwolf hears");
    }

    /// The frames that it sent, without their FCS.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        let frames = self.frames().into_iter().filter(|frame| frame.sent);
        frames.map(|frame| frame.octets).collect()
    }

    /// The frames that it heard, without their FCS.
    pub fn heard(&self) -> Vec<Vec<u8>> {
        let frames = self.frames().into_iter().filter(|frame| !frame.sent);
        frames.map(|frame| frame.octets).collect()
    }

    fn frames(&self) -> Vec<Dumped> {
        dump::frames(&fs::read(&self.log).expect("its log"))
    }

    /// All that it printed so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("its log")).into_owned()
    }

    /// Ends it at once, in whatever it does.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Direwolf {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

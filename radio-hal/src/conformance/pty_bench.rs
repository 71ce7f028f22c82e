//! A bench for a driver of a serial device: a pair of pseudo-terminals.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serialport::{SerialPort, TTYPort};

use super::bench::{Bench, Cutting, FarEnd, Link, Setup};
use crate::error::{ErrorKind, RadioError};
use crate::radio::Radio;

/// How long the line may take no octet of the far end.
const PATIENCE: Duration = Duration::from_secs(8);
const CHUNK_BYTES: usize = 4096;

type Open = dyn FnMut(&str) -> Result<Radio, RadioError> + Send;

/// A driver of a serial device.
///
/// The device's path is a link to a pseudo-terminal. Unplugged, the link and the
/// terminal are gone; plugged in again, the link leads to a new one.
pub struct PtyBench {
    setup: Setup,
    open: Arc<Mutex<Open>>,
}

impl PtyBench {
    /// A bench whose driver `open` opens on the device whose path it gets.
    pub fn new(
        setup: Setup,
        open: impl FnMut(&str) -> Result<Radio, RadioError> + Send + 'static,
    ) -> Self {
        Self {
            setup,
            open: Arc::new(Mutex::new(open)),
        }
    }
}

impl Bench for PtyBench {
    fn setup(&self) -> Setup {
        self.setup.clone()
    }

    fn connect(&mut self) -> Result<Link, RadioError> {
        let far = PtyFarEnd::new().map_err(|error| {
            let text = format!("the bench has no pseudo-terminal: {error}");
            RadioError::new(ErrorKind::Io, text)
        })?;
        let device = far.device.to_string_lossy().into_owned();
        let open = Arc::clone(&self.open);
        let reopen = move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            open(&device)
        };
        Ok(Link {
            radio: reopen()?,
            far: Box::new(far),
            reopen: Some(Box::new(reopen)),
        })
    }
}

struct PtyFarEnd {
    folder: PathBuf,
    /// The link to the driver's end of the line.
    device: PathBuf,
    /// `None` while the line is cut.
    line: Option<Line>,
}

struct Line {
    port: TTYPort,
    /// Kept open, so that what the far end sends before the driver opens the
    /// device is not lost.
    _driver_end: TTYPort,
}

impl PtyFarEnd {
    fn new() -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("radio-conformance-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        let mut far = Self {
            device: folder.join("radio"),
            folder,
            line: None,
        };
        far.restore()?;
        Ok(far)
    }
}

impl Drop for PtyFarEnd {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl FarEnd for PtyFarEnd {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        let line = self.line.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        line.port.set_timeout(PATIENCE)?;
        line.port.write_all(octets)
    }

    fn receive(&mut self, timeout: Duration) -> Vec<u8> {
        let started = Instant::now();
        let mut chunk = vec![0; CHUNK_BYTES];
        let received = match &mut self.line {
            Some(line) => {
                let read = line.port.set_timeout(timeout).map_err(io::Error::from);
                read.and_then(|()| line.port.read(&mut chunk)).unwrap_or(0)
            }
            None => 0,
        };
        chunk.truncate(received);
        if chunk.is_empty() {
            thread::sleep(timeout.saturating_sub(started.elapsed()));
        }
        chunk
    }

    fn cutting(&self) -> Cutting {
        Cutting::LosesOctets
    }

    fn cut(&mut self) {
        let _ = fs::remove_file(&self.device);
        self.line = None;
    }

    fn restore(&mut self) -> io::Result<()> {
        let (port, driver_end) = TTYPort::pair()?;
        // A write takes what there is room for, instead of waiting for ever.
        fcntl(port.as_raw_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let name = driver_end.name().ok_or(io::ErrorKind::NotFound)?;
        symlink(name, &self.device)?;
        self.line = Some(Line {
            port,
            _driver_end: driver_end,
        });
        Ok(())
    }
}

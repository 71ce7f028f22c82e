//! What a driver is tested on: a way to open it, and the far end of its line.

use std::io;
use std::time::Duration;

use crate::error::RadioError;
use crate::framing::FramingConfig;
use crate::radio::{Medium, Radio};

/// How long a receiver waits for nothing in a test, if nothing else is said.
const WAIT: Duration = Duration::from_millis(200);

/// What a driver is tested on.
///
/// There are ready ones: [`PtyBench`](super::PtyBench),
/// [`TcpBench`](super::TcpBench), [`UdpBench`](super::UdpBench),
/// [`PairBench`](super::PairBench).
pub trait Bench {
    /// What is to be known of driver and line.
    fn setup(&self) -> Setup;

    /// Opens the driver on a line of its own, which nothing was sent on yet.
    ///
    /// # Errors
    /// [`RadioError`] if the driver or the line cannot be opened.
    fn connect(&mut self) -> Result<Link, RadioError>;
}

/// A driver that is open, and the far end of its line.
pub struct Link {
    /// The driver.
    pub radio: Radio,
    /// The far end of its line.
    pub far: Box<dyn FarEnd>,
    /// Opens the driver again on the same line, once `radio` was dropped; `None`
    /// if there is nothing that could be opened twice.
    pub reopen: Option<Reopen>,
}

/// Opens a driver again.
pub type Reopen = Box<dyn Fn() -> Result<Radio, RadioError> + Send>;

/// The far end of a driver's line: octets, without framing.
pub trait FarEnd: Send {
    /// Puts octets on the line: one part of a stream, or one datagram.
    ///
    /// # Errors
    /// If the line does not take them within some seconds.
    fn send(&mut self, octets: &[u8]) -> io::Result<()>;

    /// Waits up to `timeout`; what came on a stream, or one datagram. Empty if
    /// nothing came, or the driver is not there.
    fn receive(&mut self, timeout: Duration) -> Vec<u8>;

    /// What happens when the line is cut.
    fn cutting(&self) -> Cutting {
        Cutting::Never
    }

    /// Cuts the line: it is gone until [`restore`](Self::restore).
    fn cut(&mut self) {}

    /// Puts the line back, as a new one.
    ///
    /// # Errors
    /// If that cannot be done.
    fn restore(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The most octets that the line keeps while nobody calls
    /// [`receive`](Self::receive), where it loses what comes then; `None` if it
    /// stalls and loses nothing.
    fn held_bytes_max(&self) -> Option<usize> {
        None
    }
}

/// What happens when a line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cutting {
    /// It cannot be cut.
    Never,
    /// What the driver has not read by then may be lost.
    LosesOctets,
    /// The driver can still read what was sent before.
    KeepsOctets,
}

/// What is to be known of a driver and its line.
#[derive(Debug, Clone)]
pub struct Setup {
    pub(super) framing: FramingConfig,
    pub(super) line_framing: FramingConfig,
    pub(super) line: Medium,
    pub(super) reopens: bool,
    pub(super) own_wait: Option<Duration>,
}

impl Setup {
    /// A driver of a stream, to be used with `framing`. Digipeaters are left out,
    /// for the far end is none.
    pub fn stream(framing: FramingConfig) -> Self {
        Self::new(framing.clone(), framing, Medium::Stream)
    }

    /// A driver of datagrams, to be used with `framing`.
    pub fn datagrams(framing: FramingConfig) -> Self {
        Self::new(framing.clone(), framing, Medium::Datagrams)
    }

    /// A driver of whole packets ([`Radio::from_functions`]) that puts
    /// `line_framing` on its line itself. `wait` is how long its `read` waits
    /// while nothing comes. It is taken not to reopen its device; see
    /// [`with_reopening`](Self::with_reopening).
    pub fn functions(line: Medium, line_framing: FramingConfig, wait: Duration) -> Self {
        Self {
            reopens: false,
            own_wait: Some(wait),
            ..Self::new(FramingConfig::raw(), line_framing, line)
        }
    }

    fn new(mut framing: FramingConfig, mut line_framing: FramingConfig, line: Medium) -> Self {
        if let Some(ax25) = &mut framing.ax25 {
            ax25.digipeaters.clear();
        }
        if let Some(ax25) = &mut line_framing.ax25 {
            ax25.digipeaters.clear();
            std::mem::swap(&mut ax25.callsign, &mut ax25.peer);
        }
        Self {
            framing,
            line_framing,
            line,
            reopens: true,
            own_wait: None,
        }
    }

    /// The same, of a driver that opens its device again after it was lost.
    pub fn with_reopening(self) -> Self {
        Self {
            reopens: true,
            ..self
        }
    }

    /// The wait that a receiver is given where nothing is to come.
    pub(super) fn wait(&self) -> Duration {
        self.own_wait.unwrap_or(WAIT)
    }
}

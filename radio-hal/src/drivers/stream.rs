//! Radios on a stream that can be lost and opened again: what a serial line and
//! a TCP connection have in common.
//!
//! The receiving half reopens, within its waits; the transmitting half does so
//! only while nobody receives. A lost stream gives one error to the receiver, so
//! that a frame that was cut is not joined to what comes later.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{ErrorKind, RadioError};
use crate::frame_buffer::FrameBuffer;
use crate::radio::{Medium, Radio, RadioProperties, RadioReceiver, RadioTransmitter};

/// The most octets that one `receive` gives.
pub const STREAM_CHUNK_BYTES_MAX: usize = 4096;
/// How long a stream may take no octet at all before a transmission fails.
pub const STREAM_STALL_TIMEOUT_MS: u64 = 2000;
/// The first pause before a lost stream is opened again; each further one is
/// twice as long.
pub const REOPEN_PAUSE_MIN_MS: u64 = 50;
/// The longest pause between two tries to open a lost stream.
pub const REOPEN_PAUSE_MAX_MS: u64 = 2000;
/// A receiver that was not called for so long is not waited for: until then it
/// takes what a lost stream still holds.
const RECEIVER_AWAY: Duration = Duration::from_secs(2);

/// Something that opens a stream, again and again.
pub(crate) trait StreamDevice: Send + Sync + 'static {
    type Reader: StreamReader;
    type Writer: StreamWriter;

    /// Opens the stream once, without waiting for long.
    fn open(&self) -> Result<(Self::Reader, Self::Writer), RadioError>;

    /// What the device is called in the log and in errors.
    fn name(&self) -> String;

    /// The longest pause between two tries.
    fn reopen_pause_max(&self) -> Duration {
        Duration::from_millis(REOPEN_PAUSE_MAX_MS)
    }
}

pub(crate) trait StreamReader: Send + 'static {
    /// Waits up to `timeout`; 0 octets mean that the other end closed the
    /// stream. An error of kind `TimedOut`, `WouldBlock` or `Interrupted` means
    /// nothing yet.
    fn read(&mut self, chunk: &mut [u8], timeout: Duration) -> io::Result<usize>;

    /// Wakes a writer of the same stream, if the system can.
    fn close(&mut self) {}
}

pub(crate) trait StreamWriter: Send + 'static {
    /// Takes some octets, after waiting up to `timeout` for room for one.
    fn write(&mut self, octets: &[u8], timeout: Duration) -> io::Result<usize>;

    /// Wakes a reader of the same stream, if the system can.
    fn close(&mut self) {}
}

/// A radio on `device`, which is opened now. `greeting` is sent first whenever
/// the stream is opened.
pub(crate) fn open<D: StreamDevice>(device: D, greeting: Vec<u8>) -> Result<Radio, RadioError> {
    let shared = Shared::new(device, greeting);
    shared.open_both(&mut lock(&shared.reader), &mut lock(&shared.writer))?;
    Ok(radio(shared))
}

/// The same, where the first stream may take as long as any later one.
pub(crate) fn open_later<D: StreamDevice>(device: D, greeting: Vec<u8>) -> Radio {
    radio(Shared::new(device, greeting))
}

fn radio<D: StreamDevice>(shared: Shared<D>) -> Radio {
    let shared = Arc::new(shared);
    let receiver = StreamReceiver {
        shared: Arc::clone(&shared),
        heard_from: None,
        chunk: vec![0; STREAM_CHUNK_BYTES_MAX].into_boxed_slice(),
    };
    let properties = RadioProperties::new(Medium::Stream);
    Radio::new(properties, receiver, StreamTransmitter { shared })
}

/// Locks are taken in the order of the fields.
struct Shared<D: StreamDevice> {
    device: D,
    greeting: Vec<u8>,
    reader: Mutex<Reading<D::Reader>>,
    /// `None` while the stream is lost.
    writer: Mutex<Option<D::Writer>>,
    retry: Mutex<Retry>,
    opened: Condvar,
}

struct Reading<R> {
    /// `None` while the stream is lost.
    stream: Option<R>,
    /// How many times a stream was opened: tells one from the next.
    opened: u64,
    /// When the stream was last read from.
    read_at: Option<Instant>,
}

/// When a lost stream may be opened again.
struct Retry {
    next: Instant,
    pause: Duration,
}

impl Retry {
    fn at_once() -> Self {
        Self {
            next: Instant::now(),
            pause: Duration::from_millis(REOPEN_PAUSE_MIN_MS),
        }
    }
}

impl<D: StreamDevice> Shared<D> {
    fn new(device: D, greeting: Vec<u8>) -> Self {
        Self {
            device,
            greeting,
            reader: Mutex::new(Reading {
                stream: None,
                opened: 0,
                read_at: None,
            }),
            writer: Mutex::new(None),
            retry: Mutex::new(Retry::at_once()),
            opened: Condvar::new(),
        }
    }

    fn open_both(
        &self,
        reader: &mut Reading<D::Reader>,
        writer: &mut Option<D::Writer>,
    ) -> Result<(), RadioError> {
        let (new_reader, mut new_writer) = self.device.open()?;
        write_whole(&mut new_writer, &self.greeting)
            .1
            .map_err(|error| {
                let text = format!("{} takes nothing: {error}", self.device.name());
                RadioError::new(ErrorKind::Unavailable, text)
            })?;
        (reader.stream, *writer) = (Some(new_reader), Some(new_writer));
        reader.opened += 1;
        *lock(&self.retry) = Retry::at_once();
        self.opened.notify_all();
        Ok(())
    }

    /// Opens the lost stream if it is time to; else, and where that fails, gives
    /// the time of the next try.
    fn reopen(
        &self,
        reader: &mut Reading<D::Reader>,
        writer: &mut Option<D::Writer>,
    ) -> Option<Instant> {
        let next = lock(&self.retry).next;
        if Instant::now() < next {
            return Some(next);
        }
        // The old stream must be closed first: a serial line has one owner.
        (reader.stream, *writer) = (None, None);
        match self.open_both(reader, writer) {
            Ok(()) => {
                log::info!("{} is there again", self.device.name());
                None
            }
            Err(error) => {
                log::debug!("{error}");
                let mut retry = lock(&self.retry);
                retry.next = Instant::now() + retry.pause;
                retry.pause = (retry.pause * 2).min(self.device.reopen_pause_max());
                Some(retry.next)
            }
        }
    }

    /// The stream failed, as found by the half that held it.
    fn lost(&self, error: &io::Error) -> RadioError {
        let error = self.failed(error);
        log::warn!("{error}; it will be opened again");
        let first = Retry::at_once();
        *lock(&self.retry) = Retry {
            next: first.next + first.pause,
            ..first
        };
        error
    }

    fn failed(&self, error: &io::Error) -> RadioError {
        let kind = match error.kind() {
            io::ErrorKind::TimedOut => ErrorKind::Timeout,
            _ => ErrorKind::Disconnected,
        };
        RadioError::new(kind, format!("{}: {error}", self.device.name()))
    }

    /// Waits until somebody opened the stream, at most until `until`.
    fn wait_opened(&self, until: Instant) {
        let pause = until.saturating_duration_since(Instant::now());
        // Woken too early, the caller looks and waits again.
        drop(self.opened.wait_timeout(lock(&self.retry), pause));
    }
}

struct StreamReceiver<D: StreamDevice> {
    shared: Arc<Shared<D>>,
    /// Which stream the last octets came from; `None` once its loss was told.
    heard_from: Option<u64>,
    chunk: Box<[u8]>,
}

impl<D: StreamDevice> RadioReceiver for StreamReceiver<D> {
    fn receive(&mut self, received: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        let shared = &self.shared;
        let deadline = Instant::now() + timeout;
        // The first wait is the same each time, which spares a socket the
        // setting of its timeout.
        let mut remaining = timeout;
        let mut reader = lock(&shared.reader);
        loop {
            let opened = reader.opened;
            let Some(stream) = reader.stream.as_mut() else {
                let next = shared.reopen(&mut reader, &mut lock(&shared.writer));
                remaining = deadline.saturating_duration_since(Instant::now());
                if let Some(next) = next {
                    if remaining.is_zero() {
                        return Ok(());
                    }
                    // The transmitter must not wait for us meanwhile.
                    drop(reader);
                    let pause = next.saturating_duration_since(Instant::now());
                    std::thread::sleep(remaining.min(pause));
                    reader = lock(&shared.reader);
                }
                continue;
            };
            // The transmitter may have found the loss, and opened it again.
            if self
                .heard_from
                .replace(opened)
                .is_some_and(|old| old != opened)
            {
                let error = io::Error::new(io::ErrorKind::ConnectionReset, "it was interrupted");
                return Err(shared.failed(&error));
            }
            let outcome = stream.read(&mut self.chunk, remaining);
            reader.read_at = Some(Instant::now());
            let failure = match outcome {
                Ok(0) => io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "it was closed by its other end",
                ),
                Ok(octets) => {
                    received.push(self.chunk.get(..octets).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if is_nothing_yet(&error) => {
                    let writer = shared.writer.try_lock();
                    if !writer.is_ok_and(|writer| writer.is_none()) {
                        return Ok(());
                    }
                    io::Error::new(io::ErrorKind::BrokenPipe, "it failed while sending")
                }
                Err(error) => error,
            };
            // A transmission that stalls would hold the lock.
            reader
                .stream
                .take()
                .iter_mut()
                .for_each(StreamReader::close);
            *lock(&shared.writer) = None;
            self.heard_from = None;
            return Err(shared.lost(&failure));
        }
    }
}

struct StreamTransmitter<D: StreamDevice> {
    shared: Arc<Shared<D>>,
}

impl<D: StreamDevice> StreamTransmitter<D> {
    /// Opens the lost stream, unless the receiver is there to do so.
    fn reopen_if_alone(&self) {
        let Ok(mut reader) = self.shared.reader.try_lock() else {
            return;
        };
        let is_away = reader
            .read_at
            .is_none_or(|read_at| read_at.elapsed() > RECEIVER_AWAY);
        if reader.stream.is_some() && !is_away {
            return;
        }
        let mut writer = lock(&self.shared.writer);
        if writer.is_none() {
            self.shared.reopen(&mut reader, &mut writer);
        }
    }

    fn is_open(&self) -> bool {
        lock(&self.shared.writer).is_some()
    }

    fn gone(&self) -> RadioError {
        let name = self.shared.device.name();
        let text = format!("{name} is gone: waiting for it to come back");
        RadioError::new(ErrorKind::Disconnected, text)
    }

    /// Sends octets; gives how many the stream took.
    fn send(&mut self, octets: &[u8]) -> (usize, Result<(), RadioError>) {
        let mut writer = lock(&self.shared.writer);
        let Some(open) = writer.as_mut() else {
            return (0, Err(self.gone()));
        };
        let (written, result) = write_whole(open, octets);
        let result = match result {
            Ok(()) => Ok(()),
            // It stalls: it is not gone.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(self.shared.failed(&error))
            }
            Err(error) => {
                open.close();
                *writer = None;
                Err(self.shared.lost(&error))
            }
        };
        (written, result)
    }
}

impl<D: StreamDevice> RadioTransmitter for StreamTransmitter<D> {
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        self.send(frame).1
    }

    fn credits(&mut self, timeout: Duration) -> Result<usize, RadioError> {
        let deadline = Instant::now() + timeout;
        loop {
            if self.is_open() {
                return Ok(1);
            }
            self.reopen_if_alone();
            if self.is_open() {
                return Ok(1);
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(self.gone());
            }
            let pause = Duration::from_millis(REOPEN_PAUSE_MIN_MS);
            self.shared.wait_opened(deadline.min(now + pause));
        }
    }

    fn transmit_all(&mut self, frames: &FrameBuffer) -> Result<usize, RadioError> {
        let (written, result) = self.send(frames.octets());
        let ends = frames.iter().scan(0, |end, frame| {
            *end += frame.len();
            Some(*end)
        });
        match (ends.take_while(|end| *end <= written).count(), result) {
            (0, Err(error)) => Err(error),
            (taken, _) => Ok(taken),
        }
    }
}

/// Writes all octets; `TimedOut` once the stream took none for
/// [`STREAM_STALL_TIMEOUT_MS`]. Gives how many it took.
fn write_whole(writer: &mut impl StreamWriter, octets: &[u8]) -> (usize, io::Result<()>) {
    let stall = Duration::from_millis(STREAM_STALL_TIMEOUT_MS);
    let mut taken = 0;
    let mut stalled_at = Instant::now() + stall;
    while let Some(rest) = octets.get(taken..).filter(|rest| !rest.is_empty()) {
        if Instant::now() >= stalled_at {
            let text = format!("it took no octet for {STREAM_STALL_TIMEOUT_MS} ms");
            return (taken, Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        match writer.write(rest, stall) {
            Ok(0) => return (taken, Err(io::ErrorKind::WriteZero.into())),
            Ok(written) => {
                taken += written;
                stalled_at = Instant::now() + stall;
            }
            Err(error) if is_nothing_yet(&error) => {}
            Err(error) => return (taken, Err(error)),
        }
    }
    (taken, Ok(()))
}

fn is_nothing_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// A thread that panicked has at most lost the octets it had in hand.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! From the queue to the file. An archive that cannot be written stops no link: what is lost by
//! that is counted, and the file is tried again.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use radio_hal::Deframed;
use radio_hal::channel::Direction;
use radio_hal::watch::Observer;

use super::queue::{QUEUE_FRAMES_MAX, Queue};
use super::{Account, Archive, ArchivedFrame, FRAMES_PER_REMOVAL};
use crate::config::GroundLinkConfig;
use crate::error::GroundError;

/// What is heard is on the disk after so long, and what is written at once.
pub(crate) const COMMIT_WITHIN: Duration = Duration::from_millis(500);
/// Between two attempts to open a file that did not open.
const OPEN_PAUSE: Duration = Duration::from_secs(10);
/// Between two looks for frames that are too old, and after one at which there were too many.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// The thread that writes the archive of a link. Dropped, it writes what waits.
pub(crate) struct ArchiveThread {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

/// Shown all frames of a radio, it gives those that come to the archive.
pub(crate) struct Tap(Arc<Queue>);

impl ArchiveThread {
    /// Of `link`; none where it has none. The file is opened once something is heard.
    pub(crate) fn start(link: &GroundLinkConfig) -> Result<Option<Self>, GroundError> {
        if link.archive.is_none() {
            return Ok(None);
        }
        let queue = Arc::new(Queue::new(QUEUE_FRAMES_MAX));
        let writer = Writer {
            queue: Arc::clone(&queue),
            link: link.clone(),
            archive: None,
            failed_at: None,
            owed: Account::default(),
        };
        let thread = thread::Builder::new().name("archive".to_owned());
        let thread = thread.spawn(move || writer.run());
        let thread = thread.map_err(|error| GroundError::System {
            what: "a thread",
            problem: error.to_string(),
        })?;
        Ok(Some(ArchiveThread {
            queue,
            thread: Some(thread),
        }))
    }

    pub(crate) fn tap(&self) -> Tap {
        Tap(Arc::clone(&self.queue))
    }
}

impl Drop for ArchiveThread {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Observer for Tap {
    fn observe(&mut self, direction: Direction, deframed: Deframed<'_>) {
        // Where not even the borders were right, there was no frame.
        if direction != Direction::Receive || deframed.frame.is_empty() {
            return;
        }
        let (octets, refused) = match deframed.packet {
            Ok(packet) => (packet, None),
            Err(reason) => (deframed.frame, Some(reason.as_str())),
        };
        self.0.give(ArchivedFrame {
            at: now(),
            octets: octets.to_vec(),
            refused,
        });
    }
}

/// UTC since 1970, as the clock of this machine has it.
fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

struct Writer {
    queue: Arc<Queue>,
    link: GroundLinkConfig,
    archive: Option<Archive>,
    /// When the file was not to be opened.
    failed_at: Option<Instant>,
    /// What is to be noted of frames that were heard.
    owed: Account,
}

impl Writer {
    fn run(mut self) {
        let mut next_look = Instant::now();
        let mut written = 0;
        while let Some(taken) = self.queue.take(COMMIT_WITHIN) {
            self.owed.heard += taken.heard;
            self.owed.queue_full += taken.full;
            if taken.full > 0 {
                log::warn!(
                    "{} frames are not archived: the disk is too slow",
                    taken.full
                );
            }
            self.write(&taken.frames);
            written += taken.frames.len() as u64;
            if Instant::now() >= next_look {
                self.remove_surplus(written);
                written = 0;
                next_look = Instant::now() + LOOK_PAUSE;
            }
        }
    }

    fn write(&mut self, frames: &[ArchivedFrame]) {
        let owed = self.owed;
        let written = match self.open() {
            None => Err(None),
            Some(archive) => archive.store(frames, owed).map_err(Some),
        };
        match written {
            Ok(()) => self.owed = Account::default(),
            Err(error) => {
                let lost = frames.len() as u64;
                self.owed.storage_failed += lost;
                if let Some(error) = error {
                    log::error!("{lost} frames are not archived: {error}");
                }
            }
        }
    }

    /// The archive, if it opens.
    fn open(&mut self) -> Option<&mut Archive> {
        let rests = self.failed_at.is_some_and(|at| at.elapsed() < OPEN_PAUSE);
        if self.archive.is_none() && !rests {
            match Archive::open(&self.link) {
                Ok(archive) => self.archive = Some(archive),
                Err(error) => {
                    log::error!("nothing is archived: {error}");
                    self.failed_at = Some(Instant::now());
                }
            }
        }
        self.archive.as_mut()
    }

    /// Of what is too much, all; or, where frames wait, as many as were written.
    fn remove_surplus(&mut self, written: u64) {
        let queue = Arc::clone(&self.queue);
        let Some(archive) = &mut self.archive else {
            return;
        };
        let mut removed = 0;
        while removed < written || !queue.is_urgent() {
            match archive.remove_surplus(now()) {
                Ok(true) => removed += u64::from(FRAMES_PER_REMOVAL),
                Ok(false) => return,
                Err(error) => {
                    log::warn!("old frames are not removed: {error}");
                    return;
                }
            }
        }
    }
}

//! The thread that delivers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use delivery_receipt::SigningKey;
use file_delivery::setup::FileSettings;
use jiff::Timestamp;

use super::deliverer::{Deliverer, Ground, Parts};
use super::journal::Journal;
use super::step::unwatched;
use super::{APP, DEAD_FOLDER, DeliverySettings, PlaceSettings, place, status};

/// Between two looks at what has come.
const ROUND: Duration = Duration::from_millis(300);
/// Receipts on their way up at once. The files' end remembers twice as many that ended.
const RECEIPTS_MAX: usize = 128;

/// What the thread begins with.
pub(crate) struct Beginning<'b> {
    pub(crate) settings: &'b DeliverySettings,
    pub(crate) satellite: &'b str,
    pub(crate) files: &'b FileSettings,
    pub(crate) ground: Arc<dyn Ground>,
}

/// Delivers until it is dropped; then it leaves what it has begun to the next process.
#[derive(Debug)]
pub(crate) struct DeliveryThread {
    is_stopping: Arc<AtomicBool>,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl DeliveryThread {
    /// # Errors
    /// What the settings name cannot be used, in words for the operator.
    pub(crate) fn start(beginning: &Beginning) -> Result<Self, String> {
        let is_stopping = Arc::new(AtomicBool::new(false));
        let mut deliverer = Deliverer::new(parts(beginning, &is_stopping)?);
        let (end, ended) = bounded(0);
        let thread = thread::Builder::new()
            .name("delivery".to_owned())
            .spawn(move || run(&mut deliverer, &ended))
            .map_err(|error| format!("no thread: {error}"))?;
        Ok(DeliveryThread {
            is_stopping,
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for DeliveryThread {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn parts(beginning: &Beginning, is_stopping: &Arc<AtomicBool>) -> Result<Parts, String> {
    let Beginning {
        settings,
        satellite,
        files,
        ground,
    } = beginning;
    let at_step = unwatched();
    let open = |settings: &PlaceSettings| place::open(settings, is_stopping, &at_step);
    let mut places = vec![open(&settings.place()?)?];
    let mut topics = BTreeMap::new();
    for (topic, of_topic) in settings.places()? {
        topics.insert(topic, places.len());
        places.push(open(&of_topic)?);
    }
    let signing = settings.receipt_key_file.as_deref();
    let signing = signing.map(SigningKey::read).transpose();
    let beside = |ending: &str| files.journal.with_extension(ending);
    Ok(Parts {
        satellite: (*satellite).to_owned(),
        arrived: files.root.join(APP),
        dead: files.root.join(DEAD_FOLDER),
        receipts: beside("receipts"),
        bytes_max: files.file_bytes_max,
        template: settings.template()?,
        places,
        topics,
        signing: signing.map_err(|error| format!("`receipt-key-file`: {error}"))?,
        // The rest is for what people put.
        receipts_max: RECEIPTS_MAX.min(files.transactions_max.div_ceil(2)),
        manifest_seconds: i64::from(settings.manifest_minutes) * 60,
        journal: Journal::open(&journal(&files.journal))?,
        status: status::path(&files.journal),
        ground: Arc::clone(ground),
        at_step,
    })
}

/// Beside that of the files.
fn journal(of_files: &Path) -> PathBuf {
    of_files.with_extension("delivery.redb")
}

fn run(deliverer: &mut Deliverer, ended: &Receiver<()>) {
    loop {
        deliverer.round(Timestamp::now());
        match ended.recv_timeout(ROUND) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return,
        }
    }
}

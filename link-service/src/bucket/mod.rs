//! Inboxes and outboxes that are in a bucket of an S3-compatible store, so that apps of other
//! machines have them without a share.
//!
//! ```text
//! PREFIX/APP/inbox/SUBDIRECTORY/NAME            what came to the app
//! PREFIX/APP/inbox/SUBDIRECTORY/S.R.batch/…     the files of a batch, and last `batch.json`
//! PREFIX/APP/outbox/SUBDIRECTORY/NAME           what it sends
//! PREFIX/APP/outbox/NAME.linkrequest.json       the request, put there last
//! PREFIX/APP/receipts/NAME.linkresponse.json    how that ended
//! ```
//!
//! - **To an inbox**, a leg goes as by a link: the desk has claimed the files, and they are put
//!   under their keys from where they are. An object appears as a whole.
//! - **From an outbox**, one node fetches a file into the app's directory, hands the request
//!   in, and answers once it has ended.
//!
//! An object carries whose it is, so that one that was put before a crash is found to be ours,
//! and is not put twice.
//!
//! Each bucket has a thread, with a runtime of its own: the library of the store wants one.

mod counts;
mod delivery;
mod fetch;
mod identity;
mod keys;
mod note;
mod outbox;
mod refused;
mod request;
mod upload;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bucket_store::Bucket;
use bucket_store::object_store::ObjectStore;
use bucket_store::object_store::multipart::MultipartStore;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

pub use counts::{BucketCounter, BucketCounts};

use crate::desk::Desk;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::names::AppId;
use crate::queue::Route;
use outbox::Outboxes;

/// When the service stops: for uploads to take back what they have begun.
const STOP_TIME: Duration = Duration::from_secs(3);

/// A store that can do what is wanted of it here.
pub trait Store: ObjectStore + MultipartStore {}

impl<S: ObjectStore + MultipartStore> Store for S {}

/// Limits of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketLimits {
    /// Octets of a part. A file that is not larger goes as a whole; of each that is on its
    /// way, so much is in memory.
    pub part_bytes: usize,
    /// Between two looks at what is to go and what has ended.
    pub look: Duration,
    /// From one look at an outbox to the next.
    pub poll: Duration,
    /// Octets of a request.
    pub request_bytes_max: u64,
    /// Requests of one app that are under way; more wait in its outbox.
    pub requests_max: usize,
    /// Keys of an outbox that are looked at in one look; the next begins behind them.
    pub keys_max: usize,
}

impl Default for BucketLimits {
    fn default() -> Self {
        BucketLimits {
            part_bytes: 8 << 20,
            look: Duration::from_millis(100),
            poll: Duration::from_secs(5),
            request_bytes_max: 64 << 10,
            requests_max: 1024,
            keys_max: 16_384,
        }
    }
}

/// The thread of a bucket. Dropped, it ends; what is under way goes on with the next.
#[derive(Debug)]
pub struct BucketThread {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    counter: BucketCounter,
}

impl BucketThread {
    /// Starts the thread of the bucket that apps know as `name`.
    ///
    /// # Errors
    /// When the system has no thread.
    pub fn start<F, J, S>(
        desk: Arc<Desk<F, J>>,
        name: AppId,
        bucket: Bucket<S>,
        limits: BucketLimits,
    ) -> io::Result<Self>
    where
        F: Folders + 'static,
        J: Journal + 'static,
        S: Store,
    {
        let (end, ended) = oneshot::channel();
        let counter = BucketCounter::default();
        let shared = Shared {
            desk,
            route: Route::Bucket(name.clone()),
            name: name.clone(),
            bucket,
            limits,
            counter: counter.clone(),
            is_stopping: Cell::new(false),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::Builder::new()
            .name(format!("bucket-{name}"))
            .spawn(move || {
                let tasks = LocalSet::new();
                tasks.block_on(&runtime, run(Rc::new(shared), ended));
                // A name that is looked up is not waited for.
                runtime.shutdown_background();
            })?;
        Ok(BucketThread {
            end: Some(end),
            thread: Some(thread),
            counter,
        })
    }

    /// What became of files and requests.
    #[must_use]
    pub fn counter(&self) -> BucketCounter {
        self.counter.clone()
    }
}

impl Drop for BucketThread {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It told of a panic itself.
            let _ = thread.join();
        }
    }
}

/// What all tasks of the thread know.
struct Shared<F: Folders, J: Journal, S> {
    desk: Arc<Desk<F, J>>,
    name: AppId,
    route: Route,
    bucket: Bucket<S>,
    limits: BucketLimits,
    counter: BucketCounter,
    is_stopping: Cell<bool>,
}

async fn run<F, J, S>(shared: Rc<Shared<F, J, S>>, ended: oneshot::Receiver<()>)
where
    F: Folders + 'static,
    J: Journal + 'static,
    S: Store,
{
    let outboxes = Outboxes::new(Rc::clone(&shared));
    let polls = tokio::task::spawn_local(outboxes.run());
    let legs = tokio::task::spawn_local(carry(Rc::clone(&shared)));
    // Dropped, as the service stops.
    let _ = ended.await;
    shared.is_stopping.set(true);
    polls.abort();
    // What is not over by then, the next start takes up.
    let _ = timeout(STOP_TIME, legs).await;
}

/// Takes legs from the desk, as many at once as that gives.
async fn carry<F, J, S>(shared: Rc<Shared<F, J, S>>)
where
    F: Folders + 'static,
    J: Journal + 'static,
    S: Store,
{
    let mut under_way = BTreeMap::new();
    loop {
        while !shared.is_stopping.get()
            && let Some(errand) = shared.desk.next_errand(&shared.route)
        {
            let id = errand.transfer.id;
            let of_leg = Rc::clone(&shared);
            let leg = tokio::task::spawn_local(async move { of_leg.carry(errand).await });
            under_way.insert(id, leg);
        }
        under_way.retain(|_, leg| !leg.is_finished());
        if shared.is_stopping.get() && under_way.is_empty() {
            return;
        }
        sleep(shared.limits.look).await;
    }
}

//! What is waited for: each request by its correlation id, and by what tells of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use payload_interface::Callback;
use tokio::sync::oneshot;

type Waiting = BTreeMap<(&'static str, i32), oneshot::Sender<Callback>>;

/// All that is waited for.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    waiting: Arc<Mutex<Waiting>>,
    last: AtomicU16,
}

/// One that is waited for. Dropped, it is not any more.
#[derive(Debug)]
pub(crate) struct Awaited {
    waiting: Arc<Mutex<Waiting>>,
    key: (&'static str, i32),
    told: oneshot::Receiver<Callback>,
}

impl Answers {
    /// Waits for that callback. None, where all ids are taken.
    pub(crate) fn wait_for(&self, rpc: &'static str) -> Option<Awaited> {
        let mut waiting = locked(&self.waiting);
        let id = (0..u16::MAX).find_map(|_| {
            let id = i32::from(self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
            let is_free = id != 0 && !waiting.contains_key(&(rpc, id));
            is_free.then_some(id)
        })?;
        let (tell, told) = oneshot::channel();
        waiting.insert((rpc, id), tell);
        Some(Awaited {
            waiting: Arc::clone(&self.waiting),
            key: (rpc, id),
            told,
        })
    }

    /// It is told. False, where nobody waits for it.
    pub(crate) fn tell(&self, id: i32, callback: Callback) -> bool {
        let waiting = locked(&self.waiting).remove(&(callback.rpc(), id));
        waiting.is_some_and(|tell| tell.send(callback).is_ok())
    }
}

impl Awaited {
    pub(crate) fn id(&self) -> i32 {
        self.key.1
    }

    /// Once it is told; never, if it is not.
    pub(crate) async fn told(&mut self) -> Option<Callback> {
        (&mut self.told).await.ok()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        locked(&self.waiting).remove(&self.key);
    }
}

fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

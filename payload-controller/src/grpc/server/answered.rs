//! When an answer has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Frame;
use tokio::runtime::Handle;

use crate::grpc::front::{Answered, Front, GrpcEvent};

/// Tells, when it is dropped, that an app has its answer, or will not have it. It goes with
/// the answer until there is nothing more of it to be sent.
#[derive(Clone)]
pub(super) struct Tells(Arc<Telling>);

struct Telling {
    front: Arc<dyn Front>,
    answered: Answered,
    lead: Duration,
    is_whole: AtomicBool,
    is_forgotten: AtomicBool,
}

impl Tells {
    /// Of a call that was handed on; `answered` says that it did not leave whole.
    pub(super) fn new(front: Arc<dyn Front>, answered: Answered, lead: Duration) -> Self {
        Tells(Arc::new(Telling {
            front,
            answered,
            lead,
            is_whole: AtomicBool::new(false),
            is_forgotten: AtomicBool::new(false),
        }))
    }

    /// Nobody wants to be told.
    pub(super) fn forget(self) {
        self.0.is_forgotten.store(true, Ordering::Relaxed);
    }

    /// The last of an answer is where it is written out from.
    pub(super) fn watch<T>(&self, frame: Frame<T>) -> Frame<T> {
        if frame.is_trailers() {
            self.0.is_whole.store(true, Ordering::Relaxed);
        }
        frame
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if self.is_forgotten.load(Ordering::Relaxed) {
            return;
        }
        let mut answered = self.answered.clone();
        answered.is_whole = self.is_whole.load(Ordering::Relaxed);
        let (front, lead) = (Arc::clone(&self.front), self.lead);
        // Outside of a runtime, it is being stopped: nothing is called any more.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if answered.is_whole {
                    tokio::time::sleep(lead).await;
                }
                front.event(GrpcEvent::Answered(answered));
            });
        }
    }
}

//! What waits for the disk or a satellite does so on a thread of its own, and only so many at
//! once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::refusal::Refusal;
use crate::tasking::limits::REQUEST_TIMEOUT;
use crate::tasking::problem::Problem;

/// Places for what may wait.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Semaphore>);

/// A place that is taken.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Places(Arc::new(Semaphore::new(count)))
    }

    /// One that is free, or gets free in time.
    pub(super) async fn take(&self) -> Result<Place, Refusal> {
        let place = Arc::clone(&self.0).acquire_owned();
        match tokio::time::timeout(REQUEST_TIMEOUT, place).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            Ok(Err(_)) => Err(stopping()),
            Err(_) => Err(busy()),
        }
    }

    /// One that is free now.
    pub(super) fn take_now(&self) -> Result<Place, Refusal> {
        let place = Arc::clone(&self.0).try_acquire_owned();
        place
            .map(|permit| Place { _permit: permit })
            .map_err(|_| busy())
    }

    /// Runs it as soon as there is a place. Whoever asked may go away meanwhile: it is done.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        run: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = self.take().await?;
        match tokio::time::timeout(REQUEST_TIMEOUT, place.run(run)).await {
            Ok((done, _)) => done,
            Err(_) => {
                let detail = "no answer in time; what was asked for may still be done";
                Err(Problem::busy(detail, 5).into())
            }
        }
    }
}

impl Place {
    /// Runs it here; gives the place back for more.
    pub(super) async fn run<T: Send + 'static>(
        self,
        run: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> (Result<T, Refusal>, Option<Place>) {
        let ran = spawn_blocking(move || (run(), self)).await;
        match ran {
            Ok((done, place)) => (done.map_err(Refusal::from), Some(place)),
            Err(error) if error.is_panic() => {
                log::error!("a request of the tasking API panicked");
                (Err(Problem::failed().into()), None)
            }
            Err(_) => (Err(stopping()), None),
        }
    }
}

fn busy() -> Refusal {
    let detail = "as many requests are under way as there may be";
    Problem::busy(detail, 1).into()
}

fn stopping() -> Refusal {
    Problem::busy("the ground is stopping", 5).into()
}

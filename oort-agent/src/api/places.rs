//! What waits for the disk, does so on a thread of its own, and only so many at once.

use std::sync::Arc;

use service_host::http::axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::refusal::Refusal;
use crate::limits::REQUEST_TIMEOUT;

/// Places for what may wait.
#[derive(Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Places(Arc::new(Semaphore::new(count)))
    }

    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = Arc::clone(&self.0).acquire_owned().await;
        place.map_err(|_| stopping())
    }

    /// One that is free now.
    pub(super) fn try_take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }

    /// Runs it as soon as there is a place. Whoever asked may go away meanwhile: it is done.
    pub(super) async fn run<T, E>(
        &self,
        run: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, Refusal>
    where
        T: Send + 'static,
        E: Into<Refusal> + Send + 'static,
    {
        let place = self.take().await?;
        let ran = spawn_blocking(move || {
            let _place = place;
            run()
        });
        match tokio::time::timeout(REQUEST_TIMEOUT, ran).await {
            Ok(Ok(done)) => done.map_err(Into::into),
            Ok(Err(error)) if error.is_panic() => {
                let text = "the agent failed while answering; see its log";
                Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text))
            }
            Ok(Err(_)) => Err(stopping()),
            Err(_) => {
                let text = "no answer in time; what was asked for may still happen";
                Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, text))
            }
        }
    }
}

fn stopping() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping").for_now()
}

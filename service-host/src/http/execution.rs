//! Running the service's functions off the thread that serves the sockets.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::error_document::Refusal;

/// Places for functions that may block. There is one thread per place, so a
/// function with a place never waits for a thread.
#[derive(Clone)]
pub(super) struct Places {
    places: Arc<Semaphore>,
    /// How long a function may take, the wait for its place included.
    timeout: Duration,
}

impl Places {
    pub(super) fn new(count: usize, timeout: Duration) -> Self {
        Self {
            places: Arc::new(Semaphore::new(count)),
            timeout,
        }
    }

    /// Runs `function` on a thread of its own as soon as there is a place.
    /// When this future is dropped while waiting, the function never runs.
    pub(super) async fn run<T, F>(&self, function: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let places = Arc::clone(&self.places);
        let run = async move {
            let Ok(place) = places.acquire_owned().await else {
                return Err(stopping());
            };
            spawn_blocking(move || {
                // The place is held by the function itself, not by the request:
                // a client that goes away does not make its thread free.
                let _place = place;
                function()
            })
            .await
            .map_err(|error| {
                if error.is_panic() {
                    log::error!("a GraphQL resolver or the metrics page panicked");
                    Refusal::new(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "the service failed while answering; see its log",
                    )
                } else {
                    stopping()
                }
            })
        };
        let answered = tokio::time::timeout(self.timeout, run).await;
        answered.unwrap_or_else(|_| {
            Err(Refusal::new(
                StatusCode::GATEWAY_TIMEOUT,
                format!(
                    "no answer within {} s; what the query asked for may still happen",
                    self.timeout.as_secs_f64()
                ),
            ))
        })
    }
}

fn stopping() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping")
}

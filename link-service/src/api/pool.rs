//! Threads for what waits for the disk: the server has one for all connections.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, TrySendError, bounded};
use tokio::sync::oneshot;

/// What waits for a thread at most; further ones are to try again later.
const WAITING_MAX: usize = 256;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. Dropped, they end once they have done what they have.
#[derive(Debug)]
pub struct Pool {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// Why something was not done, or is not known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Busy {
    /// Too much waits already: nothing has become of it.
    #[error("too many requests at once: try again later")]
    Full,
    /// It failed on its way.
    #[error("the service failed while answering; see its log")]
    Failed,
}

impl Pool {
    /// So many threads.
    ///
    /// # Errors
    /// When the system has no thread.
    pub fn start(count: usize) -> io::Result<Pool> {
        let (jobs, waiting) = bounded::<Job>(WAITING_MAX);
        let mut pool = Pool {
            jobs: Some(jobs),
            threads: Vec::with_capacity(count),
        };
        for number in 0..count {
            let waiting = waiting.clone();
            let thread = thread::Builder::new()
                .name(format!("link-api-{number}"))
                .spawn(move || {
                    for job in waiting {
                        if catch_unwind(AssertUnwindSafe(job)).is_err() {
                            log::error!("a request ended in a panic");
                        }
                    }
                })?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// What `function` gives, on one of the threads. It does not run if nobody waits for it
    /// any more.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn run<T: Send + 'static>(
        &self,
        function: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move || {
            if !tell.is_closed() {
                // Who has gone meanwhile, does not want to know.
                let _ = tell.send(function());
            }
        });
        let jobs = self.jobs.as_ref().ok_or(Busy::Failed)?;
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Busy::Full,
            TrySendError::Disconnected(_) => Busy::Failed,
        })?;
        told.await.map_err(|_| Busy::Failed)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            // It told of a panic itself.
            let _ = thread.join();
        }
    }
}

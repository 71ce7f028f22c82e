//! The threads that execute queries: all there from the start on, so that what the
//! service takes of the machine does not depend on what it is asked.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// As long as the runtime keeps a thread that has nothing to do: for ever.
const KEEP_ALIVE: Duration = Duration::from_secs(u32::MAX as u64);

/// How long the first threads wait for the last. Where the system gives no more of
/// them, those that are there do the work.
const GATHERING_MAX: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Gathering {
    here: Mutex<usize>,
    another: Condvar,
}

/// Starts `count` threads of `runtime`. It starts one for what no thread is free to
/// do, so each is held until all are there.
pub(super) fn start(runtime: &Runtime, count: usize) {
    let gathering = Arc::new(Gathering::default());
    for _ in 0..count {
        let gathering = Arc::clone(&gathering);
        runtime.spawn_blocking(move || gathering.join(count));
    }
}

/// Lets `builder` have at most `count` such threads, which stay.
pub(super) fn limit(builder: &mut Builder, count: usize) -> &mut Builder {
    builder
        .max_blocking_threads(count)
        .thread_keep_alive(KEEP_ALIVE)
        .thread_name("graphql-execute")
}

impl Gathering {
    fn join(&self, count: usize) {
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        *here += 1;
        self.another.notify_all();
        let waited = self
            .another
            .wait_timeout_while(here, GATHERING_MAX, |here| *here < count);
        drop(waited);
    }
}

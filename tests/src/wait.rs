//! Waiting for a condition that nothing signals.

use std::thread;
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Asks `condition` again and again until it gives something, and panics when
/// that has not happened within `timeout`.
#[track_caller]
pub fn eventually<T>(timeout: Duration, condition: impl FnMut() -> Option<T>) -> T {
    match within(timeout, condition) {
        Some(value) => value,
        None => panic!("the condition did not come true within {timeout:?}"),
    }
}

/// Asks `condition` again and again until it gives something; `None` when that
/// has not happened within `timeout`. It is asked at least once.
pub fn within<T>(timeout: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + timeout;
    loop {
        // Taken before asking: whatever is true at the deadline is still seen.
        let last = Instant::now() >= deadline;
        let answer = condition();
        if answer.is_some() || last {
            return answer;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

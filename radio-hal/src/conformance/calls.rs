//! The driver's calls that are under way, so that one that hangs is noticed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::rule::Rule;
use super::violation::Violation;

/// How much longer than its timeout any call may take before it counts as hung.
/// A stalled stream takes [`STREAM_STALL_TIMEOUT_MS`](crate::stream) as a rule.
const HANG: Duration = Duration::from_secs(6);

/// The calls of a driver that are under way; one of each kind at most.
#[derive(Default)]
pub(super) struct Calls(Mutex<Vec<Call>>);

#[derive(Clone, Copy)]
struct Call {
    name: &'static str,
    rule: Rule,
    started: Instant,
    timeout: Duration,
}

impl Calls {
    /// Calls the driver; a panic is a broken rule.
    pub(super) fn call<R>(
        &self,
        name: &'static str,
        rule: Rule,
        timeout: Duration,
        driver: impl FnOnce() -> R,
    ) -> Result<R, Violation> {
        let call = Call {
            name,
            rule,
            started: Instant::now(),
            timeout,
        };
        self.with(|calls| calls.push(call));
        let outcome = catch_unwind(AssertUnwindSafe(driver));
        self.with(|calls| calls.retain(|call| call.name != name));
        outcome.map_err(|panic| {
            let text = panic_text(panic.as_ref());
            Violation::here(format!("`{name}` returns"), format!("it panicked: {text}"))
                .of(Rule::NeverPanics)
        })
    }

    /// For how long the call of this name has been under way.
    pub(super) fn under_way(&self, name: &str) -> Option<Duration> {
        self.with(|calls| {
            let call = calls.iter().find(|call| call.name == name)?;
            Some(call.started.elapsed())
        })
    }

    /// The rule broken by a call that hangs.
    pub(super) fn hung(&self) -> Option<Violation> {
        self.with(|calls| {
            calls.iter().find_map(|call| {
                let elapsed = call.started.elapsed();
                (elapsed > call.timeout + HANG).then(|| {
                    Violation::here(
                        match call.timeout.is_zero() {
                            true => format!("`{}` returns", call.name),
                            false => format!("`{}` returns after {:?}", call.name, call.timeout),
                        },
                        format!("it has not returned after {} s", elapsed.as_secs()),
                    )
                    .of(call.rule)
                })
            })
        })
    }

    fn with<R>(&self, look: impl FnOnce(&mut Vec<Call>) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a text")
}

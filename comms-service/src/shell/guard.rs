//! The guard around every thread: a panic in our own code or in a mission's
//! packet format is told and outlived, so that no thread ends unseen.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::Shell;
use super::back_off::{BackOff, PAUSE_MAX};
use super::stop::Stop;

/// A panic inside the engine, which has noted and accounted for it already.
pub(super) struct EngineFault(pub(super) String);

/// Runs the loop of a thread until it ends of itself. After a panic it runs
/// anew, unless `stop` was asked for.
pub(super) fn keep_running(shell: &Shell, stop: &Stop, thread: &str, mut run: impl FnMut()) {
    let mut back_off = BackOff::new();
    loop {
        let began = Instant::now();
        let Err(panic) = catch_unwind(AssertUnwindSafe(&mut run)) else {
            return;
        };
        match panic.downcast_ref::<EngineFault>() {
            Some(EngineFault(text)) => log::error!("thread {thread}, in the engine: {text}"),
            None => {
                let text = format!("thread {thread}: {}", panic_text(&*panic));
                log::error!("{text}");
                shell.with(|link, _| link.handle_panic(&text));
            }
        }
        if began.elapsed() > PAUSE_MAX {
            back_off.reset();
        }
        if !back_off.pause(stop) {
            return;
        }
    }
}

/// What a panic says.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("it panicked: {}", text.unwrap_or_default())
}

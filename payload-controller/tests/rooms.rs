//! What is around the core: the journal, the thread, files, processes, the configuration.

#[path = "rooms/files.rs"]
mod files;
#[path = "rooms/journal.rs"]
mod journal;
#[path = "rooms/large_files.rs"]
mod large_files;
#[path = "rooms/processes.rs"]
mod processes;
#[path = "rooms/settings.rs"]
mod settings;
#[path = "rooms/shell.rs"]
mod shell;

use std::time::{Duration, Instant};

/// Waits until it is so; what is waited for takes no time of its own.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

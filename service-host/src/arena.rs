//! One arena of the allocator for all threads.
//!
//! glibc gives nearly each thread an arena of its own, and what is freed in one stays
//! there for the threads that have it. The threads of a service hand octets on to each
//! other, so each arena would come to be as large as its largest load ever was. Of a
//! single arena, what one thread lets go another takes; and they allocate too little to
//! wait for each other at it.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// How many arenas there may be. glibc reads it before `main`.
const ARENAS_MAX: &str = "MALLOC_ARENA_MAX";
/// Says that it was tried: of programs with capabilities of their own the loader takes
/// [`ARENAS_MAX`] away, and they would start for ever.
const TRIED: &str = "HELIOGRAPH_ONE_ARENA";

/// Lets the process have a single arena: starts its program once more in its own place,
/// with the same arguments and the same process id, unless the environment already says
/// how many there are. To be called at the very beginning of `main`.
///
/// Where that does not go, the program goes on as it is, and takes more memory.
pub fn have_one() {
    let is_set = |name| env::var_os(name).is_some();
    if !cfg!(target_env = "gnu") || is_set(ARENAS_MAX) || is_set(TRIED) {
        return;
    }
    let mut arguments = env::args_os();
    if let (Ok(program), Some(name)) = (env::current_exe(), arguments.next()) {
        let mut again = Command::new(program);
        again.arg0(name).args(arguments);
        again.env(ARENAS_MAX, "1").env(TRIED, "1");
        // It comes back only with an error.
        let _ = again.exec();
    }
}

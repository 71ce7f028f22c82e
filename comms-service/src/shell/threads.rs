//! The threads of one service: started by name, ended within a bound.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::stop::Stop;
use super::{Shell, guard};
use crate::accounting::Statistics;

/// Stack of threads that run a user's `read` or `write`: what std gives, too.
pub(crate) const USER_STACK_BYTES: usize = 2 * 1024 * 1024;
/// Stack of threads that run only our own code.
pub(crate) const OWN_STACK_BYTES: usize = 256 * 1024;

thread_local! {
    static IS_OF_LINK: Cell<bool> = const { Cell::new(false) };
}

/// Whether the thread that asks is one of a link's, and not of who uses it.
pub(super) fn is_of_link() -> bool {
    IS_OF_LINK.get()
}

/// Threads that stop together.
pub(crate) struct Threads {
    shell: Arc<Shell>,
    stop: fn(&Shell) -> &Stop,
    running: Vec<(String, JoinHandle<()>)>,
    ended_sender: Sender<usize>,
    ended: Receiver<usize>,
}

/// How a service ended.
#[derive(Clone, Debug)]
pub struct ShutdownReport {
    /// Threads that were still inside a user's `read` or `write`, or waited for one
    /// that was, when the time was over. They end when that function returns.
    pub detached: Vec<String>,
    /// The last accounts.
    pub statistics: Statistics,
}

/// Tells that a thread ended, however it ended.
struct Ended(Sender<usize>, usize);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

impl Threads {
    /// No threads yet; `stop` tells those to come when to end.
    pub(super) fn new(shell: &Arc<Shell>, stop: fn(&Shell) -> &Stop) -> Self {
        let (ended_sender, ended) = unbounded();
        Threads {
            shell: Arc::clone(shell),
            stop,
            running: Vec::new(),
            ended_sender,
            ended,
        }
    }

    /// Starts a thread. `run` is its whole loop; it is called again only after
    /// it panicked.
    pub(crate) fn spawn(
        &mut self,
        name: &str,
        stack_bytes: usize,
        run: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        let ended = Ended(self.ended_sender.clone(), self.running.len());
        let (shell, stop, own_name) = (Arc::clone(&self.shell), self.stop, name.to_string());
        let builder = std::thread::Builder::new().name(name.to_string());
        let handle = builder.stack_size(stack_bytes).spawn(move || {
            let _ended = ended;
            IS_OF_LINK.set(true);
            guard::keep_running(&shell, stop(&shell), &own_name, run);
        })?;
        self.running.push((name.to_string(), handle));
        Ok(())
    }

    /// Joins the threads that end before `deadline` (all of them, without one);
    /// names the others.
    pub(super) fn join(self, deadline: Option<Instant>) -> Vec<String> {
        let mut ended = vec![false; self.running.len()];
        while ended.contains(&false) {
            let next = match deadline {
                Some(deadline) => self.ended.recv_deadline(deadline).ok(),
                None => self.ended.recv().ok(),
            };
            match next.and_then(|index| ended.get_mut(index)) {
                Some(ended) => *ended = true,
                None => break,
            }
        }
        let mut detached = Vec::new();
        for ((name, handle), ended) in self.running.into_iter().zip(ended) {
            if ended {
                // It told so in its last moment: this waits no longer than that.
                let _ = handle.join();
            } else {
                detached.push(name);
            }
        }
        detached
    }
}

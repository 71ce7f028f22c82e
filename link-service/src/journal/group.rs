//! Group commit: a thread commits, and each time all that was handed in meanwhile. So whoever
//! wants something kept may do something else until it is, and many wait for the disk once.

use std::fmt;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

/// Changes that wait to be committed, and the thread that commits them. Dropped, it commits
/// what waits.
pub(super) struct Group<C, E> {
    shared: Arc<Shared<C, E>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<C, E> {
    state: Mutex<State<C, E>>,
    /// Somebody waits for a commit, or it is the last.
    wanted: Condvar,
    committed: Condvar,
}

struct State<C, E> {
    waiting: Vec<Waiting<C, E>>,
    is_wanted: bool,
    is_last: bool,
}

struct Waiting<C, E> {
    /// None for whoever only waits.
    change: Option<C>,
    /// Nobody waits for it where there is none.
    outcome: Option<Outcome<E>>,
}

type Outcome<E> = Arc<OnceLock<Result<(), E>>>;

/// Something that somebody waits for.
pub(super) struct Handed<E>(Outcome<E>);

impl<C: Send + 'static, E: Clone + Send + Sync + 'static> Group<C, E> {
    /// With a thread that calls `commit`. Those whose change is `lost`, as that panicked, hear
    /// so.
    ///
    /// # Errors
    /// When the system has no thread.
    pub(super) fn start(
        lost: E,
        commit: impl Fn(&[C]) -> Result<(), E> + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: Vec::new(),
                is_wanted: false,
                is_last: false,
            }),
            wanted: Condvar::new(),
            committed: Condvar::new(),
        });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("link-journal".to_owned())
            .spawn(move || {
                while let Some(batch) = of_thread.next() {
                    let (changes, outcomes): (Vec<_>, Vec<_>) = batch
                        .into_iter()
                        .map(|waiting| (waiting.change, waiting.outcome))
                        .unzip();
                    let changes: Vec<C> = changes.into_iter().flatten().collect();
                    let committed = catch_unwind(AssertUnwindSafe(|| match changes.is_empty() {
                        true => Ok(()),
                        false => commit(&changes),
                    }));
                    let committed = committed.unwrap_or_else(|_| Err(lost.clone()));
                    of_thread.tell(outcomes.into_iter().flatten(), &committed);
                }
            })?;
        Ok(Group {
            shared,
            thread: Some(thread),
        })
    }

    /// Hands in a change, which is being committed from now on and is to be
    /// [waited](Self::wait) for.
    pub(super) fn hand_in(&self, change: C) -> Handed<E> {
        self.want(Some(change))
    }

    /// Hands in a change that goes with the next one that is waited for: how many wait.
    pub(super) fn leave(&self, change: C) -> usize {
        let mut state = self.shared.state();
        state.waiting.push(Waiting {
            change: Some(change),
            outcome: None,
        });
        state.waiting.len()
    }

    /// Waits until a change is committed.
    pub(super) fn wait(&self, handed: &Handed<E>) -> Result<(), E> {
        let mut state = self.shared.state();
        loop {
            if let Some(outcome) = handed.0.get() {
                return outcome.clone();
            }
            let waited = self.shared.committed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until all that waits is committed, as far as that can be.
    pub(super) fn flush(&self) {
        let handed = self.want(None);
        // Who handed something in that is lost, hears of it; so does the log.
        let _ = self.wait(&handed);
    }

    fn want(&self, change: Option<C>) -> Handed<E> {
        let outcome = Outcome::default();
        let mut state = self.shared.state();
        state.waiting.push(Waiting {
            change,
            outcome: Some(Arc::clone(&outcome)),
        });
        state.is_wanted = true;
        self.shared.wanted.notify_one();
        Handed(outcome)
    }
}

impl<C, E: Clone> Shared<C, E> {
    /// What is to be committed next; nothing once that was the last.
    fn next(&self) -> Option<Vec<Waiting<C, E>>> {
        let mut state = self.state();
        loop {
            if mem::take(&mut state.is_wanted) || (state.is_last && !state.waiting.is_empty()) {
                return Some(mem::take(&mut state.waiting));
            }
            if state.is_last {
                return None;
            }
            let waited = self.wanted.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn tell(&self, outcomes: impl Iterator<Item = Outcome<E>>, committed: &Result<(), E>) {
        // Whoever looks next, sees it.
        let _state = self.state();
        for outcome in outcomes {
            // It is set once.
            let _ = outcome.set(committed.clone());
        }
        self.committed.notify_all();
    }
}

impl<C, E> Shared<C, E> {
    fn state(&self) -> MutexGuard<'_, State<C, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C, E> Drop for Group<C, E> {
    fn drop(&mut self) {
        self.shared.state().is_last = true;
        self.shared.wanted.notify_one();
        if let Some(thread) = self.thread.take() {
            // Its panics are caught.
            let _ = thread.join();
        }
    }
}

impl<C, E> fmt::Debug for Group<C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.state().waiting.len();
        f.debug_tuple("Group").field(&waiting).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::Group;

    #[test]
    fn who_waits_for_one_that_panics_hears_of_it() {
        let group = Group::start("lost", |changes: &[u8]| {
            assert_eq!(changes, [2], "as the test wants");
            Ok(())
        });
        let group = group.unwrap();
        let handed = group.hand_in(1);
        assert_eq!(group.wait(&handed), Err("lost"));
        // The next is committed as ever.
        let handed = group.hand_in(2);
        assert_eq!(group.wait(&handed), Ok(()));
    }

    #[test]
    fn what_is_handed_in_is_committed_though_nobody_waits_yet() {
        let (tell, told) = channel();
        let group = Group::start("lost", move |changes: &[u8]| {
            tell.send(changes.to_vec()).map_err(|_| "lost")
        });
        let group = group.unwrap();
        group.leave(1);
        let handed = group.hand_in(2);
        assert_eq!(told.recv(), Ok(vec![1, 2]));
        assert_eq!(group.wait(&handed), Ok(()));
        group.leave(3);
        drop(group);
        assert_eq!(
            told.recv(),
            Ok(vec![3]),
            "what nobody waits for, at the end"
        );
    }
}

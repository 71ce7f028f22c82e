//! Group commit: of those who want something kept, one commits what all of them want.
//!
//! Who finds nobody committing, commits at once, with whatever came meanwhile; the others
//! wait, and commit together next. So nobody waits for another thread where there is no
//! other, and many wait for the disk once.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// Changes that wait to be committed.
pub(super) struct Group<C, E> {
    state: Mutex<State<C, E>>,
    committed: Condvar,
    /// For those whose change is lost, as who committed it panicked.
    lost: E,
}

struct State<C, E> {
    waiting: Vec<Waiting<C, E>>,
    is_committing: bool,
}

struct Waiting<C, E> {
    change: C,
    /// Nobody waits for it where there is none.
    outcome: Option<Outcome<E>>,
}

type Outcome<E> = Arc<OnceLock<Result<(), E>>>;

/// A change that somebody waits for.
pub(super) struct Handed<E>(Outcome<E>);

/// While somebody commits. However that ends, nobody waits for ever.
struct Committing<'g, C, E: Clone> {
    group: &'g Group<C, E>,
    outcomes: Vec<Outcome<E>>,
}

impl<C, E: Clone> Group<C, E> {
    pub(super) fn new(lost: E) -> Self {
        Group {
            lost,
            state: Mutex::new(State {
                waiting: Vec::new(),
                is_committing: false,
            }),
            committed: Condvar::new(),
        }
    }

    /// Hands in a change that is to be [waited](Self::wait) for.
    pub(super) fn hand_in(&self, change: C) -> Handed<E> {
        let outcome = Outcome::default();
        self.state().waiting.push(Waiting {
            change,
            outcome: Some(Arc::clone(&outcome)),
        });
        Handed(outcome)
    }

    /// Hands in a change that goes with the next one that is waited for: how many wait.
    pub(super) fn leave(&self, change: C) -> usize {
        let mut state = self.state();
        state.waiting.push(Waiting {
            change,
            outcome: None,
        });
        state.waiting.len()
    }

    /// Waits until a change is committed, or commits it, with all that waits.
    pub(super) fn wait(
        &self,
        handed: &Handed<E>,
        commit: impl Fn(&[C]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut state = self.state();
        loop {
            if let Some(outcome) = handed.0.get() {
                return outcome.clone();
            }
            if state.is_committing {
                let waited = self.committed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            self.commit(state, &commit);
            state = self.state();
        }
    }

    /// Commits all that waits, once nobody else does.
    pub(super) fn flush(&self, commit: impl Fn(&[C]) -> Result<(), E>) {
        let mut state = self.state();
        while state.is_committing {
            let waited = self.committed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        self.commit(state, &commit);
    }

    fn commit(
        &self,
        mut state: MutexGuard<'_, State<C, E>>,
        commit: &impl Fn(&[C]) -> Result<(), E>,
    ) {
        let batch = std::mem::take(&mut state.waiting);
        if batch.is_empty() {
            return;
        }
        state.is_committing = true;
        drop(state);
        let (changes, outcomes): (Vec<C>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| (waiting.change, waiting.outcome))
            .unzip();
        let committing = Committing {
            group: self,
            outcomes: outcomes.into_iter().flatten().collect(),
        };
        let result = commit(&changes);
        committing.tell(&result);
    }
}

impl<C, E> Group<C, E> {
    fn state(&self) -> MutexGuard<'_, State<C, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C, E: Clone> Committing<'_, C, E> {
    fn tell(&self, result: &Result<(), E>) {
        for outcome in &self.outcomes {
            // Where it is set already, it stays.
            let _ = outcome.set(result.clone());
        }
    }
}

impl<C, E: Clone> Drop for Committing<'_, C, E> {
    fn drop(&mut self) {
        self.tell(&Err(self.group.lost.clone()));
        self.group.state().is_committing = false;
        self.group.committed.notify_all();
    }
}

impl<C, E> fmt::Debug for Group<C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.state().waiting.len();
        f.debug_tuple("Group").field(&waiting).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Group;

    #[test]
    fn who_waits_for_one_that_panics_hears_of_it() {
        let group: Group<u8, &str> = Group::new("lost");
        let handed = group.hand_in(1);
        let panics = std::panic::AssertUnwindSafe(|| {
            group.flush(|_| panic!("as the test wants"));
        });
        assert!(std::panic::catch_unwind(panics).is_err());
        assert_eq!(group.wait(&handed, |_| Ok(())), Err("lost"));
        // The next is committed as ever.
        let handed = group.hand_in(2);
        assert_eq!(
            group.wait(&handed, |changes| {
                assert_eq!(changes, [2]);
                Ok(())
            }),
            Ok(())
        );
    }
}

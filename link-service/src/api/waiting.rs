//! Whoever waits for something, without a thread.

use tokio::sync::oneshot;

use crate::desk::{Desk, Event, Watch};
use crate::folders::Folders;
use crate::journal::Journal;

/// Somebody waits. Dropped, nobody does.
pub(super) struct Waiting {
    told: oneshot::Receiver<()>,
    _watch: Watch,
}

impl Waiting {
    /// From now on, nothing of it is missed.
    pub(super) fn for_event<F: Folders, J: Journal>(desk: &Desk<F, J>, event: Event) -> Waiting {
        let (tell, told) = oneshot::channel();
        let call = Box::new(move || {
            // Who has gone meanwhile, does not want to know.
            let _ = tell.send(());
        });
        Waiting {
            told,
            _watch: desk.watch(event, call),
        }
    }

    /// It has happened, or the desk stops.
    pub(super) async fn over(self) {
        // It fails where nobody is left who could tell.
        let _ = self.told.await;
    }
}

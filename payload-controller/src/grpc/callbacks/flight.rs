//! The calls to one app that are under way.

use std::collections::HashMap;
use std::future::Future;

use payload_interface::{CallId, CallOutcome};
use tokio::task::{Id, JoinSet};

/// Each has a number, whatever becomes of its task.
#[derive(Default)]
pub(super) struct Flight {
    tasks: JoinSet<CallOutcome>,
    ids: HashMap<Id, CallId>,
}

impl Flight {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn begin(
        &mut self,
        id: CallId,
        call: impl Future<Output = CallOutcome> + Send + 'static,
    ) {
        let task = self.tasks.spawn(call).id();
        self.ids.insert(task, id);
    }

    /// The next that ends; never, where there is none.
    pub(super) async fn ended(&mut self) -> (CallId, CallOutcome) {
        loop {
            let (task, outcome) = match self.tasks.join_next_with_id().await {
                None => std::future::pending().await,
                Some(Ok(ended)) => ended,
                Some(Err(error)) => (error.id(), CallOutcome::TimedOut),
            };
            if let Some(id) = self.ids.remove(&task) {
                return (id, outcome);
            }
        }
    }

    /// Gives up all of them, and says what came of each.
    pub(super) async fn give_up(&mut self) -> Vec<(CallId, CallOutcome)> {
        self.tasks.abort_all();
        let mut ended = Vec::new();
        // Those that had ended before are as they ended.
        while !self.ids.is_empty() {
            ended.push(self.ended().await);
        }
        ended
    }
}

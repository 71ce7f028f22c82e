//! A request, and how it ends.

use std::sync::Arc;

use tonic::Status;

use super::answer;
use super::calls::{Calls, Many};
use super::messages::LinkResponse;
use super::status::stopping;
use crate::api::json::refusal::Refusal;
use crate::api::waiting::Waiting;
use crate::desk::{Event, TransferView};
use crate::folders::Folders;
use crate::journal::Journal;

/// What is told next: PENDING of one that has not ended, then the one final answer.
enum Next {
    Accepted(TransferView),
    End(TransferView),
    Nothing,
}

/// How one that was accepted, or is known, stands and ends.
pub(super) fn follow<F: Folders + 'static, J: Journal + 'static>(
    calls: Arc<Calls<F, J>>,
    view: TransferView,
    is_known: bool,
) -> Many<LinkResponse> {
    let first = match is_known && view.has_ended() {
        true => Next::End(view),
        false => Next::Accepted(view),
    };
    Box::pin(futures_util::stream::unfold(first, move |next| {
        let calls = Arc::clone(&calls);
        async move {
            match next {
                Next::Accepted(view) => Some((Ok(answer::accepted(&view)), Next::End(view))),
                Next::End(view) => Some((end(&calls, view).await, Next::Nothing)),
                Next::Nothing => None,
            }
        }
    }))
}

async fn end<F: Folders, J: Journal>(
    calls: &Calls<F, J>,
    view: TransferView,
) -> Result<LinkResponse, Status> {
    let transfer = &view.transfer;
    let id = transfer.id;
    Waiting::for_event(&calls.desk, Event::Ended(id))
        .over()
        .await;
    let view = calls.desk.status(&transfer.sender, id);
    match view.map_err(Refusal::from)? {
        view if view.has_ended() => Ok(answer::standing(&view)),
        _ => Err(stopping()),
    }
}

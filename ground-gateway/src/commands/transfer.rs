//! A file that goes or comes, while a command waits for it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::arguments::TransferArguments;
use crate::client::LinkClient;
use crate::error::{GroundError, one_line};
use crate::files::app::AppTarget;
use crate::files::transfer::{Direction, State, Transfer};
use crate::hub::protocol::Request;
use crate::output::{counted, note, print_line};
use crate::progress::TransferProgress;

/// Random enough that no two orders have the same.
pub(super) fn key() -> Result<String, GroundError> {
    let random = getrandom::u64().map_err(|error| GroundError::System {
        what: "random bits",
        problem: error.to_string(),
    })?;
    Ok(format!("{random:016x}"))
}

/// The process that holds the link runs in another folder.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, GroundError> {
    let unusable = |source| GroundError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let absolute = std::path::absolute(path).map_err(unusable)?;
    match absolute.to_str() {
        Some(_) => Ok(absolute),
        None => {
            let problem = "its name is no UTF-8";
            Err(unusable(std::io::Error::new(
                ErrorKind::InvalidInput,
                problem,
            )))
        }
    }
}

/// Makes the request, shows how it goes, and says how it ended.
pub(super) fn run(
    client: &LinkClient,
    request: &Request,
    how: &TransferArguments,
) -> Result<(), GroundError> {
    let mut progress = TransferProgress::start(how.json || how.detach, &client.config().name);
    let mut output = Ok(());
    let transfer = client.transfer(request, how.limit, |transfer| {
        progress.show(transfer);
        if how.json {
            output = print_json(transfer);
        }
        let is_durable = transfer.state != State::Copying;
        output.is_ok() && !(how.detach && is_durable)
    });
    drop(progress);
    match output {
        // Whoever reads has had enough, as `head` does.
        Err(GroundError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {}
        output => output?,
    }
    let transfer = transfer?;
    match transfer.state {
        State::Arrived => {
            note(&one_line(&arrived(&transfer)));
            Ok(())
        }
        State::Failed => Err(GroundError::NotTransferred {
            name: transfer.remote,
            failure: transfer.failure.unwrap_or_default(),
        }),
        _ if how.detach => {
            let id = &transfer.id;
            note(&format!(
                "transaction {id} goes on whenever this link is held, as by `ground serve`"
            ));
            Ok(())
        }
        _ => Err(GroundError::TransferGoesOn { id: transfer.id }),
    }
}

/// `got log.txt as /home/a/log.txt: 12 octets`.
pub(super) fn arrived(transfer: &Transfer) -> String {
    let Transfer { remote, local, .. } = transfer;
    let octets = counted(transfer.octets, "octet");
    if let Some(Ok(target)) = AppTarget::of(remote) {
        let app = target.app;
        return format!("delivered {local} to the link service for app {app}: {octets}");
    }
    match transfer.direction {
        Direction::Down => format!("got {remote} as {local}: {octets}"),
        Direction::Up => format!("put {local} as {remote}: {octets}"),
    }
}

/// One object.
pub(super) fn print_json(transfer: &Transfer) -> Result<(), GroundError> {
    // Numbers and texts: nothing in it can fail.
    let line = serde_json::to_string(transfer).unwrap_or_default();
    print_line(line.as_bytes()).map_err(GroundError::Output)
}

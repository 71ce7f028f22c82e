//! `ground serve`: the link is held, and files go and come.

use std::cell::Cell;
use std::io::ErrorKind;

use super::transfer::{arrived, print_json};
use crate::arguments::ServeArguments;
use crate::client::LinkClient;
use crate::contacts::giver::PlanGiver;
use crate::error::{GroundError, one_line};
use crate::files::transfer::{State, Transfer};
use crate::output::print_line;
use crate::progress::Progress;

pub(crate) fn serve(client: &LinkClient, arguments: &ServeArguments) -> Result<(), GroundError> {
    let link = &client.config().name;
    let _giver = PlanGiver::start(client)?;
    let mut progress = Some(Progress::start(format!("waiting for link `{link}`")));
    let serving = Cell::new(None);
    let ready = || {
        drop(progress.take());
        log::info!("link `{link}`: serving files");
        serving.set(Some(Progress::start(format!(
            "serving files on link `{link}`"
        ))));
    };
    client.serve(arguments.limit, ready, |transfer| {
        // Once there is output, it shows that files are served.
        drop(serving.take());
        let printed = match arguments.json {
            true => print_json(transfer),
            false => print_line(line(transfer).as_bytes()).map_err(GroundError::Output),
        };
        match printed {
            Ok(()) => Ok(true),
            // Whoever reads has had enough, as `head` does.
            Err(GroundError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error),
        }
    })
}

fn line(transfer: &Transfer) -> String {
    let text = match (transfer.state, &transfer.failure) {
        (State::Failed, Some(failure)) => format!("{}: {failure}", transfer.remote),
        _ => arrived(transfer),
    };
    one_line(&format!("{}: {text}", transfer.id))
}

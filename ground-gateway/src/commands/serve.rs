//! `ground serve`: the link is held, files go and come, and windows and uploads are taken.

use std::cell::Cell;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use super::transfer::{arrived, print_json};
use crate::arguments::ServeArguments;
use crate::client::LinkClient;
use crate::config::GroundConfig;
use crate::contacts::Presence;
use crate::contacts::giver::PlanGiver;
use crate::error::{GroundError, one_line};
use crate::files::transfer::{State, Transfer};
use crate::output::{note, print_line};
use crate::progress::Progress;
use crate::runtime::RuntimeDir;
use crate::stop::Stop;
use crate::tasking::plan::Satellite;
use crate::tasking::{Contact, Tasking};

pub(crate) fn serve(
    client: &LinkClient,
    config: &GroundConfig,
    stop: &Stop,
    arguments: &ServeArguments,
) -> Result<(), GroundError> {
    let (handle, ended) = Stop::pair();
    let tasking = config.tasking().map(|plan| {
        let runtime = RuntimeDir::from_environment()?;
        let stop = ended.or(stop).map_err(|error| GroundError::System {
            what: "a thread",
            problem: error.to_string(),
        })?;
        let served = &client.config().name;
        let contact = |satellite: &Satellite| {
            let link = config.link(Some(&satellite.link))?.clone();
            presence(LinkClient::new(link, &runtime, stop.clone()))
        };
        Tasking::start(plan.clone(), config, &runtime, &stop, served, contact)
    });
    let tasking = tasking.transpose()?;
    if let Some(address) = tasking.as_ref().and_then(Tasking::address) {
        note(&format!("the tasking API is at {address}"));
    }
    let served = serve_files(client, arguments);
    drop(handle);
    drop(tasking);
    served
}

/// Whether the satellite of a link is there, planned or heard; nobody knows, where nothing is
/// planned.
fn presence(client: LinkClient) -> Result<Contact, GroundError> {
    let presence = Presence::of(client)?;
    Ok(Arc::new(move |now| {
        presence.at(Duration::from_millis(u64::try_from(now.ms).ok()?))
    }))
}

fn serve_files(client: &LinkClient, arguments: &ServeArguments) -> Result<(), GroundError> {
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

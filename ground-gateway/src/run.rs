//! The command `ground`, from its arguments to its exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use service_host::logging;

use crate::arguments::{Arguments, Command};
use crate::client::LinkClient;
use crate::commands;
use crate::config::GroundConfig;
use crate::error::{GroundError, one_line};
use crate::output::{counted, note};
use crate::progress::Progress;
use crate::runtime::RuntimeDir;
use crate::stop::Stop;

/// Exit code for arguments that are not understood.
const EXIT_USAGE: u8 = 2;

/// Runs the command line `args`, whose first is the program's name.
///
/// 0: done, with the result on standard output. 1: failed, with one line on
/// standard error. 2: the arguments are not understood.
///
/// Takes over SIGINT, SIGTERM and SIGHUP: the first ends the command in good order, the
/// second ends the process.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return match error.use_stderr() {
                true => ExitCode::from(EXIT_USAGE),
                false => ExitCode::SUCCESS,
            };
        }
    };
    logging::start(arguments.common.log_level);
    match execute(&arguments) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &GroundError) -> ExitCode {
    note(&one_line(&error.to_string()));
    ExitCode::FAILURE
}

fn execute(arguments: &Arguments) -> Result<ExitCode, GroundError> {
    let stop = Stop::at_signal().map_err(|error| GroundError::System {
        what: "to report signals",
        problem: error.to_string(),
    })?;
    if let Command::DeliveryKey(arguments) = &arguments.command {
        return commands::delivery_key(arguments).map(|()| ExitCode::SUCCESS);
    }
    let common = &arguments.common;
    let config = GroundConfig::find(common.config.as_deref())?;
    match &arguments.command {
        Command::Token(arguments) => {
            return commands::token(config.needed_tasking()?, arguments)
                .map(|()| ExitCode::SUCCESS);
        }
        Command::Audit(arguments) => {
            return commands::audit(config.needed_tasking()?, arguments)
                .map(|()| ExitCode::SUCCESS);
        }
        _ => {}
    }
    let name = common.link.as_deref();
    let link = match arguments.command.needs_files() {
        true => config.link_with_files(name)?.clone(),
        false => config.link(name)?.clone(),
    };
    let on_link = |command: &dyn Fn(&LinkClient) -> Result<(), GroundError>| {
        let client = LinkClient::new(link.clone(), &RuntimeDir::from_environment()?, stop.clone());
        let code = match command(&client) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        };
        leave(client);
        Ok(code)
    };
    match &arguments.command {
        Command::Query(arguments) => on_link(&|client| commands::query(client, arguments)),
        Command::Send(arguments) => on_link(&|client| commands::send(client, arguments)),
        Command::Listen(arguments) => on_link(&|client| commands::listen(client, arguments)),
        Command::Get(arguments) => on_link(&|client| commands::get(client, arguments)),
        Command::Put(arguments) => on_link(&|client| commands::put(client, arguments)),
        Command::Files(arguments) => on_link(&|client| commands::files(client, arguments)),
        Command::Serve(arguments) => {
            on_link(&|client| commands::serve(client, &config, &stop, arguments))
        }
        Command::Contacts(arguments) => on_link(&|client| commands::contacts(client, arguments)),
        Command::Archive(arguments) => {
            commands::archive(&link, arguments, &stop).map(|()| ExitCode::SUCCESS)
        }
        Command::Resync(arguments) => on_link(&|client| commands::resync(client, arguments)),
        // They need no link.
        Command::DeliveryKey(_) | Command::Token(_) | Command::Audit(_) => Ok(ExitCode::SUCCESS),
        Command::Replay(arguments) => {
            commands::replay(&link, arguments, &stop).map(|()| ExitCode::SUCCESS)
        }
        Command::Doctor(arguments) => {
            let well = commands::doctor(&link, arguments, &stop)?;
            Ok(if well {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}

/// Stays for what others sent through this process.
fn leave(client: LinkClient) {
    let others = client.commands_of_others();
    let name = &client.config().name;
    let _progress = (others > 0).then(|| {
        Progress::start(format!(
            "holding link `{name}` for {}",
            counted(others, "other command")
        ))
    });
    drop(client);
}

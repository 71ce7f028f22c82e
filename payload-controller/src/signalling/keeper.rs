//! A process of its own that makes one call of `payload_exec`, takes what it says, kills it when
//! its time is over, and writes down how it ended. It outlives the controller, and the next
//! controller reads what it wrote.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;

use super::call::{Call, Claim};
use super::running::{Ran, Running, bare};
use crate::core::{Process, StepEnd, StepOutcome};
use crate::process::began;

/// What a keeper is called with.
#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// The directory of the call
    directory: PathBuf,
    /// The call is killed after that
    #[arg(long)]
    time_ms: u64,
    /// It is the start of a window: others that it began may stay until its time is over
    #[arg(long)]
    start: bool,
    /// It goes to another machine: exit code 255 is the connection's
    #[arg(long)]
    remote: bool,
    /// What is called
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// A call that is to be made.
pub(super) struct Order {
    pub(super) time: Duration,
    pub(super) is_start: bool,
    pub(super) is_remote: bool,
    /// The program and its arguments.
    pub(super) command: Vec<String>,
}

/// Begins a keeper. A line of its output says that the call has ended; so does its end.
pub(super) fn begin(program: &Path, call: &Call, order: &Order) -> io::Result<Child> {
    let mut arguments: Vec<OsString> = vec!["keep".into(), call.path().into()];
    arguments.extend([
        "--time-ms".into(),
        order.time.as_millis().to_string().into(),
    ]);
    if order.is_start {
        arguments.push("--start".into());
    }
    if order.is_remote {
        arguments.push("--remote".into());
    }
    arguments.push("--".into());
    arguments.extend(order.command.iter().map(Into::into));
    Command::new(program)
        .args(arguments)
        .env_clear()
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// The keeper.
pub(crate) fn keep(order: &Keep) -> anyhow::Result<()> {
    let call = Call::at(std::path::absolute(&order.directory)?);
    let pid = i32::try_from(std::process::id())?;
    let began = began(pid).unwrap_or_default();
    if !call.claim(Claim::Keeper(Process { pid, began }))? {
        anyhow::bail!("{}: the call is taken", call.path().display());
    }
    let time = Duration::from_millis(order.time_ms);
    let until = Instant::now() + time;
    let Some((program, arguments)) = order.command.split_first() else {
        anyhow::bail!("there is nothing to call");
    };
    let running = match Running::begin(&mut bare(program, arguments), None) {
        Ok(running) => running,
        Err(error) => {
            let why = format!("{program} could not be begun: {error}");
            call.say_ended(&StepEnd::without(StepOutcome::Failed, why))?;
            return Ok(());
        }
    };
    // Without it nobody but us could end it: it ends here if that fails.
    let said = call.say_began(running.process);
    let ran = running.wait(if said.is_ok() { time } else { Duration::ZERO });
    call.say_ended(&judged(&call, order, ran))?;
    // Nobody may be there to hear it.
    let _ = io::stdout().write_all(b"ended\n");
    let _ = io::stdout().flush();
    let left = match order.start {
        true => until.saturating_duration_since(Instant::now()),
        false => Duration::ZERO,
    };
    running.linger(left);
    Ok(said?)
}

fn judged(call: &Call, order: &Keep, ran: Ran) -> StepEnd {
    let code = ran.status.and_then(|status| status.code());
    let signal = ran.status.and_then(|status| status.signal());
    let is_of_connection = order.remote && code == Some(255);
    let last_words = ran.errors.lines().next_back().unwrap_or_default();
    let (outcome, exit_code, why) = match (code, signal) {
        _ if ran.is_late && order.start => (StepOutcome::Killed, None, String::new()),
        _ if ran.is_late => (StepOutcome::TimedOut, None, String::new()),
        (Some(0), _) => (StepOutcome::Done, code, String::new()),
        (Some(_), _) if is_of_connection && call.is_to_end() => {
            (StepOutcome::Killed, None, String::new())
        }
        (Some(_), _) if is_of_connection => {
            let why = format!("the connection failed or was lost: {last_words}");
            (StepOutcome::Unknown, code, why)
        }
        (Some(_), _) => (StepOutcome::Failed, code, last_words.to_owned()),
        (None, Some(_)) if call.is_to_end() => (StepOutcome::Killed, None, String::new()),
        (None, Some(signal)) => {
            let why = format!("it ended by signal {signal}");
            (StepOutcome::Failed, None, why)
        }
        (None, None) => {
            let why = "the system does not tell how it ended".to_owned();
            (StepOutcome::Unknown, None, why)
        }
    };
    StepEnd {
        outcome,
        took_ms: u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX),
        exit_code,
        why,
        output: ran.output,
        errors: ran.errors,
    }
}

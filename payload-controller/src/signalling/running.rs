//! A command with bounded output and time, in a group of its own: nothing is inherited, and its
//! children are killed with it.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use rustix::process::Signal;

use crate::core::Process;
use crate::process::{began, is_group_there, signal_group};

/// Octets of an output that are kept: the last.
pub(super) const TAIL_BYTES: usize = 4096;
/// Where programs are looked for. No other variable is set.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What is asked to end is killed after that.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// So long what was written last may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Between two looks whether a group is gone.
const LOOK: Duration = Duration::from_millis(20);

/// A command, of which nothing is inherited.
pub(super) fn bare(program: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The last of an output.
#[derive(Debug, Default)]
struct Tail(VecDeque<u8>);

impl Tail {
    fn add(&mut self, octets: &[u8]) {
        let octets = octets
            .len()
            .checked_sub(TAIL_BYTES)
            .map_or(octets, |skipped| octets.get(skipped..).unwrap_or_default());
        let too_many = (self.0.len() + octets.len()).saturating_sub(TAIL_BYTES);
        self.0.drain(..too_many.min(self.0.len()));
        self.0.extend(octets);
    }
}

/// An output that is read to its end, and of which the last is kept.
struct Output {
    tail: Arc<Mutex<Tail>>,
    ended: Receiver<()>,
}

impl Output {
    fn read(mut from: impl Read + Send + 'static) -> io::Result<Output> {
        let tail = Arc::new(Mutex::new(Tail::default()));
        let (is_ended, ended) = bounded(0);
        let kept = Arc::clone(&tail);
        let thread = thread::Builder::new().name("payload-output".to_owned());
        thread.spawn(move || {
            let _ended_with_it = is_ended;
            let mut octets = [0; 4096];
            loop {
                match from.read(&mut octets) {
                    Ok(0) => return,
                    Ok(length) => {
                        let read = octets.get(..length).unwrap_or_default();
                        kept.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .add(read);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        })?;
        Ok(Output { tail, ended })
    }

    fn wait_until(&self, until: Instant) {
        // It ends by what it waits for being gone.
        let _ = self.ended.recv_deadline(until);
    }

    fn text(&self) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let octets: Vec<u8> = tail.0.iter().copied().collect();
        String::from_utf8_lossy(&octets).into_owned()
    }
}

/// A command that was begun.
pub(super) struct Running {
    pub(super) process: Process,
    began_at: Instant,
    output: Output,
    errors: Output,
    status: Receiver<io::Result<ExitStatus>>,
}

/// How it ended.
pub(super) struct Ran {
    /// As the system says; none where it does not.
    pub(super) status: Option<ExitStatus>,
    /// It was killed, as its time was over.
    pub(super) is_late: bool,
    pub(super) took: Duration,
    pub(super) output: String,
    pub(super) errors: String,
}

impl Running {
    /// Begins it; what `input` has is what it reads.
    pub(super) fn begin(
        command: &mut Command,
        input: Option<Box<dyn Read + Send>>,
    ) -> io::Result<Running> {
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        // Nobody takes its number as long as it is not waited for.
        let began = began(pid).unwrap_or_default();
        let process = Process { pid, began };
        let running = Running::look_after(child, process, input);
        if running.is_err() {
            // What is not looked after is not let run.
            signal_group(process, Signal::KILL);
        }
        running
    }

    fn look_after(
        mut child: Child,
        process: Process,
        input: Option<Box<dyn Read + Send>>,
    ) -> io::Result<Running> {
        let none = || io::Error::other("it has no pipe");
        let output = Output::read(child.stdout.take().ok_or_else(none)?)?;
        let errors = Output::read(child.stderr.take().ok_or_else(none)?)?;
        if let (Some(mut input), Some(mut to)) = (input, child.stdin.take()) {
            let thread = thread::Builder::new().name("payload-input".to_owned());
            thread.spawn(move || {
                if let Err(error) = io::copy(&mut input, &mut to) {
                    log::debug!("process {}: {error}", process.pid);
                }
            })?;
        }
        let (told, status) = bounded(1);
        let thread = thread::Builder::new().name(format!("payload-{}", process.pid));
        thread.spawn(move || {
            // It fails where nobody waits any more.
            let _ = told.send(child.wait());
        })?;
        Ok(Running {
            process,
            began_at: Instant::now(),
            output,
            errors,
            status,
        })
    }

    /// Waits for its end, and kills it where that takes longer.
    pub(super) fn wait(&self, time: Duration) -> Ran {
        let mut is_late = false;
        let status = match self.status.recv_timeout(time) {
            Ok(status) => status.ok(),
            Err(_) => {
                is_late = true;
                end_group(self.process);
                self.status
                    .recv_timeout(LAST_WORDS)
                    .ok()
                    .and_then(Result::ok)
            }
        };
        let took = self.began_at.elapsed();
        let until = Instant::now() + LAST_WORDS;
        self.output.wait_until(until);
        self.errors.wait_until(until);
        Ran {
            status,
            is_late,
            took,
            output: self.output.text(),
            errors: self.errors.text(),
        }
    }

    /// Waits until nobody has its output open, for that long at most, and kills who is left.
    pub(super) fn linger(&self, time: Duration) {
        let until = Instant::now() + time;
        self.output.wait_until(until);
        self.errors.wait_until(until);
        end_group(self.process);
    }
}

/// Runs it to its end. What it left behind ends with it.
pub(super) fn run(
    command: &mut Command,
    input: Option<Box<dyn Read + Send>>,
    time: Duration,
) -> io::Result<Ran> {
    let running = Running::begin(command, input)?;
    let ran = running.wait(time);
    signal_group(running.process, Signal::KILL);
    Ok(ran)
}

/// Asks a process and its children to end, and kills them where they do not.
pub(super) fn end_group(process: Process) {
    if !is_group_there(process) {
        return;
    }
    signal_group(process, Signal::TERM);
    let until = Instant::now() + GRACE;
    while is_group_there(process) {
        if Instant::now() >= until {
            signal_group(process, Signal::KILL);
            return;
        }
        thread::sleep(LOOK);
    }
}

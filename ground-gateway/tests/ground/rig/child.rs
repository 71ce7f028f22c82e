//! A child process whose output is gathered line by line.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

use super::wait_until;

/// A running `ground`; killed when dropped.
pub(crate) struct Child {
    child: std::process::Child,
    stdout: Lines,
    stderr: Lines,
}

struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let gathered = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                gathered.lock().unwrap().push(line);
            }
        });
        Lines {
            lines,
            reader: Some(reader),
        }
    }

    fn now(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.now().join("\n")
    }
}

impl Child {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_between(command, Stdio::null(), Stdio::piped())
    }

    /// With something at its standard input.
    pub(crate) fn start_reading_from(command: &mut Command, input: Stdio) -> Self {
        Self::start_between(command, input, Stdio::piped())
    }

    /// With another standard output than a pipe that is read here.
    pub(crate) fn start_printing_to(command: &mut Command, output: Stdio) -> Self {
        Self::start_between(command, Stdio::null(), output)
    }

    fn start_between(command: &mut Command, input: Stdio, output: Stdio) -> Self {
        let mut child = command
            .stdin(input)
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Child {
            stdout: match child.stdout.take() {
                Some(stdout) => Lines::of(stdout),
                None => Lines::of(std::io::empty()),
            },
            stderr: Lines::of(child.stderr.take().unwrap()),
            child,
        }
    }

    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.now()
    }

    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.now()
    }

    #[track_caller]
    pub(crate) fn wait_for_stdout(&self, lines: usize) {
        wait_until("lines of output", || self.stdout().len() >= lines);
    }

    #[track_caller]
    pub(crate) fn wait_for_stderr(&self, part: &str) {
        wait_until(part, || {
            self.stderr().iter().any(|line| line.contains(part))
        });
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end: exit code (-1 for a signal), output, errors.
    #[track_caller]
    pub(crate) fn finish(mut self) -> (i32, String, String) {
        let child = Mutex::new(&mut self.child);
        wait_until("the command's end", || {
            child.lock().unwrap().try_wait().unwrap().is_some()
        });
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, self.stdout.all(), self.stderr.all())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Programs of the workspace, run as a user would run them.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::wait::within;

/// How long the last lines of a program that has ended may take to arrive.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(2);

/// The binary `name` that was built with this test's profile; panics with what
/// to build when it is missing.
///
/// Nothing here builds it: a run of one package's tests may meet an old one.
#[track_caller]
pub fn binary(name: &str) -> PathBuf {
    built("", name, "--bins")
}

/// The example `name` that was built with this test's profile; panics with
/// what to build when it is missing.
#[track_caller]
pub fn example(name: &str) -> PathBuf {
    built("examples", name, "--examples")
}

#[track_caller]
fn built(subfolder: &str, name: &str, flag: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("a test stands in deps/ of its profile's folder");
    let path = folder
        .join(subfolder)
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let release = if folder.ends_with("release") {
        " --release"
    } else {
        ""
    };
    assert!(
        path.is_file(),
        "{} is not built: run `cargo build{release} --workspace {flag}`",
        path.display(),
    );
    path
}

/// A running program whose output is read line by line. Dropping it kills the
/// program and waits for its end.
#[derive(Debug)]
pub struct ChildGuard {
    child: Child,
    output: Arc<Output>,
}

/// Where a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line that a program wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where to.
    pub stream: Stream,
    /// Without its line end; what is no UTF-8 is replaced.
    pub text: String,
}

#[derive(Debug, Default)]
struct Output {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Written {
    lines: Vec<Line>,
    streams_ended: usize,
}

impl ChildGuard {
    /// Starts `command` with its three streams piped; panics when it cannot.
    #[track_caller]
    pub fn spawn(command: &mut Command) -> Self {
        let spawned = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => panic!("cannot start {command:?}: {error}"),
        };
        let output = Arc::new(Output::default());
        // Not joined: each ends with its stream, which a grandchild can hold
        // open for longer than the child lives.
        if let Some(stdout) = child.stdout.take() {
            let output = Arc::clone(&output);
            thread::spawn(move || output.read(stdout, Stream::Stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            let output = Arc::clone(&output);
            thread::spawn(move || output.read(stderr, Stream::Stderr));
        }
        Self { child, output }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input, once; dropping that closes it.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// All lines so far, in the order they were read.
    pub fn lines(&self) -> Vec<Line> {
        self.output.lock().lines.clone()
    }

    /// The first line, of either stream, that contains `pattern`, written
    /// before or within `timeout`. Panics with all that was written when there
    /// is none, as soon as the output has ended.
    #[track_caller]
    pub fn wait_for_line(&self, pattern: &str, timeout: Duration) -> String {
        let found = |written: &Written| {
            let mut lines = written.lines.iter();
            lines
                .find(|line| line.text.contains(pattern))
                .map(|line| line.text.clone())
        };
        let written = self.output.wait_while(timeout, |written| {
            found(written).is_none() && written.streams_ended < 2
        });
        match found(&written) {
            Some(line) => line,
            None => {
                let transcript = transcript(&written.lines);
                drop(written);
                panic!("no line with {pattern:?} within {timeout:?}; it wrote:\n{transcript}");
            }
        }
    }

    /// Sends a signal, such as `TERM` or `INT`; panics when it cannot.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        // The shell's own `kill` is there where no program of that name is.
        let status = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -s {name} {}", self.id()))
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "cannot send {name}"
        );
    }

    /// How it ended, with all its lines read; panics with what it wrote when
    /// it has not ended within `timeout`.
    #[track_caller]
    pub fn wait_for_exit(&mut self, timeout: Duration) -> ExitStatus {
        let status = within(timeout, || {
            self.child.try_wait().expect("the child's status")
        });
        let Some(status) = status else {
            panic!(
                "still running after {timeout:?}; it wrote:\n{}",
                transcript(&self.lines())
            );
        };
        drop(
            self.output
                .wait_while(LAST_LINES_TIMEOUT, |written| written.streams_ended < 2),
        );
        status
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // Fails when it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    fn read(&self, from: impl Read, stream: Stream) {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line);
            let text = text.strip_suffix('\r').unwrap_or(&text).to_owned();
            self.lock().lines.push(Line { stream, text });
            self.changed.notify_all();
        }
        self.lock().streams_ended += 1;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(
        &self,
        timeout: Duration,
        condition: impl Fn(&Written) -> bool,
    ) -> MutexGuard<'_, Written> {
        self.changed
            .wait_timeout_while(self.lock(), timeout, |written| condition(written))
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

fn transcript(lines: &[Line]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "  {:?}: {}", line.stream, line.text);
        text
    })
}

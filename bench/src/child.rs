//! Processes of what is measured: started, waited for until ready, ended.
//!
//! A child says that it is ready by its first line on standard output, and ends when
//! its standard input does: it does not outlive who started it.

use std::env;
use std::io::{BufRead, BufReader, Read, Write, stdin, stdout};
use std::process::{self, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};

/// A process that is ended when this is dropped.
pub(crate) struct Child {
    process: process::Child,
    line: String,
}

impl Child {
    /// This binary again in one of its roles; waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be started, or ends before it is ready.
    pub(crate) fn start(role: &str, arguments: &[String]) -> Result<Self> {
        let own = env::current_exe().context("the path of this binary is not known")?;
        let mut command = Command::new(own);
        let process = command
            .arg(role)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the role {role}"))?;
        let mut child = Self {
            process,
            line: String::new(),
        };
        let output = child.process.stdout.take();
        let output = output.with_context(|| format!("the role {role} has no output"))?;
        BufReader::new(output)
            .read_line(&mut child.line)
            .with_context(|| format!("the role {role} cannot be read"))?;
        ensure!(
            !child.line.is_empty(),
            "the role {role} ended before it was ready"
        );
        Ok(child)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The ports it says it has bound, in the order of its ready line.
    ///
    /// # Errors
    /// When the line holds something else.
    pub(crate) fn ports(&self) -> Result<Vec<u16>> {
        let words = self.line.split_whitespace();
        let ports: Result<Vec<u16>, _> = words.map(str::parse).collect();
        ports.with_context(|| format!("the ready line is \"{}\"", self.line.trim_end()))
    }

    /// The first of its ports.
    ///
    /// # Errors
    /// When it names none.
    pub(crate) fn port(&self) -> Result<u16> {
        let ports = self.ports()?;
        ports.first().copied().context("the ready line is empty")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says, in a child, that it is ready and has bound `ports`.
///
/// # Errors
/// When nobody reads it.
pub(crate) fn ready(ports: &[u16]) -> Result<()> {
    let words: Vec<String> = ports.iter().map(u16::to_string).collect();
    let mut output = stdout().lock();
    writeln!(output, "{}", words.join(" "))?;
    output.flush()?;
    Ok(())
}

/// Ends a child, which does something else meanwhile, when who started it has gone.
pub(crate) fn end_when_alone() {
    thread::spawn(|| {
        until_alone();
        process::exit(0);
    });
}

/// Waits, in a child, until who started it has gone.
pub(crate) fn until_alone() {
    let mut octet = [0];
    while stdin().read(&mut octet).is_ok_and(|count| count > 0) {}
}

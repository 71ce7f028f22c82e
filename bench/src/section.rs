//! The sections of a run.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::figure::Figure;
use crate::progress::say;
use crate::{
    agent, codecs, files, graphql, ground, growth, inboxes, link, memory, passthrough, payloads,
};

/// One part of what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// Frames, packets, segments and their protection, beside other crates.
    Codecs,
    /// Datagrams through a service over UDP, both ways, beside a bare forwarder.
    Passthrough,
    /// Requests through a service to a payload's HTTP server, beside direct ones.
    Graphql,
    /// What a paced radio carries, beside what its bit rate allows.
    Link,
    /// Resident memory and threads.
    Memory,
    /// How the cost grows with ports, downlinks, message size and queue.
    Growth,
    /// A large file and many transactions on a disk; files through passes and loss,
    /// beside what the air allows and beside `cfdp-py`.
    Files,
    /// Files from app to app through the link service, beside bare loops.
    Inboxes,
    /// Files that are handed to the OORT-style agent, beside bare loops.
    Agent,
    /// Calls of a hundred payloads to their controller, beside a bare server of gRPC.
    Payloads,
    /// A million packets in the archive of the ground, and how fast they are found.
    Ground,
}

/// How a section is to run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Fewer and shorter rounds.
    pub(crate) is_quick: bool,
    /// Where plots go.
    pub(crate) plots: Option<PathBuf>,
    /// Octets of the large file that goes from app to app, where somebody says it.
    pub(crate) large_bytes: Option<u64>,
    /// The folder with the binaries of `ethernet-service` and `link-service`.
    pub(crate) binaries: PathBuf,
    /// The Python that has `cfdp-py`.
    pub(crate) python: PathBuf,
}

impl Run {
    /// `full`, or `quick` in a quick run.
    pub(crate) fn choose<T>(&self, full: T, quick: T) -> T {
        if self.is_quick { quick } else { full }
    }
}

/// What the sections found.
#[derive(Default)]
pub(crate) struct Found {
    /// By section, in the order they ran.
    pub(crate) figures: Vec<(Section, Vec<Figure>)>,
    failed: Vec<Section>,
}

impl Found {
    /// Whether every section ran; a missed goal is no failure.
    pub(crate) fn outcome(&self) -> Result<()> {
        if self.failed.is_empty() {
            return Ok(());
        }
        let failed: Vec<_> = self.failed.iter().map(|section| section.name()).collect();
        bail!("did not run to the end: {}", failed.join(", "))
    }
}

impl Section {
    /// As it is written on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self, run: &Run) -> Result<Vec<Figure>> {
        match self {
            Section::Codecs => codecs::run(run),
            Section::Passthrough => passthrough::run(run),
            Section::Graphql => graphql::run(run),
            Section::Link => link::run(run),
            Section::Memory => memory::run(run),
            Section::Growth => growth::run(run),
            Section::Files => files::run(run),
            Section::Inboxes => inboxes::run(run),
            Section::Agent => agent::run(run),
            Section::Payloads => payloads::run(run),
            Section::Ground => ground::run(run),
        }
    }
}

/// Runs those of `only`, or all. One that fails does not keep the others from running.
pub(crate) fn run(only: &[Section], run: &Run) -> Found {
    let mut found = Found::default();
    for &section in Section::value_variants() {
        if !only.is_empty() && !only.contains(&section) {
            continue;
        }
        say(format_args!("{} …", section.name()));
        match section.run(run) {
            Ok(figures) => found.figures.push((section, figures)),
            Err(error) => {
                say(format_args!("{} failed: {error:#}", section.name()));
                found.failed.push(section);
            }
        }
    }
    found
}

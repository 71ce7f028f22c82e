//! A ground station and a satellite on one machine, and what travels between
//! them.
//!
//! `cargo run --release --example flatsat` starts its parties as processes of
//! their own. They meet only over a UDP radio and local ports:
//!
//! ```text
//! ground ══ AX.25 in KISS, one frame per datagram ══ ethernet-service ── HTTP, UDP ── telemetry service
//!    ║                                                       └── UDP downlink port ── mission app
//!    ╠═ the same, with passes and lost frames ══ file-service ── files
//!    ╠═ the same ══ link-service ── payload app
//!    ║                  ╠══ link-service of another spacecraft
//!    ║                  ╚── oort-agent ── payload_exec ── payload-controller
//!    ╚═ the same ══ payload-controller ── gRPC, TLS ── hosted payload
//! ```
//!
//! The link has a key: whoever else transmits meets silence.
//!
//! `--stay` keeps them running afterwards and says what to try.

mod files;
mod hosted_payload;
mod mission_app;
mod parties;
mod payload_app;
mod payload_exec;
mod payloads;
mod show;
mod spacecraft;
mod steps;
mod tasking;
mod telemetry_service;
mod trust;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, ValueEnum, value_parser};

/// A ground station and a satellite on this machine.
#[derive(Debug, Parser)]
#[command(name = "flatsat")]
struct Arguments {
    /// Keep everything running afterwards, and say what to try
    #[arg(long)]
    stay: bool,

    /// Stop the satellite's radios before this step, to see how a failure looks
    #[arg(long, value_name = "STEP", value_parser = value_parser!(u64).range(2..=steps::STEPS as u64))]
    cut_radio_before: Option<u64>,

    /// Be one of the parties instead of starting all of them
    #[arg(long, value_enum, hide = true)]
    party: Option<Party>,

    /// What that party is told
    #[arg(hide = true, last = true, requires = "party")]
    rest: Vec<OsString>,
}

/// Who takes part.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Party {
    /// The mock radio: the satellite's communications service.
    EthernetService,
    /// Files up and down.
    FileService,
    /// The ground end.
    Ground,
    /// A payload application of somebody else.
    HostedPayload,
    /// Files of apps: to the ground, and to other spacecraft.
    LinkService,
    /// An app on the satellite that sends a beacon.
    MissionApp,
    /// The agent to which payloads hand files.
    OortAgent,
    /// An app on the satellite that has an image to send.
    PayloadApp,
    /// What the spacecraft calls of a payload in its window.
    PayloadExec,
    /// The spacecraft's side of hosted payloads.
    PayloadController,
    /// A service on the satellite that answers GraphQL.
    TelemetryService,
}

fn main() -> ExitCode {
    // The payload controller runs its own program again, as the keeper of a call.
    if std::env::args_os().nth(1).is_some_and(|word| word == "keep") {
        return payload_controller::run(std::env::args_os());
    }
    let arguments = Arguments::parse();
    // As if each party were a program of its own: first comes its name.
    let told = |name: &str| {
        let name = OsString::from(name);
        std::iter::once(name).chain(arguments.rest.clone())
    };
    if matches!(arguments.party, Some(party) if !matches!(party, Party::Ground | Party::PayloadExec)) {
        parties::stop_with_parent();
    }
    let result = match arguments.party {
        Some(Party::Ground) => return ground_gateway::run(told("ground")),
        Some(Party::OortAgent) => return oort_agent::run(told("oort-agent")),
        Some(Party::LinkService) => return link_service::service::run(told("link-service")),
        Some(Party::PayloadController) => {
            return payload_controller::run(told("payload-controller"));
        }
        Some(Party::HostedPayload) => hosted_payload::run(told("hosted-payload")),
        Some(Party::PayloadExec) => payload_exec::run(told("payload_exec")),
        Some(Party::PayloadApp) => payload_app::run(told("payload-app")),
        Some(Party::EthernetService) => ethernet_service::run(told("ethernet-service")),
        Some(Party::FileService) => file_delivery::service::run(told("file-service")),
        Some(Party::MissionApp) => mission_app::run(told("mission-app")),
        Some(Party::TelemetryService) => telemetry_service::run(told("telemetry-service")),
        None => steps::run(arguments.stay, arguments.cut_radio_before),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("flatsat: {error}");
            for cause in error.chain().skip(1) {
                text += &format!("\n  because: {cause}");
            }
            // Whoever closed standard error does not want to know.
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

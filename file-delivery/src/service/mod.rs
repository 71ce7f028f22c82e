//! The service `file-service`: a file entity with a link of its own.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context;
use clap::Parser;
use comms_service::CommsConfig;
use radio_hal::{Ax25Config, FramingConfig, RadioConfig};
use service_host::address::AddrConfig;
use service_host::arguments::HostArguments;
use service_host::config_file::ConfigFile;
use service_host::link_host::{Equipment, LinkDefaults, LinkHost};
use service_host::logging;

use crate::entity::Event;
use crate::setup::{self, FileSettings};

const SERVICE: &str = "file-service";

/// Files up and down, by CFDP.
#[derive(Debug, Parser)]
#[command(name = "file-service", version)]
struct Arguments {
    #[command(flatten)]
    host: HostArguments,
}

/// Runs the service until SIGINT or SIGTERM. `arguments` begin with the program's name.
///
/// # Errors
/// What is wrong with the configuration, which folder cannot be used, or which socket
/// could not be had.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<()> {
    let arguments = Arguments::parse_from(arguments);
    logging::start(arguments.host.log_level);
    let file = ConfigFile::find(arguments.host.config.as_deref())?;
    let settings = file.section::<FileSettings>(&[SERVICE, "files"])?;
    let settings = settings.unwrap_or_default();
    let named = || format!("{}: [{SERVICE}.files]", file.name());
    settings.check().with_context(named)?;
    let agent = setup::open(&settings)?;
    log::info!(
        "{SERVICE}: entity {}, files in {}",
        settings.entity_id,
        settings.root.display()
    );
    let receiver = agent.receiver();
    let equipment = Equipment {
        link: Box::new(move |link| link.pdus(receiver.clone())),
        ..Equipment::default()
    };
    let host = LinkHost::start_with(&file, defaults()?, equipment)?;
    let link = host.comms().pdu_sender();
    let files = agent.start(link.context("the link takes no PDUs")?)?;
    let events = files.events().clone();
    let is_stopping = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&is_stopping);
    let log_events = move || {
        events.iter().for_each(|event| log(&event));
        if !stopping.load(Ordering::SeqCst) {
            // Whoever watches the service starts it again: the journal knows how to go on.
            log::error!("the thread of the files has ended, and the service with it");
            process::exit(1);
        }
    };
    thread::Builder::new()
        .name("file-events".to_owned())
        .spawn(log_events)?;
    // The link stops first; what it has of files goes on with the next start.
    let stopped = host.run_until_signal();
    is_stopping.store(true, Ordering::SeqCst);
    drop(files);
    stopped
}

fn log(event: &Event) {
    match event {
        Event::Finished {
            transaction,
            role,
            outcome,
        } => log::info!("transaction {transaction} ({role:?}) is over: {outcome:?}"),
        Event::Fault {
            transaction,
            condition,
            handler,
            text,
        } => log::warn!("transaction {transaction}: {condition:?}, {text}: {handler:?}"),
        Event::StorageFailed { text } => log::error!("{text}"),
        event => log::info!("{event:?}"),
    }
}

/// What holds where the configuration says nothing: the row of this service in the table
/// of ports, and AX.25 in KISS between HELIO-1 and GROUND.
fn defaults() -> anyhow::Result<LinkDefaults> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let framing = FramingConfig::kiss_ax25(Ax25Config::new("HELIO-1".parse()?, "GROUND".parse()?));
    Ok(LinkDefaults {
        service: SERVICE,
        own_tables: &["files"],
        addr: AddrConfig {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 8153,
        },
        radio: RadioConfig::udp(local(13_060), local(9_004), framing)?,
        comms: CommsConfig {
            handler_port_min: 13_400,
            handler_port_max: 13_449,
            downlink_ports: Some(vec![13_071]),
            ground_port: Some(9_004),
            ..CommsConfig::default()
        },
    })
}

//! The mock radio: a communications service over UDP, for a laptop without any
//! radio. One frame travels in one datagram, as AX.25 in KISS unless the
//! configuration says otherwise.
#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};

use clap::Parser;
use comms_service::CommsConfig;
use radio_hal::{Ax25Config, FramingConfig, RadioConfig};
use service_host::address::AddrConfig;
use service_host::arguments::HostArguments;
use service_host::config_file::ConfigFile;
use service_host::link_host::{LinkDefaults, LinkHost};
use service_host::logging;

/// The mock radio: a communications service over UDP.
#[derive(Debug, Parser)]
#[command(name = "ethernet-service", version)]
struct Arguments {
    #[command(flatten)]
    host: HostArguments,
}

/// Runs the service until SIGINT or SIGTERM. `arguments` begin with the
/// program's name.
///
/// # Errors
/// What is wrong with the configuration, or which socket could not be had.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<()> {
    let arguments = Arguments::parse_from(arguments);
    logging::start(arguments.host.log_level);
    let file = ConfigFile::find(arguments.host.config.as_deref())?;
    LinkHost::start(&file, defaults()?)?.run_until_signal()
}

/// What holds where the configuration says nothing: the row of this service in
/// the table of ports, and AX.25 in KISS between HELIO-1 and GROUND.
///
/// # Errors
/// None in practice: the values are constants that fit together.
pub fn defaults() -> anyhow::Result<LinkDefaults> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let framing = FramingConfig::kiss_ax25(Ax25Config::new("HELIO-1".parse()?, "GROUND".parse()?));
    Ok(LinkDefaults {
        service: "ethernet-service",
        own_tables: &[],
        addr: AddrConfig {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 8150,
        },
        radio: RadioConfig::udp(local(13_000), local(9_001), framing)?,
        comms: CommsConfig {
            downlink_ports: Some(vec![13_011]),
            ground_port: Some(9_001),
            ..CommsConfig::default()
        },
    })
}

//! A communications service for a radio on a UART that speaks KISS.
//!
//! ```sh
//! cargo run --release --example serial-radio -- -c examples/serial-radio/config.toml
//! ```

use std::net::Ipv4Addr;

use clap::Parser;
use comms_service::CommsConfig;
use radio_hal::{Ax25Config, FramingConfig, RadioConfig};
use service_host::address::AddrConfig;
use service_host::arguments::HostArguments;
use service_host::config_file::ConfigFile;
use service_host::link_host::{LinkDefaults, LinkHost};
use service_host::{arena, logging};

/// A communications service for a radio on a UART.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    host: HostArguments,
}

fn main() -> anyhow::Result<()> {
    arena::have_one();
    let arguments = Arguments::parse();
    logging::start(arguments.host.log_level);
    // What holds where the configuration file says nothing.
    let ax25 = Ax25Config::new("SAT-1".parse()?, "GROUND".parse()?);
    let defaults = LinkDefaults {
        service: "serial-radio",
        own_tables: &[],
        addr: AddrConfig {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 8160,
        },
        radio: RadioConfig::serial("/dev/ttyUSB0", 115_200, FramingConfig::kiss_ax25(ax25))?,
        comms: CommsConfig {
            downlink_ports: Some(vec![13_091]),
            ..CommsConfig::default()
        },
    };
    let file = ConfigFile::find(arguments.host.config.as_deref())?;
    LinkHost::start(&file, defaults)?.run_until_signal()
}

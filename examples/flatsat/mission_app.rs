//! A mission app: it sends a beacon to a downlink port, unasked.

use std::ffi::OsString;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use clap::Parser;
use service_host::signals;

/// Where the beacon goes.
#[derive(Parser)]
struct Arguments {
    /// The downlink port
    #[arg(long)]
    downlink_port: u16,
}

const PERIOD: Duration = Duration::from_millis(500);

/// Sends beacons until it is told to stop.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<()> {
    let arguments = Arguments::parse_from(arguments);
    let stop = signals::stop_requested()?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    for number in 1u64.. {
        let beacon = format!("beacon {number}: all well, battery 7.4 V");
        // Nobody may be listening yet: then this one is lost, as beacons may be.
        let _ = socket.send_to(
            beacon.as_bytes(),
            (Ipv4Addr::LOCALHOST, arguments.downlink_port),
        );
        if stop.recv_timeout(PERIOD).is_ok() {
            break;
        }
    }
    Ok(())
}

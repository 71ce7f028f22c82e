//! The bare forwarder: the least that passing a datagram on can take.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;

use super::socket;
use crate::child;

/// More than any datagram here.
const DATAGRAM_BYTES_MAX: usize = 65_536;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The port of this machine that everything is passed on to.
    #[arg(long)]
    to: u16,
}

/// One thread, `recv_from` and `send_to`, until who started it has gone.
///
/// # Errors
/// When a socket fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let own = socket::bind()?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.to));
    child::ready(&[own.local_addr()?.port()])?;
    child::end_when_alone();
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let (bytes, _) = own.recv_from(&mut datagram)?;
        own.send_to(datagram.get(..bytes).unwrap_or_default(), to)?;
    }
}

//! From the start of a process to the first frame that it serves.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::site::Site;
use crate::alternate::alternate;
use crate::child::Child;
use crate::figure::Figure;
use crate::section::Run;

/// The service's, beside that of a process which does nothing but pass datagrams on.
///
/// # Errors
/// When one of them does not serve.
pub(super) fn measure(binary: &Path, run: &Run) -> Result<Figure> {
    let rounds = alternate(run.choose(11, 2), || service(binary), forwarder)?;
    let name = "from its start to the first frame served";
    Ok(rounds.figure(name, "ms", |time| time.as_secs_f64() * 1e3))
}

fn service(binary: &Path) -> Result<Duration> {
    let began = Instant::now();
    let mut site = Site::start(binary)?;
    site.wait_until_served()?;
    Ok(began.elapsed())
}

fn forwarder() -> Result<Duration> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let began = Instant::now();
    let to = socket.local_addr()?.port().to_string();
    let child = Child::start("forwarder", &["--to".to_owned(), to])?;
    socket.send_to(b"frame", (Ipv4Addr::LOCALHOST, child.port()?))?;
    socket.recv(&mut [0; 16])?;
    Ok(began.elapsed())
}

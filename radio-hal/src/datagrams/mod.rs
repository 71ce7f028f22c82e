//! Several UDP datagrams by one system call.
//!
//! On Linux by `recvmmsg` and `sendmmsg`, and what has one size and one receiver by
//! `UDP_SEGMENT`; elsewhere one datagram by each call, behind the same functions.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::ControlFlow;

use memmap2::MmapMut;

#[cfg(target_os = "linux")]
mod segments;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "one_by_one.rs"]
mod system;

/// The most datagrams of one system call.
pub const DATAGRAMS_PER_CALL_MAX: usize = 32;

/// Room for each datagram, in octets: the longest has 65,527, so none is ever
/// cut.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// Room for datagrams that are received together.
///
/// It has 64 KiB of address space for each; memory is taken as datagrams fill it,
/// one page for each datagram of up to 4 KiB. What a burst of larger ones took is given
/// back once it is over.
pub struct DatagramReceiver {
    /// Of the system, not of the allocator: only so is it certain to be untouched.
    octets: MmapMut,
    received: Vec<Received>,
    /// Octets of the largest call since `octets` are there.
    call_bytes_max: usize,
}

/// Octets of one call that are kept for the next.
const KEPT_BYTES_MAX: usize = 256 * 1024;

/// How many octets a datagram has, and whom it is from.
type Received = (usize, Option<SocketAddr>);

impl DatagramReceiver {
    /// Room for 1 to [`DATAGRAMS_PER_CALL_MAX`] datagrams; what is outside is
    /// taken for the nearer of the two.
    ///
    /// # Errors
    /// When the system has no room.
    pub fn new(datagrams_max: usize) -> io::Result<Self> {
        let datagrams_max = datagrams_max.clamp(1, DATAGRAMS_PER_CALL_MAX);
        Ok(Self {
            octets: MmapMut::map_anon(datagrams_max * DATAGRAM_BYTES_MAX)?,
            received: Vec::with_capacity(datagrams_max),
            call_bytes_max: 0,
        })
    }

    /// Waits for a datagram as the socket's read timeout says, then takes what is
    /// there, in the order of arrival, each with its source where the system names
    /// one. Every datagram is whole; it may be empty.
    ///
    /// # Errors
    /// Those of [`UdpSocket::recv_from`]; nothing was received then.
    pub fn receive(
        &mut self,
        socket: &UdpSocket,
    ) -> io::Result<impl ExactSizeIterator<Item = (&[u8], Option<SocketAddr>)>> {
        self.let_go_after_a_burst();
        self.received.clear();
        system::receive(socket, &mut self.octets, &mut self.received)?;
        let bytes = self.received.iter().map(|(octets, _)| octets).sum();
        self.call_bytes_max = self.call_bytes_max.max(bytes);
        let places = self.octets.chunks_exact(DATAGRAM_BYTES_MAX);
        let datagrams = self.received.iter().zip(places);
        Ok(datagrams.map(|((octets, source), place)| {
            let datagram = place.get(..*octets).unwrap_or(place);
            (datagram, *source)
        }))
    }

    /// After a call with places to spare, nothing more waited.
    fn let_go_after_a_burst(&mut self) {
        let is_over = self.received.len() < self.octets.len() / DATAGRAM_BYTES_MAX;
        if is_over && self.call_bytes_max > KEPT_BYTES_MAX {
            // Where the system has no room, what was taken is used again.
            if let Ok(untouched) = MmapMut::map_anon(self.octets.len()) {
                self.octets = untouched;
                self.call_bytes_max = 0;
            }
        }
    }
}

impl fmt::Debug for DatagramReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatagramReceiver")
            .field("datagrams_max", &(self.octets.len() / DATAGRAM_BYTES_MAX))
            .finish_non_exhaustive()
    }
}

/// Sends datagrams in order, up to the first that cannot be sent, and gives how
/// many were sent.
///
/// # Errors
/// That of the first datagram, with none sent. An error at a later one ends the
/// call; it comes back when that datagram is offered again.
pub fn send_all<'a>(
    socket: &UdpSocket,
    datagrams: impl IntoIterator<Item = (&'a [u8], SocketAddr)>,
) -> io::Result<usize> {
    let mut sent = 0;
    let mut failure = None;
    send(socket, datagrams, |outcome| match outcome {
        Ok(()) => {
            sent += 1;
            ControlFlow::Continue(())
        }
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    });
    match failure {
        Some(error) if sent == 0 => Err(error),
        _ => Ok(sent),
    }
}

/// Sends datagrams in order, each whatever became of those before it, and tells
/// the outcome of each, in that order.
pub fn send_each<'a>(
    socket: &UdpSocket,
    datagrams: impl IntoIterator<Item = (&'a [u8], SocketAddr)>,
    mut tell: impl FnMut(io::Result<()>),
) {
    send(socket, datagrams, |outcome| {
        tell(outcome);
        ControlFlow::Continue(())
    });
}

fn send<'a>(
    socket: &UdpSocket,
    datagrams: impl IntoIterator<Item = (&'a [u8], SocketAddr)>,
    mut tell: impl FnMut(io::Result<()>) -> ControlFlow<()>,
) {
    let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let mut batch = [(&[][..], nobody); DATAGRAMS_PER_CALL_MAX];
    let mut datagrams = datagrams.into_iter();
    loop {
        let mut datagrams_here = 0;
        for (place, datagram) in batch.iter_mut().zip(datagrams.by_ref()) {
            *place = datagram;
            datagrams_here += 1;
        }
        let mut rest = batch.get(..datagrams_here).unwrap_or_default();
        if rest.is_empty() {
            return;
        }
        while !rest.is_empty() {
            let (sent, error) = match system::send(socket, rest) {
                Ok(0) => (0, Some(io::ErrorKind::WriteZero.into())),
                Ok(sent) => (sent, None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => (0, Some(error)),
            };
            let outcomes = (0..sent).map(|_| Ok(())).chain(error.map(Err));
            for outcome in outcomes {
                rest = rest.get(1..).unwrap_or_default();
                if tell(outcome).is_break() {
                    return;
                }
            }
        }
    }
}

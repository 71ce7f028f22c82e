//! The control block: all that a service author brings.

use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::Arc;

use radio_hal::FrameBuffer;

use crate::config::CommsConfig;
use crate::error::CommsResult;

/// Gives one whole packet from the radio.
///
/// # For driver authors
///
/// One thread calls it, again and again, and never twice at once. Meanwhile
/// `write` is called by other threads: where both share a device, a `read` that
/// waits MUST NOT keep `write` from it.
///
/// - It MUST give one whole packet, without the radio's framing: no part of one
///   and not two. What is no packet is for the driver to drop.
/// - When nothing comes, it MUST return an empty vector or
///   [`CommsError::NoData`](crate::CommsError::NoData) within the time that
///   [`read_timeout`](crate::CommsServiceBuilder::read_timeout) says. Stopping
///   waits no longer than that; a `read` that does is left behind and named in
///   the [`ShutdownReport`](crate::ShutdownReport).
/// - It SHOULD wait that long rather than return at once. One that does not wait
///   is called about once per ms.
/// - Any other error is counted and told, and followed by a pause of 10 ms, which
///   doubles up to 1 s until a call succeeds. An error MUST NOT cost a packet
///   that the radio has received whole.
/// - A panic is caught and treated as an error; state behind a mutex may then be
///   poisoned.
pub type ReadFn<Connection> = dyn Fn(&Connection) -> CommsResult<Vec<u8>> + Send + Sync + 'static;

/// Hands one packet to the radio, and returns when the radio took it.
///
/// # For driver authors
///
/// A `write` is never called twice at once, but not always by the same thread: by its
/// own, and, once 64 calls in a row took at most 1 ms each, by those that bring packets
/// while its own has nothing to do: those of the downlink endpoints, and that of the
/// handlers. Several `write`
/// functions and `read` are called at the same time.
///
/// - It MUST send the packet whole, as one unit that the other end's `read` gives
///   whole, or return an error.
/// - It MAY block for as long as the radio needs: nothing but this queue waits
///   for it. (A downlink endpoint or the handlers may, for one call, when the radio
///   turns slow; the kernel keeps what comes for them meanwhile.) It MUST return at last; at a stop it has the read timeout plus the
///   handlers' timeout for that. One that takes longer is left behind and named
///   in the [`ShutdownReport`](crate::ShutdownReport).
/// - It MUST NOT return before the radio, or a buffer that loses nothing, has the
///   packet: what it returns from counts as sent.
/// - While the radio takes nothing, being busy or gone, it SHOULD return
///   [`CommsError::NotReady`](crate::CommsError::NotReady): the same packet is
///   offered again after a pause of 10 ms, which doubles up to 100 ms. The packet
///   MUST NOT have been sent whole then.
/// - After any other error it is not called again for the same message: all of that
///   message is dropped and counted, since the other end cannot use the rest.
///   The next message follows after a pause of 10 ms, which doubles up to 1 s
///   until a call succeeds. What a driver can repeat itself, it SHOULD.
/// - A panic is caught and treated as an error; state behind a mutex may then be
///   poisoned.
pub type WriteFn<Connection> =
    dyn Fn(&Connection, &[u8]) -> CommsResult<()> + Send + Sync + 'static;

/// Gives all whole packets that the radio has, as far as a bound of its own: a
/// [`ReadFn`] that saves a call, and often a system call, for each.
///
/// # For driver authors
///
/// What holds of [`ReadFn`] holds of it. It appends packets to the buffer, in the
/// order in which they came, and waits for the first of them only. Packets that it
/// appended before an error are taken all the same.
pub type ReadManyFn<Connection> =
    dyn Fn(&Connection, &mut FrameBuffer) -> CommsResult<()> + Send + Sync + 'static;

/// Hands packets from the front of the buffer to the radio, in their order, and gives
/// how many the radio took: a [`WriteFn`] that saves a call, and often a system call,
/// for each.
///
/// # For driver authors
///
/// What holds of [`WriteFn`] holds of it for each packet.
///
/// - It MUST take at least one packet, or return an error, which is that of the first
///   packet. An error at a later one ends the call: those before it are counted, and
///   the rest is offered again.
/// - It SHOULD NOT block for more than the first: what is urgent waits behind all that
///   it was given.
pub type WriteManyFn<Connection> =
    dyn Fn(&Connection, &FrameBuffer) -> CommsResult<usize> + Send + Sync + 'static;

/// What a communications service consists of: its radio, and where its services
/// are.
#[derive(Clone)]
pub struct CommsControlBlock<Connection: Clone> {
    /// Reads from the radio; `None` for a radio that only transmits.
    pub read: Option<Arc<ReadFn<Connection>>>,
    /// Write to the radio. Answers leave by the first; each has a downlink
    /// endpoint of its own.
    pub write: Vec<Arc<WriteFn<Connection>>>,
    /// What `read` is called with.
    pub read_conn: Connection,
    /// What each `write` is called with.
    pub write_conn: Connection,
    /// First local port of the handlers' UDP sockets.
    pub handler_port_min: u16,
    /// Last local port of the handlers' UDP sockets.
    pub handler_port_max: u16,
    /// Queries with services at once.
    pub max_num_handlers: u16,
    /// How long a service may take for its answer, in ms.
    pub timeout: u64,
    /// Address of the ground, in the checksums of format `udp`.
    pub ground_ip: Ipv4Addr,
    /// Address of the services.
    pub satellite_ip: Ipv4Addr,
    /// UDP ports from which datagrams go down: one for each `write`, or `None`
    /// for no endpoint.
    pub downlink_ports: Option<Vec<u16>>,
    /// Port of the ground that format `udp` sends the datagrams of apps to.
    pub ground_port: Option<u16>,
}

impl<Connection: Clone> CommsControlBlock<Connection> {
    /// The short form: everything but the radio from the configuration.
    ///
    /// # Errors
    /// [`CommsError::Address`](crate::error::CommsError::Address) where an
    /// address of `config` is no IPv4 address.
    pub fn new(
        read: Option<Arc<ReadFn<Connection>>>,
        write: Vec<Arc<WriteFn<Connection>>>,
        read_conn: Connection,
        write_conn: Connection,
        config: CommsConfig,
    ) -> CommsResult<Self> {
        Ok(CommsControlBlock {
            read,
            write,
            read_conn,
            write_conn,
            handler_port_min: config.handler_port_min,
            handler_port_max: config.handler_port_max,
            max_num_handlers: config.max_num_handlers,
            timeout: config.timeout,
            ground_ip: Ipv4Addr::from_str(&config.ground_ip)?,
            satellite_ip: Ipv4Addr::from_str(&config.satellite_ip)?,
            downlink_ports: config.downlink_ports,
            ground_port: config.ground_port,
        })
    }
}

//! The control block: all that a service author brings.

use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::Arc;

use crate::config::CommsConfig;
use crate::error::CommsResult;

/// Gives one whole packet from the radio. An empty vector or
/// [`CommsError::NoData`](crate::error::CommsError::NoData) means "nothing yet".
/// It should not block for much longer than the service may take to stop.
pub type ReadFn<Connection> = dyn Fn(&Connection) -> CommsResult<Vec<u8>> + Send + Sync + 'static;

/// Hands one packet to the radio, and returns when the radio took it.
pub type WriteFn<Connection> =
    dyn Fn(&Connection, &[u8]) -> CommsResult<()> + Send + Sync + 'static;

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

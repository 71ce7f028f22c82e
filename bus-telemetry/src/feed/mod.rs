//! What programs on board tell: partial snapshots as JSON, one in each datagram.

mod board;
mod check;
mod snapshot;
mod udp;

pub use board::Board;
pub use snapshot::{DATAGRAM_OCTETS_MAX, FeedError, Snapshot};
pub use udp::{Counters, UdpFeed};

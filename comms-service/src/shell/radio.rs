//! The radio's functions, as the threads call them: several packets by one call,
//! whether the functions take several or one.

use std::sync::Arc;

use radio_hal::FrameBuffer;

use super::transmit::{self, Outlets};

use crate::control::{ReadFn, ReadManyFn, WriteFn, WriteManyFn};
use crate::error::CommsError;

/// The radio's functions, and what they are called with.
pub(crate) struct RadioFunctions<Connection> {
    pub(crate) read: Option<Reading<Connection>>,
    pub(crate) write: Vec<(Writing<Connection>, Connection)>,
}

/// A `read`, and what it is called with.
pub(crate) type Reading<Connection> = (Arc<ReadManyFn<Connection>>, Connection);

impl<Connection: Send + 'static> RadioFunctions<Connection> {
    /// How many packets `write` number `write` is given by one call at most.
    pub(crate) fn packets_max(&self, write: usize) -> usize {
        self.write
            .get(write)
            .map_or(1, |(write, _)| write.packets_max)
    }

    /// The same, with the way of packets to each `write`.
    pub(crate) fn into_parts(self) -> (Option<Reading<Connection>>, Outlets) {
        (self.read, transmit::outlets(self.write))
    }
}

/// A `write`, and how many packets it is given at most.
#[derive(Clone)]
pub(crate) struct Writing<Connection> {
    pub(super) write: Arc<WriteManyFn<Connection>>,
    pub(super) packets_max: usize,
}

impl<Connection: 'static> Writing<Connection> {
    /// One packet by each call. It may block until the packet is on the air, and what
    /// is urgent would wait behind all that it was given.
    pub(crate) fn one(write: Arc<WriteFn<Connection>>) -> Self {
        let write = move |connection: &Connection, packets: &FrameBuffer| match packets.get(0) {
            Some(packet) => write(connection, packet).map(|()| 1),
            None => Ok(0),
        };
        Writing {
            write: Arc::new(write),
            packets_max: 1,
        }
    }

    /// Up to `packets_max` packets by each call.
    pub(crate) fn many(write: Arc<WriteManyFn<Connection>>, packets_max: usize) -> Self {
        let packets_max = packets_max.max(1);
        Writing { write, packets_max }
    }
}

/// One packet by each call.
pub(crate) fn reading_one<Connection: 'static>(
    read: Arc<ReadFn<Connection>>,
) -> Arc<ReadManyFn<Connection>> {
    Arc::new(
        move |connection: &Connection, packets: &mut FrameBuffer| match read(connection) {
            Ok(packet) => {
                packets.push(&packet);
                Ok(())
            }
            Err(CommsError::NoData) => Ok(()),
            Err(error) => Err(error),
        },
    )
}

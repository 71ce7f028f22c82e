//! A file in the body of a request that was done before.

use oort_bundle::Summing;

use super::{Agent, AgentError};
use crate::item::Uuid;
use crate::limits::STREAM_BYTES_MAX;
use crate::store::StoreError;

/// The same file again, says its key: it is read to see whether it is, and nothing of it stays.
pub struct Again<'a> {
    agent: &'a Agent,
    key: String,
    id: Uuid,
    summing: Summing,
}

impl<'a> Again<'a> {
    pub(super) fn of(agent: &'a Agent, key: String, id: Uuid) -> Self {
        Again {
            agent,
            key,
            id,
            summing: Summing::default(),
        }
    }

    /// The item of the first request.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// More of it.
    ///
    /// # Errors
    /// It is longer than [`STREAM_BYTES_MAX`].
    pub fn write(&mut self, octets: &[u8]) -> Result<(), AgentError> {
        self.summing.add(octets);
        let is_long = self.summing.bytes() > STREAM_BYTES_MAX;
        let too_long = || StoreError::TooLong(STREAM_BYTES_MAX);
        self.agent.counted(match is_long {
            true => Err(too_long().into()),
            false => Ok(()),
        })
    }

    /// All of it is there: the item of the first request.
    ///
    /// # Errors
    /// [`AgentError::KeyOfOtherOctets`].
    pub fn finish(self) -> Result<Uuid, AgentError> {
        let known = self.agent.state().sha256(self.id);
        let is_other = known.is_some_and(|known| known != self.summing.finish().sha256);
        self.agent.counted(match is_other {
            true => Err(AgentError::KeyOfOtherOctets(self.key)),
            false => Ok(self.id),
        })
    }
}

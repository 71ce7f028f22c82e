//! What came up: files that a payload finds and takes.

use std::collections::{HashSet, VecDeque};
use std::io::Read;

use super::room::Room;
use super::{Agent, AgentError};
use crate::item::{FileInfo, Topic, TransferMeta, Uuid};
use crate::limits::{QUERY_FILES_MAX, RETRIEVED_MAX};
use crate::store::{Page, StoreError};

/// Uploads that payloads took: none of them is one again, though it should come up again.
#[derive(Debug, Default)]
pub(super) struct Retrieved {
    order: VecDeque<Uuid>,
    ids: HashSet<Uuid>,
}

impl Retrieved {
    /// One more; the oldest is forgotten where there are too many.
    pub(super) fn add(&mut self, id: Uuid) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > RETRIEVED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    fn has(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }
}

impl Agent {
    /// Uploads of a topic, the oldest first.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn query(&self, topic: &Topic) -> Result<Page, AgentError> {
        Ok(self.uploads().query(&self.store, topic, QUERY_FILES_MAX)?)
    }

    /// Puts an upload where the client says; it is gone from the uploads then.
    ///
    /// # Errors
    /// [`AgentError`]: the upload is where it was.
    pub fn retrieve(&self, id: &str, to: &str) -> Result<FileInfo, AgentError> {
        self.counted(self.retrieve_uncounted(id, to))
    }

    fn retrieve_uncounted(&self, id: &str, to: &str) -> Result<FileInfo, AgentError> {
        let mut uploads = self.uploads();
        let id: Uuid = id.parse().map_err(|_| StoreError::NoUpload)?;
        let info = uploads.find(&self.store, id)?;
        // Before it goes: whoever brought it up may not know yet that it was taken.
        if !self.was_retrieved(id) {
            let written = self.journal().retrieve(id);
            written.map_err(|error| AgentError::Journal(error.to_string()))?;
            self.state().retrieved.add(id);
        }
        self.store.retrieve(&info, to)?;
        uploads.forget(id);
        let mut state = self.state();
        state.counts.retrieved = state.counts.retrieved.saturating_add(1);
        Ok(info)
    }

    /// Puts a file that came up among the uploads, once: one that is there, or that a payload
    /// took, stays as it is. Nothing that is queued goes for it.
    ///
    /// # Errors
    /// There is no room above what is to be left free; the disk; or its data is not what its
    /// meta says.
    pub(crate) fn put_upload(
        &self,
        meta: &TransferMeta,
        data: impl Read,
    ) -> Result<(), AgentError> {
        let id = meta.file_info.id;
        if self.store.has_upload(id) || self.was_retrieved(id) {
            return Ok(());
        }
        let mut room = Room::of(self);
        room.make(meta.file_info.size, None)?;
        Ok(self.store.put_upload(meta, room.of_what_is_read(data))?)
    }

    fn was_retrieved(&self, id: Uuid) -> bool {
        self.state().retrieved.has(id)
    }
}

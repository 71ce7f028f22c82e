//! What came up: files that a payload finds and takes.

use std::collections::{HashSet, VecDeque};
use std::io::Read;

use super::room::Room;
use super::{Agent, AgentError};
use crate::item::{FileInfo, Topic, TransferMeta, Uuid};
use crate::limits::{QUERY_FILES_MAX, RETRIEVED_MAX};
use crate::store::{Page, StoreError};
use crate::work_directory as names;

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

    /// It was not, after all.
    fn forget(&mut self, id: Uuid) {
        if self.ids.remove(&id) {
            self.order.retain(|other| *other != id);
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
        let page = self.uploads.query(&self.store, topic, QUERY_FILES_MAX);
        self.write_checked();
        Ok(page?)
    }

    /// Puts an upload where the client says; it is gone from the uploads then.
    ///
    /// # Errors
    /// [`AgentError`]: the upload is where it was.
    pub fn retrieve(&self, id: &str, to: &str) -> Result<FileInfo, AgentError> {
        self.counted(self.retrieve_uncounted(id, to))
    }

    fn retrieve_uncounted(&self, id: &str, to: &str) -> Result<FileInfo, AgentError> {
        let id: Uuid = id.parse().map_err(|_| StoreError::NoUpload)?;
        let info = self.uploads.take(&self.store, id)?;
        let moved = self.move_upload(&info, to);
        self.uploads.let_go(id, moved.is_ok());
        moved?;
        let mut state = self.state();
        state.counts.retrieved = state.counts.retrieved.saturating_add(1);
        Ok(info)
    }

    /// It is written down before it goes: whoever brought it up may not know yet that it was
    /// taken, and a process that ends in between is not to let it come twice. Where it does not
    /// go, that is taken back: it may be lost here and come up again.
    fn move_upload(&self, info: &FileInfo, to: &str) -> Result<(), AgentError> {
        let id = info.id;
        let to = self.store.destination(to)?;
        if !self.was_retrieved(id) {
            let written = self.journal().retrieve(id);
            written.map_err(|error| AgentError::Journal(error.to_string()))?;
            self.state().retrieved.add(id);
        }
        let moved = self.store.retrieve(info, &to);
        if moved.is_err() {
            self.not_retrieved(&[id]);
        }
        Ok(moved?)
    }

    fn not_retrieved(&self, ids: &[Uuid]) {
        let mut state = self.state();
        ids.iter().for_each(|id| state.retrieved.forget(*id));
        drop(state);
        if let Err(error) = self.journal().not_retrieved(ids) {
            log::error!("what was not retrieved cannot be written down: {error}");
        }
    }

    /// At the start: what an earlier process wrote down and did not move.
    pub(super) fn recover_retrievals(&self) -> Result<(), StoreError> {
        let uploads = &self.store.places.uploads;
        let there = names::ids(uploads, names::META_SUFFIX).map_err(StoreError::at(uploads))?;
        let is_here = |id: &Uuid| self.was_retrieved(*id) && self.store.has_upload(*id);
        let here: Vec<Uuid> = there.into_iter().filter(is_here).collect();
        self.not_retrieved(&here);
        Ok(())
    }

    /// Writes down whose data was read and is right, so that it is not read again.
    pub(super) fn write_checked(&self) {
        let news = self.uploads.take_news();
        if let Err(error) = self.journal().check(&news) {
            log::warn!("which uploads are right cannot be written down: {error}");
        }
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
        let checked = self.store.put_upload(meta, room.of_what_is_read(data))?;
        self.uploads.put(id, checked);
        self.write_checked();
        Ok(())
    }

    fn was_retrieved(&self, id: Uuid) -> bool {
        self.state().retrieved.has(id)
    }
}

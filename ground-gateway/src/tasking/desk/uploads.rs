//! Files are handed over, and looked at.
//!
//! Their octets stand beneath the directory of uploads by their id, whole and on the disk,
//! before the store knows of them; what stands there and the store does not know, is removed.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Answer, Asked, Caller, Desk, keys, page};
use crate::delivery::draw;
use crate::tasking::problem::Problem;
use crate::tasking::rules::Refused;
use crate::tasking::step::Step;
use crate::tasking::store::{NewUpload, StoreError, UploadFilter};
use crate::tasking::token::Role;
use crate::tasking::upload::{Upload, UploadOrder, UploadState, check_destination};

/// What an upload is called until all of it is there.
const PART: &str = "part";

/// A file that comes. Nothing is left of one that is dropped before its end.
#[derive(Debug)]
pub(crate) struct Incoming {
    id: String,
    name: String,
    file: File,
    part: PathBuf,
    hasher: blake3::Hasher,
    bytes: u64,
    is_named: bool,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_named {
            let _ = fs::remove_file(&self.part);
        }
    }
}

impl Desk {
    /// Where the octets of an upload are.
    pub(crate) fn upload_file(&self, id: &str) -> PathBuf {
        self.uploads.join(id)
    }

    /// Begins to take a file, of which so many octets are announced.
    pub(crate) fn begin_upload(
        &self,
        asked: &Asked,
        order: &UploadOrder,
        bytes: u64,
    ) -> Result<Incoming, Problem> {
        asked.caller.may(Role::Tasker)?;
        asked.caller.may_ask_of(&order.satellite)?;
        let satellite = self.plan.satellite(&order.satellite);
        let none = || Refused::NoSatellite(order.satellite.clone());
        let payload = satellite.ok_or_else(none)?.payload(&order.payload);
        let payload = payload.ok_or_else(|| {
            Problem::not_found(format!(
                "satellite `{}` has no payload `{}`",
                order.satellite, order.payload
            ))
        })?;
        if payload.topic.is_none() {
            let detail = format!("payload `{}` takes no uploads", payload.name);
            return Err(Problem::invalid(detail));
        }
        let name = check_destination(&order.destination).map_err(Problem::invalid)?;
        self.has_place()?;
        self.has_room(bytes)?;
        let id = draw().map_err(|problem| {
            log::error!("{problem}");
            Problem::failed()
        })?;
        let part = self.uploads.join(format!("{id}.{PART}"));
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let file = options
            .open(&part)
            .map_err(|error| of_disk(&part, &error))?;
        Ok(Incoming {
            id,
            name: name.to_owned(),
            file,
            part,
            hasher: blake3::Hasher::new(),
            bytes: 0,
            is_named: false,
        })
    }

    fn has_place(&self) -> Result<(), Problem> {
        let count = self.store.look(|tables| tables.count_open_uploads())?;
        match count < self.plan.uploads_open_max {
            true => Ok(()),
            false => Err(Problem::too_many(
                format!("{count} uploads have not ended (uploads-open-max)"),
                60,
            )),
        }
    }

    fn has_room(&self, bytes: u64) -> Result<(), Problem> {
        let system = rustix::fs::statvfs(&self.uploads);
        let system = system.map_err(|error| of_disk(&self.uploads, &error.into()))?;
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        let least = self.plan.free_bytes_min;
        match free >= bytes.saturating_add(least) {
            true => Ok(()),
            false => Err(Problem::no_room(format!(
                "the disk has {free} octets free, of which {least} are left free (free-bytes-min)"
            ))),
        }
    }

    /// Some of its octets have come.
    pub(crate) fn write_upload(
        &self,
        incoming: &mut Incoming,
        octets: &[u8],
    ) -> Result<(), Problem> {
        let bytes = incoming.bytes.saturating_add(octets.len() as u64);
        let most = self.plan.upload_bytes_max;
        if bytes > most {
            let detail = format!("a file has at most {most} octets (upload-bytes-max)");
            return Err(Problem::too_large(detail));
        }
        let written = incoming.file.write_all(octets);
        written.map_err(|error| of_disk(&incoming.part, &error))?;
        incoming.hasher.update(octets);
        incoming.bytes = bytes;
        Ok(())
    }

    /// All of it has come: it is taken.
    pub(crate) fn end_upload(
        &self,
        asked: &Asked,
        order: &UploadOrder,
        mut incoming: Incoming,
    ) -> Result<Answer, Problem> {
        let on_disk = incoming.file.sync_all();
        on_disk.map_err(|error| of_disk(&incoming.part, &error))?;
        self.step(Step::UploadWritten);
        let file = self.upload_file(&incoming.id);
        let named = fs::rename(&incoming.part, &file).and_then(|()| sync(&self.uploads));
        named.map_err(|error| of_disk(&file, &error))?;
        incoming.is_named = true;
        self.step(Step::UploadNamed);
        let key = asked
            .key
            .map(|key| key.and(incoming.hasher.finalize().as_bytes()));
        let asked = Asked {
            key: key.as_ref(),
            ..*asked
        };
        let taken = self.take(&asked, order, &incoming);
        if !matches!(taken, Ok((_, true))) {
            // It was taken before, or will not be.
            let _ = fs::remove_file(&file);
        }
        let (answer, _) = taken?;
        self.step(Step::UploadTaken);
        Ok(answer)
    }

    /// The answer, and whether it is taken by this request.
    fn take(
        &self,
        asked: &Asked,
        order: &UploadOrder,
        incoming: &Incoming,
    ) -> Result<(Answer, bool), Problem> {
        self.store.change(|tables| {
            if let Some(answer) = keys::known(tables, asked)? {
                return Ok((answer, false));
            }
            let count = tables.count_open_uploads()?;
            if count >= self.plan.uploads_open_max {
                let detail = format!("{count} uploads have not ended (uploads-open-max)");
                return Err(Problem::too_many(detail, 60));
            }
            let upload = NewUpload {
                id: &incoming.id,
                order,
                name: &incoming.name,
                user: &asked.caller.name,
                bytes: incoming.bytes,
            };
            tables.add_upload(&upload, asked.now.s())?;
            let detail = format!(
                "{} octets for {} of {} as {}",
                incoming.bytes, order.payload, order.satellite, order.destination
            );
            tables.log(&asked.entry(200, incoming.id.clone(), detail))?;
            let answer = Answer::data(&json!({ "id": incoming.id }));
            keys::keep(tables, asked, &answer)?;
            Ok((answer, true))
        })
    }

    /// Cancels an upload of which nothing went up yet.
    pub(crate) fn cancel_upload(&self, asked: &Asked, id: &str) -> Result<Answer, Problem> {
        asked.caller.may(Role::Tasker)?;
        let answer = self.store.change(|tables| {
            let none = || Problem::not_found(format!("there is no upload {id:?}"));
            let upload = tables.upload(id)?.ok_or_else(none)?;
            asked.caller.may_ask_of(&upload.order.satellite)?;
            match upload.state {
                UploadState::Pending => {
                    let why = "cancelled before it went up";
                    tables.set_upload(id, UploadState::Cancelled, why, asked.now.s())?;
                }
                UploadState::Cancelled => {}
                state => {
                    let detail = format!("upload {id:?} is {state}: it went up, or goes");
                    return Err(Problem::conflict(detail));
                }
            }
            let state = UploadState::Cancelled.as_str();
            tables.log(&asked.entry(200, id.to_owned(), state.to_owned()))?;
            Ok(Answer::data(&json!({ "id": id, "status": state })))
        })?;
        remove(&self.upload_file(id));
        Ok(answer)
    }

    /// Those that a filter lets through and the caller may see, the newest first; and the id
    /// before which there are more.
    pub(crate) fn uploads(
        &self,
        caller: &Caller,
        mut filter: UploadFilter,
    ) -> Result<(Vec<Upload>, Option<String>), Problem> {
        self.may_list(caller, filter.satellite.as_deref())?;
        filter.satellites.clone_from(&caller.satellites);
        let limit = filter.limit;
        filter.limit = limit.saturating_add(1);
        let uploads = self.store.look(|tables| tables.uploads(&filter))?;
        Ok(page(uploads, limit, |upload| upload.id.clone()))
    }

    /// Removes octets of uploads that the store does not know, or that have ended.
    pub(super) fn remove_strays(&self) -> Result<(), StoreError> {
        let open = self.store.look(|tables| tables.open_upload_ids())?;
        let wanted = BTreeSet::from_iter(open);
        let Ok(entries) = fs::read_dir(&self.uploads) else {
            return Ok(());
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !wanted.contains(&name) {
                remove(&entry.path());
            }
        }
        Ok(())
    }
}

fn remove(path: &Path) {
    let removed = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    if let Err(error) = removed
        && error.kind() != io::ErrorKind::NotFound
    {
        log::warn!("{} cannot be removed: {error}", path.display());
    }
}

/// What is in the folder has its name after a cut of the power, too.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn of_disk(path: &Path, error: &io::Error) -> Problem {
    log::error!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Problem::no_room("the disk of the ground is full")
        }
        _ => Problem::failed(),
    }
}

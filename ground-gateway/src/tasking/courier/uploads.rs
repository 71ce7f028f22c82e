//! Files of a satellite on their way up.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::round::Courier;
use super::uplink::Silence;
use crate::delivery::{self, bundle_as};
use crate::files::transfer::{State, Transfer};
use crate::tasking::moment::Now;
use crate::tasking::step::Step;
use crate::tasking::store::StoreError;
use crate::tasking::upload::{Upload, UploadState};

/// Uploads of one satellite under way at once.
const AT_ONCE_MAX: usize = 4;
/// Between two looks how they stand.
const LOOK_MS: i64 = 1_000;
/// Pauses after the link took none: the first, and the longest.
const PAUSE_MIN_MS: i64 = 2_000;
const PAUSE_MAX_MS: i64 = 60_000;
/// So often the link may refuse an upload before it has failed.
const REFUSALS_MAX: u32 = 8;

/// What is remembered of them between two rounds; nothing of it is needed after a restart.
#[derive(Debug)]
pub(super) struct Uploads {
    next_ms: i64,
    pause_ms: i64,
    refusals: BTreeMap<String, u32>,
}

impl Default for Uploads {
    fn default() -> Self {
        Uploads {
            next_ms: i64::MIN,
            pause_ms: PAUSE_MIN_MS,
            refusals: BTreeMap::new(),
        }
    }
}

impl Uploads {
    /// Looks how they stand, and orders the next; whether anything changed.
    pub(super) fn round(
        &mut self,
        courier: &Courier,
        now: Now,
        in_contact: Option<bool>,
    ) -> Result<bool, StoreError> {
        // Where the clock was put back, the pause is no longer than it can be.
        if (1..=PAUSE_MAX_MS).contains(&self.next_ms.saturating_sub(now.ms)) {
            return Ok(false);
        }
        self.next_ms = now.ms.saturating_add(LOOK_MS);
        let satellite = &courier.satellite.id;
        let store = &courier.desk.store;
        let open = store.look(|tables| tables.open_uploads(satellite))?;
        self.refusals
            .retain(|id, _| open.iter().any(|upload| upload.id == *id));
        let (under_way, waiting): (Vec<_>, Vec<_>) = open
            .into_iter()
            .partition(|upload| upload.state == UploadState::Uploading);
        let mut has_changed = false;
        if !under_way.is_empty() {
            match courier.uplink.transfers() {
                Ok(transfers) => {
                    for upload in &under_way {
                        has_changed |= self.follow(courier, now, upload, &transfers)?;
                    }
                }
                Err(why) => {
                    self.rest(now, &why);
                    return Ok(false);
                }
            }
        }
        // The file entity waits for contact by itself; but what has begun to go up is not
        // cancelled as lightly.
        let room = AT_ONCE_MAX.saturating_sub(under_way.len());
        if in_contact == Some(false) {
            return Ok(has_changed);
        }
        for upload in waiting.iter().take(room) {
            let noted = courier.desk.store.change(|tables| {
                tables.set_upload(&upload.id, UploadState::Uploading, "", now.s())
            })?;
            if noted {
                courier.desk.step(Step::UploadNoted);
                self.send(courier, now, upload)?;
                has_changed = true;
            }
        }
        Ok(has_changed)
    }

    /// What became of one that was ordered, or was to be.
    fn follow(
        &mut self,
        courier: &Courier,
        now: Now,
        upload: &Upload,
        transfers: &[Transfer],
    ) -> Result<bool, StoreError> {
        let is_of = |transfer: &&Transfer| {
            let name = Path::new(&transfer.local).file_name();
            name.is_some_and(|name| name.to_string_lossy().starts_with(&upload.id))
        };
        // Of two orders of the same, the newer is the last.
        match transfers.iter().rev().find(is_of) {
            None => {
                self.send(courier, now, upload)?;
                Ok(true)
            }
            Some(transfer) => match transfer.state {
                State::Arrived => end(courier, now, upload, UploadState::Uploaded, ""),
                State::Failed => {
                    let why = transfer.failure.as_deref().unwrap_or("it did not arrive");
                    end(courier, now, upload, UploadState::Failed, why)
                }
                _ => Ok(false),
            },
        }
    }

    /// Orders it; what was ordered already is not ordered again, by its key.
    fn send(&mut self, courier: &Courier, now: Now, upload: &Upload) -> Result<(), StoreError> {
        match order(courier, upload) {
            Ok(()) => {
                self.pause_ms = PAUSE_MIN_MS;
                self.refusals.remove(&upload.id);
                courier.desk.step(Step::UploadOrdered);
                Ok(())
            }
            Err(why) => {
                let refusals = self.refusals.entry(upload.id.clone()).or_default();
                *refusals += 1;
                let is_over = *refusals >= REFUSALS_MAX;
                log::warn!("upload {}: {}", upload.id, why.0);
                self.rest(now, &why);
                if is_over {
                    end(courier, now, upload, UploadState::Failed, &why.0)?;
                }
                Ok(())
            }
        }
    }

    fn rest(&mut self, now: Now, why: &Silence) {
        log::info!("uploads wait {} ms: {}", self.pause_ms, why.0);
        self.next_ms = now.ms.saturating_add(self.pause_ms);
        self.pause_ms = self.pause_ms.saturating_mul(2).min(PAUSE_MAX_MS);
    }
}

fn order(courier: &Courier, upload: &Upload) -> Result<(), Silence> {
    let payload = courier.satellite.payload(&upload.order.payload);
    let topic = payload.and_then(|payload| payload.topic.as_deref());
    let topic = topic.ok_or_else(|| {
        Silence(format!(
            "satellite `{}` has no payload `{}` any more that takes uploads",
            courier.satellite.id, upload.order.payload
        ))
    })?;
    let mode = match upload.order.is_executable {
        true => "755",
        false => "644",
    };
    let said = delivery::Upload {
        topic,
        tags: BTreeMap::new(),
        dest_path: Some(&upload.order.destination),
        mode: Some(mode),
        name: Some(&upload.name),
        // The same octets whenever it is made.
        time_s: Some(upload.taken_s),
    };
    let file = courier.desk.upload_file(&upload.id);
    let folder = courier.desk.uploads.join(format!("{}.bundle", upload.id));
    // Left by a process that ended.
    if folder.exists() {
        let removed = fs::remove_dir_all(&folder);
        removed.map_err(|error| Silence(format!("{}: {error}", folder.display())))?;
    }
    let made = bundle_as(upload.id.clone(), folder, &file, &said);
    let made = made.map_err(|error| Silence(format!("{}: {error}", file.display())))?;
    courier.desk.step(Step::UploadBundled);
    let key = upload.id.replace('-', "");
    courier.uplink.put(&key, &made.path)
}

fn end(
    courier: &Courier,
    now: Now,
    upload: &Upload,
    state: UploadState,
    why: &str,
) -> Result<bool, StoreError> {
    let store = &courier.desk.store;
    let ended = store.change(|tables| tables.set_upload(&upload.id, state, why, now.s()))?;
    courier.desk.step(Step::UploadEnded);
    log::info!("upload {}: {state} {why}", upload.id);
    let file = courier.desk.upload_file(&upload.id);
    if let Err(error) = fs::remove_file(&file) {
        log::warn!("{} cannot be removed: {error}", file.display());
    }
    courier.desk.step(Step::UploadRemoved);
    Ok(ended)
}

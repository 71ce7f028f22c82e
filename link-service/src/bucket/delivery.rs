//! A leg to an inbox in a bucket.

use std::time::Duration;

use bucket_store::object_store::path::Path;
use bucket_store::object_store::{ObjectStoreExt as _, PutOptions};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::identity::{self, hex};
use super::keys;
use super::refused::Undone;
use super::upload::Upload;
use super::{Shared, Store};
use crate::code::Code;
use crate::desk::Errand;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::Refused;
use crate::names::AppId;
use crate::queue::Stop;
use crate::record::{Transfer, TransferId};
use crate::request::Recipient;

/// Before the desk is told again what its journal did not take.
const TELL_AGAIN: Duration = Duration::from_secs(1);

impl<F: Folders, J: Journal, S: Store> Shared<F, J, S> {
    /// Carries a leg to its end, or as far as that goes this time.
    pub(super) async fn carry(&self, errand: Errand) {
        let Errand { transfer, leg } = errand;
        let id = transfer.id;
        let ended = match self.deliver(&transfer, leg).await {
            Ok(hashes) => {
                self.desk.errand_hashed(id, &hashes);
                Ok(())
            }
            Err(Undone::Stopping | Undone::Stopped(Stop::Held | Stop::Preempted)) => {
                return self.desk.errand_stopped(id);
            }
            Err(Undone::Stopped(Stop::Cancelled)) => Err(Refused {
                code: Code::Cancelled,
                text: "it was cancelled".to_owned(),
            }),
            Err(Undone::Stopped(Stop::Expired)) => Err(Refused {
                code: Code::Expired,
                text: "it was not delivered in its time".to_owned(),
            }),
            Err(Undone::Never(why)) => Err(why),
            Err(Undone::Again(why)) => {
                self.counter.count(|counts| counts.failed += 1);
                log::info!("transfer {id}, bucket {}: {why}; tried again", self.name);
                self.tell(id, || self.desk.errand_failed(id, leg, &why))
                    .await;
                return;
            }
        };
        self.tell(id, || self.desk.errand_ended(id, leg, &ended))
            .await;
    }

    /// Tells the desk, until its journal has it or the service stops.
    async fn tell(&self, id: TransferId, told: impl Fn() -> Result<(), Refused>) {
        while let Err(refused) = told() {
            log::warn!("transfer {id}: {refused}; told again");
            if self.is_stopping.get() {
                return;
            }
            sleep(TELL_AGAIN).await;
        }
    }

    /// Puts all files where they are to be: their hashes.
    async fn deliver(&self, transfer: &Transfer, leg: usize) -> Result<Vec<[u8; 32]>, Undone> {
        let recipient = transfer.legs.get(leg).map(|leg| &leg.recipient);
        let Some(Recipient::App(app)) = recipient else {
            return Err(Undone::never(Code::Internal, "it leads to no app"));
        };
        let mut names = Vec::with_capacity(transfer.request.files.len());
        for name in &transfer.request.files {
            let key = keys::delivered(&self.bucket, app, transfer, name);
            names.push(key.map_err(Undone::Never)?);
        }
        if !keys::is_batch(transfer) {
            return self.put_all(transfer, &names).await;
        }
        let manifest = keys::manifest(&self.bucket, app, transfer).map_err(Undone::Never)?;
        match self.found(&manifest).await? {
            Some(found) if identity::is_of(&found.attributes, transfer) => {
                self.counter.count(|counts| counts.found += 1);
                return Ok(Vec::new());
            }
            Some(_) => return Err(exists(&manifest)),
            None => {}
        }
        let put = match self.put_all(transfer, &names).await {
            Ok(hashes) => {
                let put = self.put_manifest(transfer, app, &manifest, &hashes).await;
                put.map(|()| hashes)
            }
            Err(undone) => Err(undone),
        };
        if let Err(Undone::Never(_) | Undone::Stopped(Stop::Cancelled | Stop::Expired)) = &put {
            self.take_back(transfer, &names).await;
        }
        put
    }

    async fn put_all(&self, transfer: &Transfer, keys: &[Path]) -> Result<Vec<[u8; 32]>, Undone> {
        let mut hashes = Vec::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            let upload = Upload {
                transfer,
                index,
                key,
                // The files of a batch are nobody else's until it has a manifest.
                replaces: transfer.request.overwrite || keys::is_batch(transfer),
            };
            hashes.push(self.put(&upload).await?);
        }
        Ok(hashes)
    }

    /// Says that a batch is whole.
    async fn put_manifest(
        &self,
        transfer: &Transfer,
        app: &AppId,
        key: &Path,
        hashes: &[[u8; 32]],
    ) -> Result<(), Undone> {
        self.may_go_on(transfer)?;
        let octets = format!("{:#}\n", manifest(transfer, app, hashes)).into_bytes();
        let options = PutOptions {
            mode: self.bucket.create(),
            attributes: identity::attributes(transfer, blake3::hash(&octets).as_bytes()),
            ..PutOptions::default()
        };
        self.create(key, octets, options, transfer).await
    }

    /// Removes the files of a batch that never becomes whole.
    async fn take_back(&self, transfer: &Transfer, keys: &[Path]) {
        for key in keys {
            match self.found(key).await {
                Ok(Some(found)) if identity::is_of(&found.attributes, transfer) => {
                    if let Err(error) = self.bucket.store().delete(key).await {
                        log::warn!(
                            "{key} is of a batch that was not delivered, and stays: {error}"
                        );
                    }
                }
                Ok(_) => {}
                // The reader goes by manifests: it does not see it.
                Err(_) => return,
            }
        }
    }

    /// Whether a leg is to go on.
    pub(super) fn may_go_on(&self, transfer: &Transfer) -> Result<(), Undone> {
        if self.is_stopping.get() {
            return Err(Undone::Stopping);
        }
        match self.desk.errand_stop(transfer.id) {
            // What was put so far would be for nothing.
            None | Some(Stop::Preempted) => Ok(()),
            Some(stop) => Err(Undone::Stopped(stop)),
        }
    }
}

pub(super) fn exists(key: &Path) -> Undone {
    Undone::never(Code::AlreadyExists, format!("{key} is there already"))
}

fn manifest(transfer: &Transfer, app: &AppId, hashes: &[[u8; 32]]) -> Value {
    let request = &transfer.request;
    let files = request.files.iter().zip(&transfer.files).zip(hashes);
    let files = files.map(|((name, file), hash)| {
        json!({"name": name.as_str(), "size": file.size, "blake3": hex(hash)})
    });
    json!({
        "id": transfer.id.to_string(),
        "sender": transfer.sender.as_str(),
        "recipient": app.as_str(),
        "trackingId": request.request_id,
        "correlationId": request.correlation_id,
        "metadata": request.metadata,
        "files": files.collect::<Vec<_>>(),
    })
}

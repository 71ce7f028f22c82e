//! `[link-service.files]`: the file entity by which files go down and come up. Without the
//! table there is none, and nothing does.

use std::process;
use std::sync::Arc;

use anyhow::Context;
use comms_service::pdus::PduReceiver;
use file_delivery::agent::FileAgent;
use file_delivery::pdu::EntityId;
use file_delivery::setup::{self, FileSettings, PeerSettings};
use file_delivery::store::RedbJournal as FileJournal;
use service_host::config_file::ConfigFile;
use service_host::link_host::LinkHost;

use super::run::ServiceDesk;
use crate::courier::{Calls, Courier, CourierStore, Import, Lane};
use crate::folders::Directories;
use crate::journal::RedbJournal;
use crate::settings::SERVICE;

/// A file entity whose files are the desk's.
pub(super) type Agent = FileAgent<CourierStore<Directories, RedbJournal>, FileJournal>;

/// The entity, before its link has started.
pub(super) struct Downlink {
    agent: Agent,
    desk: Arc<ServiceDesk>,
    ground: EntityId,
}

/// What the table says, if it is there.
pub(super) fn settings(file: &ConfigFile) -> anyhow::Result<Option<FileSettings>> {
    let Some(mut settings) = file.section::<FileSettings>(&[SERVICE, "files"])? else {
        return Ok(None);
    };
    let has = |key: &str| {
        let own = file.table.get(SERVICE);
        let table = own.and_then(|own| own.get("files"));
        table.is_some_and(|table| table.get(key).is_some())
    };
    if !has("root") {
        settings.root = "link-service/files".into();
    }
    if !has("journal") {
        settings.journal = "link-service/files.redb".into();
    }
    if !has("peers") {
        // What apps have in their outboxes is asked for by requests alone.
        settings.peers = vec![PeerSettings {
            may_ask: false,
            ..PeerSettings::default()
        }];
    }
    let named = || format!("{}: [{SERVICE}.files]", file.name());
    settings.check().with_context(named)?;
    Ok(Some(settings))
}

impl Downlink {
    pub(super) fn open(settings: &FileSettings, desk: &Arc<ServiceDesk>) -> anyhow::Result<Self> {
        let ground = settings.peers.first();
        let ground =
            ground.with_context(|| format!("[{SERVICE}.files] has no peer: the ground"))?;
        Import::new(Lane::Ground).clear(desk)?;
        let files_of = Arc::clone(desk);
        let agent = setup::open_with(settings, |folder| {
            CourierStore::new(files_of, folder, Lane::Ground)
        })?;
        Ok(Downlink {
            agent,
            desk: Arc::clone(desk),
            ground: EntityId(ground.entity_id),
        })
    }

    /// What the link is to be given before it starts.
    pub(super) fn receiver(&self) -> Arc<dyn PduReceiver> {
        self.agent.receiver()
    }

    /// Lets files go down by the link of `host`.
    pub(super) fn start(self, host: &LinkHost) -> anyhow::Result<Courier> {
        let link = host.comms().pdu_sender();
        let entity = self.agent.start(link.context("the link takes no PDUs")?)?;
        let calls = Calls {
            lost: Box::new(|| {
                // Whoever watches the service starts it again: the journals know how to go on.
                log::error!("the thread of the files has ended, and the service with it");
                process::exit(1);
            }),
            look: Box::new(|| {}),
        };
        let courier = Courier::start(self.desk, entity, (Lane::Ground, self.ground), calls)?;
        Ok(courier)
    }
}

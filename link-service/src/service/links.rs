//! The ways on which files leave the spacecraft and come to it: the service's own link or the
//! operator's means, and the links to other spacecraft.

use std::sync::Arc;

use anyhow::bail;
use comms_service::pdus::PduReceiver;
use file_delivery::setup::FileSettings;
use service_host::config_file::ConfigFile;
use service_host::link_host::LinkHost;

use super::downlink::{self, Downlink};
use super::peers::{self, PeerCounts, PeerLink, RunningPeer};
use super::run::ServiceDesk;
use super::site::{self, LinkFolder};
use super::staging::{self, StagingSettings};
use crate::courier::Courier;
use crate::desk::DeskLimits;
use crate::names::AppId;
use crate::operator_staging::OperatorStaging;
use crate::queue::{QueueLimits, Route};
use crate::registry::Registry;
use crate::settings::SERVICE;

/// As the configuration has them.
pub(super) struct LinkSettings {
    files: Option<FileSettings>,
    staging: Option<StagingSettings>,
    peers: Vec<PeerLink>,
}

/// With the desk, before the service's own link has started.
pub(super) struct Links {
    downlink: Option<Downlink>,
    staging: Option<StagingSettings>,
    peers: Vec<RunningPeer>,
    peer_counts: Vec<PeerCounts>,
}

/// All of them, as they run.
pub(super) struct RunningLinks {
    courier: Option<Courier>,
    staging: Option<OperatorStaging>,
    peers: Vec<RunningPeer>,
}

impl LinkSettings {
    pub(super) fn read(file: &ConfigFile) -> anyhow::Result<Self> {
        let links = LinkSettings {
            files: downlink::settings(file)?,
            staging: staging::settings(file)?,
            peers: peers::settings(file)?,
        };
        if links.files.is_some() && links.staging.is_some() {
            bail!(
                "{}: files go down by the link ([{SERVICE}.files]) or by the operator's own means \
                 ([{SERVICE}.staging]): leave one out",
                file.name()
            );
        }
        Ok(links)
    }

    /// Whether no app could write where files come and go.
    pub(super) fn check(&self, registry: &Registry) -> anyhow::Result<()> {
        if let Some(staging) = &self.staging {
            staging.check(registry)?;
        }
        site::check_links(registry, &self.folders())
    }

    /// Where links lead, and how much each takes at once. What is staged holds its slot until
    /// the operator's program says what became of it.
    pub(super) fn limits(&self) -> DeskLimits {
        let has_downlink = self.files.is_some() || self.staging.is_some();
        let down = has_downlink.then_some(Route::Downlink);
        let to_peer = |peer: &PeerLink| Route::Crosslink(peer.node().clone());
        let queue = QueueLimits::default();
        let staged = self.staging.as_ref().map(|staging| staging.requests_max);
        DeskLimits {
            links: down
                .into_iter()
                .chain(self.peers.iter().map(to_peer))
                .collect(),
            queue: QueueLimits {
                link_slots: staged.unwrap_or(queue.link_slots),
                ..queue
            },
            ..DeskLimits::default()
        }
    }

    /// The folders of what comes.
    pub(super) fn folders(&self) -> Vec<LinkFolder> {
        let of_ground = self.files.iter().map(|files| LinkFolder {
            id: AppId::ground(),
            path: files.root.clone(),
        });
        let of_peers = self.peers.iter().map(PeerLink::folder);
        of_ground.chain(of_peers).collect()
    }

    /// Those to other spacecraft run from now on.
    pub(super) fn open(self, desk: &Arc<ServiceDesk>) -> anyhow::Result<Links> {
        let downlink = self.files.map(|files| Downlink::open(&files, desk));
        let downlink = downlink.transpose()?;
        let started = self.peers.into_iter().map(|peer| peer.start(desk));
        let started: Vec<_> = started.collect::<anyhow::Result<_>>()?;
        let (peers, peer_counts) = started.into_iter().unzip();
        Ok(Links {
            downlink,
            staging: self.staging,
            peers,
            peer_counts,
        })
    }
}

impl Links {
    /// What the service's own link is to be given before it starts.
    pub(super) fn receiver(&self) -> Option<Arc<dyn PduReceiver>> {
        self.downlink.as_ref().map(Downlink::receiver)
    }

    /// What is counted of the links to other spacecraft, for the one who shows it.
    pub(super) fn take_peer_counts(&mut self) -> Vec<PeerCounts> {
        std::mem::take(&mut self.peer_counts)
    }

    /// The service's own link has started.
    pub(super) fn start(
        self,
        host: &LinkHost,
        desk: &Arc<ServiceDesk>,
    ) -> anyhow::Result<RunningLinks> {
        let courier = self.downlink.map(|downlink| downlink.start(host));
        let staging = self.staging.map(|staging| staging.start(desk));
        Ok(RunningLinks {
            courier: courier.transpose()?,
            staging: staging.transpose()?,
            peers: self.peers,
        })
    }
}

impl RunningLinks {
    /// What is under way goes on with the next start.
    pub(super) fn stop(self) {
        drop(self.staging);
        drop(self.courier);
        self.peers.into_iter().for_each(RunningPeer::stop);
    }
}

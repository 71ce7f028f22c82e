//! `[[link-service.peers]]`: a link to each other spacecraft, with a file entity of its own.

use std::process;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use comms_service::LinkOptions;
use comms_service::accounting::{DropReason, Statistics};
use comms_service::message::End;
use comms_service::pdu_link::PduLink;
use comms_service::pdus::PduSender;
use file_delivery::agent::Calling;
use file_delivery::pdu::EntityId;
use file_delivery::setup::{self, FileSettings, PeerSettings as EntitySettings};
use radio_hal::channel::ChannelMonitor;
use radio_hal::{RadioConfig, RadioConnection};
use service_host::config_file::ConfigFile;
use service_host::link_metrics::write_link;
use service_host::link_schema::RadioFrames;
use service_host::prometheus::Page;
use toml::{Table, Value};

use super::downlink::Agent;
use super::run::ServiceDesk;
use super::site::LinkFolder;
use crate::courier::{Calls, Courier, CourierStore, Import, Lane};
use crate::names::AppId;
use crate::settings::{PeerSettings, SERVICE, Settings};

/// So many calls may be lost until the peer is taken for gone.
const CALLS_LOST_MAX: u32 = 3;
/// Ids of the entities at both ends, where nothing is said of them: that of the initiator is
/// the other one's peer.
const INITIATOR: u64 = 2;
const CALLED: u64 = 1;

/// A link to another spacecraft, as it is configured.
pub(super) struct PeerLink {
    node: AppId,
    radio: RadioConfig,
    options: LinkOptions,
    files: FileSettings,
    initiator: bool,
    call: Duration,
}

/// A link that runs.
pub(super) struct RunningPeer {
    courier: Courier,
    link: PduLink,
}

/// What is counted of a link to another spacecraft.
pub(super) struct PeerCounts {
    /// Who is there.
    pub(super) node: AppId,
    pub(super) pdus: PduSender,
    statistics: Box<dyn Fn() -> Statistics + Send + Sync>,
    radio: RadioConnection,
}

/// What the configuration says of all of them.
pub(super) fn settings(file: &ConfigFile) -> anyhow::Result<Vec<PeerLink>> {
    let peers = Settings::read(file)?.peers;
    let read = peers.iter().map(|peer| {
        let named = || format!("{}: [[{SERVICE}.peers]] `{}`", file.name(), peer.node);
        PeerLink::read(peer).with_context(named)
    });
    read.collect()
}

impl PeerLink {
    fn read(peer: &PeerSettings) -> anyhow::Result<Self> {
        let call = Duration::from_millis(peer.call_ms);
        let mut options = LinkOptions::from_table(&peer.comms, "comms")?;
        let hold = peer.call_ms.saturating_mul(u64::from(CALLS_LOST_MAX));
        options.contact_hold_ms.get_or_insert(hold);
        let radio: RadioConfig = of_table(&peer.radio).context("radio")?;
        let radio = match options.read_timeout_ms {
            Some(_) => radio.with_read_timeout(options.read_timeout())?,
            None => radio,
        };
        Ok(PeerLink {
            node: peer.node.clone(),
            radio,
            options,
            files: files(peer).context("files")?,
            initiator: peer.initiator,
            call,
        })
    }

    /// The spacecraft at its other end.
    pub(super) fn node(&self) -> &AppId {
        &self.node
    }

    /// The folder of what comes from there.
    pub(super) fn folder(&self) -> LinkFolder {
        LinkFolder {
            id: self.node.clone(),
            path: self.files.root.clone(),
        }
    }

    /// Starts the link, and lets files go and come by it.
    pub(super) fn start(
        self,
        desk: &Arc<ServiceDesk>,
    ) -> anyhow::Result<(RunningPeer, PeerCounts)> {
        let node = self.node.clone();
        let named = || format!("the link to {node}");
        self.try_start(desk).with_context(named)
    }

    fn try_start(self, desk: &Arc<ServiceDesk>) -> anyhow::Result<(RunningPeer, PeerCounts)> {
        let lane = Lane::Peer(self.node.clone());
        let peer = self.files.peers.first();
        let peer = EntityId(peer.context("files: it has no peer")?.entity_id);
        Import::new(lane.clone()).clear(desk)?;
        let (files_of, lane_of) = (Arc::clone(desk), lane.clone());
        let agent: Agent = setup::open_with(&self.files, |folder| {
            CourierStore::new(files_of, folder, lane_of)
        })?;
        let radio = self.radio.open().context("cannot open the radio")?;
        let end = match self.initiator {
            true => End::Ground,
            false => End::Satellite,
        };
        let link = PduLink::start(end, radio.clone(), self.options, agent.receiver())?;
        let calling = Calling {
            own: EntityId(self.files.entity_id),
            peer,
            every: self.call,
            calls_first: self.initiator,
        };
        let entity = agent.start_calling(link.pdu_sender(), calling)?;
        let node = self.node.clone();
        let counted = link.counter();
        let looked_at = node.clone();
        let mut is_warned = false;
        let calls = Calls {
            lost: Box::new(move || {
                // Whoever watches the service starts it again: the journals know how to go on.
                log::error!("the thread of the files of {node} has ended, and the service with it");
                process::exit(1);
            }),
            look: Box::new(move || {
                if !is_warned && let Some(problem) = problem(&counted()) {
                    log::warn!("{looked_at}: {problem}");
                    is_warned = true;
                }
            }),
        };
        let courier = Courier::start(Arc::clone(desk), entity, (lane, peer), calls)?;
        let calls = if self.initiator { "calls" } else { "waits for" };
        log::info!("{SERVICE}: {calls} {} by radio {}", self.node, self.radio);
        let counts = PeerCounts {
            node: self.node,
            pdus: link.pdu_sender(),
            statistics: Box::new(link.counter()),
            radio,
        };
        Ok((RunningPeer { courier, link }, counts))
    }
}

impl RunningPeer {
    /// Stops both. What is under way goes on with the next start.
    pub(super) fn stop(self) {
        drop(self.courier);
        let report = self.link.shutdown();
        if !report.detached.is_empty() {
            let threads = report.detached.join(", ");
            log::warn!("still inside the radio driver: {threads}");
        }
    }
}

impl PeerCounts {
    /// What is wrong with how both ends are configured, as far as is seen here.
    pub(super) fn problem(&self) -> Option<&'static str> {
        problem(&self.statistics())
    }

    /// What the link counts.
    pub(super) fn statistics(&self) -> Statistics {
        (self.statistics)()
    }

    /// What the radio counts.
    pub(super) fn radio_frames(&self) -> RadioFrames {
        RadioFrames(self.radio.statistics())
    }

    /// Whether the peer was heard just now.
    pub(super) fn is_heard(&self) -> bool {
        self.pdus.contact().in_contact
    }

    /// Writes what is counted, with the name of the peer as a label.
    pub(super) fn write(&self, page: &mut Page) {
        page.label(&[("peer", self.node.as_str())]);
        let channel = self.radio.channel().map(ChannelMonitor::statistics);
        let radio = self.radio.statistics();
        write_link(page, &self.statistics(), &radio, channel.as_ref());
        page.gauge(
            "link_peer_heard",
            "Whether another spacecraft was heard just now.",
            &[],
            if self.is_heard() { 1.0 } else { 0.0 },
        );
        page.label(&[]);
    }
}

/// Where both call, each takes the part of the one that is called for by the other, and what
/// comes says that it goes the other way.
fn problem(counted: &Statistics) -> Option<&'static str> {
    let wrong_way = counted.packets_in.dropped.of(DropReason::Direction);
    (wrong_way > 0 && counted.packets_valid == 0).then_some(
        "what comes goes the same way as what is sent: at one end `initiator` is to be true, at \
         the other false",
    )
}

fn files(peer: &PeerSettings) -> anyhow::Result<FileSettings> {
    let mut files: FileSettings = of_table(&peer.files)?;
    let has = |key: &str| peer.files.contains_key(key);
    let (own, other) = match peer.initiator {
        true => (INITIATOR, CALLED),
        false => (CALLED, INITIATOR),
    };
    if !has("root") {
        files.root = format!("{SERVICE}/peers/{}", peer.node).into();
    }
    if !has("journal") {
        files.journal = format!("{SERVICE}/peers/{}.redb", peer.node).into();
    }
    if !has("entity-id") {
        files.entity_id = own;
    }
    if !has("peers") {
        files.peers = vec![EntitySettings {
            entity_id: other,
            may_ask: false,
            ..EntitySettings::default()
        }];
    }
    files.check()?;
    Ok(files)
}

fn of_table<T: serde::de::DeserializeOwned>(table: &Table) -> anyhow::Result<T> {
    let read = Value::Table(table.clone()).try_into();
    read.map_err(|error: toml::de::Error| {
        let text = error.to_string();
        let text: Vec<&str> = text.lines().map(str::trim).collect();
        anyhow::anyhow!(text.join(" "))
    })
}

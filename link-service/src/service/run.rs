//! `link-service run`: the service, until it is told to stop.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use comms_service::CommsConfig;
use radio_hal::{Ax25Config, FramingConfig, RadioConfig};
use service_host::address::AddrConfig;
use service_host::arguments::HostArguments;
use service_host::config_file::ConfigFile;
use service_host::http::{Doors, Endpoint};
use service_host::link_host::{Equipment, LinkDefaults, LinkHost, link_metrics_writer};
use service_host::link_schema::LinkContext;
use service_host::logging;
use service_host::prometheus::Page;

use super::downlink::{self, Downlink};
use super::peers::{self, PeerCounts, PeerLink, RunningPeer};
use super::reload::Reloader;
use super::site::LinkFolder;
use super::{metrics, operator, site};
use crate::access::{Access, LiveAccess};
use crate::api::json::{Api, Way};
use crate::api::{LiveTokens, Pool, Tokens};
use crate::desk::{Desk, DeskLimits, SystemClock, Workers};
use crate::dropbox::{Dropbox, DropboxCounter, DropboxLimits, DropboxThread};
use crate::folders::Directories;
use crate::journal::RedbJournal;
use crate::mover::{Mover, MoverLimits, Quota, Quotas};
use crate::names::AppId;
use crate::queue::Route;
use crate::request::Priority;
use crate::settings::SERVICE;

/// Threads for requests that wait for the disk: the more there are, the more requests wait
/// for the disk at once.
const API_THREADS: usize = 8;
/// Outboxes are looked at so often for requests that are dropped as files.
const SCAN_INTERVAL: Duration = Duration::from_secs(2);
/// Keys of `[link-service]` that are not the link's.
const OWN_TABLES: &[&str] = &[
    "apps",
    "policy",
    "peers",
    "apps-root",
    "journal",
    "files",
    "free-bytes-min",
    "reserved-critical-bytes",
];

/// The desk of the service.
pub(super) type ServiceDesk = Desk<Directories, RedbJournal>;

pub(super) fn run(arguments: &HostArguments) -> anyhow::Result<()> {
    logging::start(arguments.log_level);
    let file = ConfigFile::find(arguments.config.as_deref())?;
    let access = Access::read(&file)?;
    let tokens = Tokens::read(access.registry())?;
    // Whoever has the journal is the only one who touches the directories.
    let journal = RedbJournal::open(&access.settings().journal)?;
    site::prepare(access.registry())?;
    let files = downlink::settings(&file)?;
    let peers = peers::settings(&file)?;
    let to_peers = peers
        .iter()
        .map(|peer| Route::Crosslink(peer.node().clone()));
    let routes = files.iter().map(|_| Route::Downlink).chain(to_peers);
    let of_ground = files.iter().map(|files| LinkFolder {
        id: AppId::ground(),
        path: files.root.clone(),
    });
    let links = of_ground.chain(peers.iter().map(PeerLink::folder));
    let links: Vec<LinkFolder> = links.collect();
    site::check_links(access.registry(), &links)?;
    site::prepare_links(&links)?;
    let desk = Arc::new(open(access, journal, routes.collect(), &links)?);
    let downlink = files
        .map(|files| Downlink::open(&files, &desk))
        .transpose()?;
    let reloader = Arc::new(Reloader {
        file: file.clone(),
        desk: Arc::clone(&desk),
        pool: Arc::new(Pool::start(API_THREADS).context("no threads for requests")?),
        tokens: Arc::new(LiveTokens::new(tokens)),
        doors: Arc::new(Doors::default()),
        links,
        turn: Mutex::new(()),
    });
    reloader.open_doors(None, desk.access().current().registry())?;
    let defaults = defaults()?;
    let addr = AddrConfig::read(&file, SERVICE, defaults.addr)?.socket_addr();
    let of_endpoint = Arc::clone(&reloader);
    let of_reload = Arc::clone(&reloader);
    let of_stop = Arc::clone(&desk);
    let dropbox = Dropbox::new(Arc::clone(&desk), DropboxLimits::default());
    let dropbox = DropboxThread::start(dropbox, SCAN_INTERVAL);
    let dropbox = dropbox.context("no thread for requests that are dropped as files")?;
    let dropped = dropbox.counter();
    let pdus = downlink.as_ref().map(Downlink::receiver);
    let mut running = Vec::new();
    let mut counts = Vec::new();
    for peer in peers {
        let (peer, counted) = peer.start(&desk)?;
        running.push(peer);
        counts.push(counted);
    }
    let equipment = Equipment {
        link: Box::new(move |link| match &pdus {
            Some(pdus) => link.pdus(Arc::clone(pdus)),
            None => link,
        }),
        endpoint: Box::new(move |context| endpoint(context, of_endpoint, dropped, (addr, counts))),
        doors: Arc::clone(&reloader.doors),
        reload: Some(Box::new(move |file| of_reload.take(file))),
        stopping: Box::new(move || of_stop.stop()),
    };
    let workers = Workers::start(&desk, DeskLimits::default().queue.local_slots);
    let workers = workers.context("no threads for transfers")?;
    let apps = desk.access().current().registry().apps().count();
    log::info!("{SERVICE}: {apps} apps");
    let host = LinkHost::start_with(&file, defaults, equipment)?;
    let courier = downlink.map(|downlink| downlink.start(&host)).transpose()?;
    let stopped = host.run_until_signal();
    drop(courier);
    running.into_iter().for_each(RunningPeer::stop);
    // What is under way goes on with the next start.
    drop(dropbox);
    drop(workers);
    stopped
}

fn open(
    access: Access,
    journal: RedbJournal,
    routes: BTreeSet<Route>,
    links: &[LinkFolder],
) -> anyhow::Result<ServiceDesk> {
    if let Some(aside) = journal.take_set_aside() {
        log::error!(
            "the journal was damaged and is kept as {}: what was under way goes back to its \
             senders",
            aside.display()
        );
    }
    let folders = Directories::new(site::directories(access.registry(), links));
    let limits = MoverLimits {
        // The quotas say it, as the configuration has it now.
        free_bytes_min: 0,
        ..MoverLimits::default()
    };
    let access = Arc::new(LiveAccess::new(access));
    let quotas = InboxQuotas(Arc::clone(&access));
    let mover = Mover::new(folders, journal, limits, quotas);
    let clock = SystemClock::default();
    let limits = DeskLimits {
        links: routes,
        ..DeskLimits::default()
    };
    Ok(Desk::open(mover, access, limits, clock)?)
}

/// What inboxes may hold, as the configuration has it now.
struct InboxQuotas(Arc<LiveAccess>);

impl Quotas for InboxQuotas {
    fn of(&self, app: &AppId) -> Quota {
        let access = self.0.current();
        let app = access.registry().app(app);
        app.map_or(Quota::UNLIMITED, |app| Quota {
            bytes_max: app.quota.bytes,
            files_max: app.quota.files,
        })
    }

    fn kept_free_bytes(&self, priority: Priority) -> u64 {
        let access = self.0.current();
        let settings = access.settings();
        match priority {
            Priority::Critical => settings.free_bytes_min,
            _ => settings
                .free_bytes_min
                .saturating_add(settings.reserved_critical_bytes),
        }
    }
}

/// GraphQL for the operator, the metrics page, and the interface of apps that show a token.
fn endpoint(
    context: LinkContext,
    reloader: Arc<Reloader>,
    dropped: DropboxCounter,
    (addr, peers): (SocketAddr, Vec<PeerCounts>),
) -> Endpoint {
    let link = link_metrics_writer(&context);
    let desk = Arc::clone(&reloader.desk);
    let peers = Arc::new(peers);
    let counted = Arc::clone(&peers);
    let page = move || {
        let mut page = Page::new();
        link(&mut page);
        counted.iter().for_each(|peer| peer.write(&mut page));
        metrics::write(&mut page, &desk.counts(), desk.depths(), &dropped.counts());
        page.finish()
    };
    let api = Api {
        desk: Arc::clone(&reloader.desk),
        pool: Arc::clone(&reloader.pool),
        way: Way::Token(Arc::clone(&reloader.tokens)),
    };
    let endpoint = operator::endpoint(context, reloader, peers).with_metrics(page);
    if addr.ip().is_loopback() {
        return endpoint.with_routes(api.routes());
    }
    log::warn!(
        "{SERVICE}: {addr} is not on the loopback interface: apps are served at their sockets only"
    );
    endpoint
}

/// What holds where the configuration says nothing: the row of this service in the table
/// of ports, and AX.25 in KISS between HELIO-1 and GROUND.
fn defaults() -> anyhow::Result<LinkDefaults> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let framing = FramingConfig::kiss_ax25(Ax25Config::new("HELIO-1".parse()?, "GROUND".parse()?));
    Ok(LinkDefaults {
        service: SERVICE,
        own_tables: OWN_TABLES,
        addr: AddrConfig {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 8151,
        },
        radio: RadioConfig::udp(local(13_020), local(9_002), framing)?,
        comms: CommsConfig {
            handler_port_min: 13_200,
            handler_port_max: 13_249,
            downlink_ports: Some(vec![13_031]),
            ground_port: Some(9_002),
            ..CommsConfig::default()
        },
    })
}

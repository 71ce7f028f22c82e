//! `link-service run`: the service, until it is told to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use comms_service::CommsConfig;
use radio_hal::{Ax25Config, FramingConfig, RadioConfig};
use service_host::address::AddrConfig;
use service_host::arguments::HostArguments;
use service_host::config_file::ConfigFile;
use service_host::http::Doors;
use service_host::link_host::{Equipment, LinkDefaults, LinkHost};
use service_host::logging;

use super::endpoint::{Counted, endpoint};
use super::links::LinkSettings;
use super::quotas::InboxQuotas;
use super::reload::Reloader;
use super::site::LinkFolder;
use super::{buckets, shares, site};
use crate::access::{Access, LiveAccess};
use crate::api::grpc::{Calls, GrpcServer};
use crate::api::json::Way;
use crate::api::{LiveTokens, Pool, Tokens};
use crate::desk::{Desk, DeskLimits, SystemClock, Workers};
use crate::dropbox::{Dropbox, DropboxLimits, DropboxThread};
use crate::folders::Directories;
use crate::journal::RedbJournal;
use crate::mover::{Mover, MoverLimits};
use crate::settings::SERVICE;

/// Threads for requests that wait for the disk: the more there are, the more requests wait
/// for the disk at once.
const API_THREADS: usize = 8;
/// Outboxes are looked at so often for requests that are dropped as files.
const SCAN_INTERVAL: Duration = Duration::from_secs(2);
/// Keys of `[link-service]` that are not the link's.
const OWN_TABLES: &[&str] = &[
    "apps",
    "buckets",
    "policy",
    "peers",
    "apps-root",
    "journal",
    "files",
    "staging",
    "grpc",
    "free-bytes-min",
    "reserved-critical-bytes",
];

/// The desk of the service.
pub(super) type ServiceDesk = Desk<Directories, RedbJournal>;

pub(super) fn run(arguments: &HostArguments) -> anyhow::Result<()> {
    logging::start(arguments.log_level);
    let mut file = ConfigFile::find(arguments.config.as_deref())?;
    let access = Access::read(&file)?;
    forget_lists(&mut file);
    let tokens = Tokens::read(access.registry())?;
    let buckets = buckets::open(access.buckets())?;
    shares::check_journal(&access.settings().journal)?;
    // Whoever has the journal is the only one who touches the directories.
    let journal = RedbJournal::open(&access.settings().journal)?;
    site::prepare(access.registry())?;
    let shares = shares::of(access.registry());
    shares::warn(&[], &shares);
    let links = LinkSettings::read(&file)?;
    links.check(access.registry())?;
    let folders = links.folders();
    site::prepare_links(&folders)?;
    let desk = Arc::new(open(access, journal, links.limits(), &folders)?);
    let mut links = links.open(&desk)?;
    let reloader = Arc::new(Reloader {
        file: file.clone(),
        desk: Arc::clone(&desk),
        pool: Arc::new(Pool::start(API_THREADS).context("no threads for requests")?),
        tokens: Arc::new(LiveTokens::new(tokens)),
        doors: Arc::new(Doors::default()),
        links: folders,
        shares: Mutex::new(shares),
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
    let buckets = buckets::start(&desk, buckets).context("no thread for a bucket")?;
    let pdus = links.receiver();
    let counted = Counted {
        dropped: dropbox.counter(),
        buckets: buckets::counters(&buckets),
        peers: links.take_peer_counts(),
    };
    let equipment = Equipment {
        link: Box::new(move |link| match &pdus {
            Some(pdus) => link.pdus(Arc::clone(pdus)),
            None => link,
        }),
        endpoint: Box::new(move |context| endpoint(context, of_endpoint, counted, addr)),
        doors: Arc::clone(&reloader.doors),
        reload: Some(Box::new(move |file| of_reload.take(file))),
        stopping: Box::new(move || of_stop.stop()),
    };
    let grpc = grpc(&reloader, &file)?;
    let workers = Workers::start(&desk, DeskLimits::default().queue.local_slots);
    let workers = workers.context("no threads for transfers")?;
    let apps = desk.access().current().registry().apps().count();
    log::info!("{SERVICE}: {apps} apps");
    let host = LinkHost::start_with(&file, defaults, equipment)?;
    let links = links.start(&host, &desk)?;
    let stopped = host.run_until_signal();
    drop(grpc);
    links.stop();
    drop(buckets);
    // What is under way goes on with the next start.
    drop(dropbox);
    drop(workers);
    stopped
}

/// Serves apps by gRPC, if the configuration says where.
fn grpc(reloader: &Reloader, file: &ConfigFile) -> anyhow::Result<Option<GrpcServer>> {
    let Some(settings) = reloader.desk.access().current().settings().grpc else {
        return Ok(None);
    };
    let calls = Calls {
        desk: Arc::clone(&reloader.desk),
        pool: Arc::clone(&reloader.pool),
        way: Way::Token(Arc::clone(&reloader.tokens)),
    };
    let server = GrpcServer::start(settings.addr, calls);
    let server = server.with_context(|| format!("{}: [{SERVICE}.grpc]", file.name()))?;
    log::info!("{SERVICE}: gRPC for apps at {}", server.local_addr());
    Ok(Some(server))
}

/// Apps and rules were read: as the file has them, they take ten times the room, in each copy
/// of it that is kept.
fn forget_lists(file: &mut ConfigFile) {
    let own = file.table.get_mut(SERVICE);
    if let Some(own) = own.and_then(|own| own.as_table_mut()) {
        own.remove("apps");
        own.remove("policy");
    }
}

fn open(
    access: Access,
    journal: RedbJournal,
    limits: DeskLimits,
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
    let mover_limits = MoverLimits {
        // The quotas say it, as the configuration has it now.
        free_bytes_min: 0,
        ..MoverLimits::default()
    };
    let access = Arc::new(LiveAccess::new(access));
    let quotas = InboxQuotas(Arc::clone(&access));
    let mover = Mover::new(folders, journal, mover_limits, quotas);
    let clock = SystemClock::default();
    Ok(Desk::open(mover, access, limits, clock)?)
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

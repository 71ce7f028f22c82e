//! The API and the couriers, while `ground serve` runs.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::api::ApiServer;
use super::courier::{Contact, Courier, CourierThread, LinkUplink};
use super::desk::Desk;
use super::make_folder;
use super::moment::Now;
use super::plan::{Plan, Satellite};
use super::step::unwatched;
use crate::client::LinkClient;
use crate::config::GroundConfig;
use crate::contacts::giver::PlanGiver;
use crate::error::GroundError;
use crate::runtime::RuntimeDir;
use crate::stop::Stop;

/// Between two looks at what was counted for the audit log.
const COUNTED_PAUSE: Duration = Duration::from_secs(10);
/// Between two looks at what ended long ago.
const OLD_PAUSE: Duration = Duration::from_secs(3_600);
/// After a link could not be held.
const HOLD_PAUSE: Duration = Duration::from_secs(10);

/// Tasking, while it runs; dropped, it stops in good order.
pub(crate) struct Tasking {
    // In the order in which they stop: nobody asks, nothing goes up, the log is closed.
    api: Option<ApiServer>,
    couriers: Vec<CourierThread>,
    keeper: Option<JoinHandle<()>>,
    /// Those that hold links which nobody else here does.
    holders: Vec<JoinHandle<()>>,
    desk: Arc<Desk>,
    /// Links are let go of last, with what others send by them.
    _links: BTreeMap<String, Arc<LinkClient>>,
    _lock: File,
}

impl Tasking {
    /// Serves the API, starts a courier for each satellite, and holds their links but for that
    /// which is `served` already. `contact` gives when one is in contact, as far as that is
    /// planned. `stop` is to be told before this is dropped.
    ///
    /// # Errors
    /// [`GroundError::Tasking`].
    pub(crate) fn start(
        plan: Plan,
        config: &GroundConfig,
        runtime: &RuntimeDir,
        stop: &Stop,
        served: &str,
        contact: impl Fn(&Satellite) -> Result<Contact, GroundError>,
    ) -> Result<Tasking, GroundError> {
        let failed = |problem: String| GroundError::Tasking { problem };
        // Before anything is looked at there: it may be another's.
        let lock = lock(&plan.directory).map_err(failed)?;
        let desk = Arc::new(Desk::open(plan, unwatched()).map_err(failed)?);
        let mut links = BTreeMap::new();
        for satellite in &desk.plan.satellites {
            let link = config.link(Some(&satellite.link))?;
            let client = || Arc::new(LinkClient::new(link.clone(), runtime, stop.clone()));
            links.entry(link.name.clone()).or_insert_with(client);
        }
        let mut tasking = Tasking {
            api: None,
            couriers: Vec::new(),
            keeper: None,
            holders: Vec::new(),
            desk: Arc::clone(&desk),
            _links: links.clone(),
            _lock: lock,
        };
        let api = ApiServer::start(Arc::clone(&desk), links.clone()).map_err(failed)?;
        log::info!("tasking API at {}", api.address());
        tasking.api = Some(api);
        for satellite in &desk.plan.satellites {
            let Some(link) = links.get(&satellite.link) else {
                continue;
            };
            let uplink = Box::new(LinkUplink(Arc::clone(link)));
            let courier = Courier::new(Arc::clone(&desk), satellite.clone(), uplink);
            let started = CourierThread::start(courier, contact(satellite)?, stop.clone());
            let started = started.map_err(|error| failed(format!("no thread: {error}")))?;
            tasking.couriers.push(started);
        }
        for link in links.values() {
            let config = link.config();
            if config.name == served || config.files.is_none() {
                continue;
            }
            let (link, stop) = (Arc::clone(link), stop.clone());
            let holder = thread::Builder::new()
                .name("link".to_owned())
                .spawn(move || hold(&link, &stop))
                .map_err(|error| failed(format!("no thread: {error}")))?;
            tasking.holders.push(holder);
        }
        let stop = stop.clone();
        let keeper = thread::Builder::new()
            .name("tasking".to_owned())
            .spawn(move || keep(&desk, &stop))
            .map_err(|error| failed(format!("no thread: {error}")))?;
        tasking.keeper = Some(keeper);
        Ok(tasking)
    }

    /// Where the API is.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.api.as_ref().map(ApiServer::address)
    }
}

impl Drop for Tasking {
    fn drop(&mut self) {
        drop(self.api.take());
        self.couriers.clear();
        for thread in self.holders.drain(..).chain(self.keeper.take()) {
            let _ = thread.join();
        }
        if let Err(error) = self.desk.close(Now::of_system()) {
            log::error!("the audit log is not complete: {error}");
        }
    }
}

/// One process at a time has the directory.
fn lock(directory: &Path) -> Result<File, String> {
    make_folder(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let path = directory.join("tasking.lock");
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).mode(0o600);
    let opened = options.truncate(false).open(&path);
    let file = opened.map_err(|error| format!("{}: {error}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(format!(
            "{} is used by another `ground serve`: end it, or choose another `directory`",
            directory.display()
        )),
        Err(TryLockError::Error(error)) => Err(format!("{}: {error}", path.display())),
    }
}

/// Does what is due now and then.
fn keep(desk: &Desk, stop: &Stop) {
    let mut removed: Option<Instant> = None;
    loop {
        let now = Now::of_system();
        let mut kept = desk.log_counted(now);
        if removed.is_none_or(|at| at.elapsed() >= OLD_PAUSE) {
            removed = Some(Instant::now());
            kept = kept.and(desk.remove_old(now));
        }
        if let Err(error) = kept {
            log::error!("{error}");
        }
        if !stop.sleep(COUNTED_PAUSE) {
            return;
        }
    }
}

/// Holds a link, or waits beside who does, so that files of its satellite come down, and gives
/// its services their plan of contacts.
fn hold(link: &LinkClient, stop: &Stop) {
    let name = &link.config().name;
    let giver = PlanGiver::start(link);
    let _giver = giver.inspect_err(|error| log::error!("link `{name}`: {error}"));
    loop {
        let ready = || log::info!("link `{name}`: serving files");
        let served = link.serve(None, ready, |transfer| {
            log::info!("link `{name}`: {}: {}", transfer.id, transfer.state);
            Ok(true)
        });
        match served {
            Ok(()) | Err(GroundError::Interrupted { .. }) => return,
            Err(error) => log::error!("link `{name}`: {error}"),
        }
        if !stop.sleep(HOLD_PAUSE) {
            return;
        }
    }
}

//! Hands what is next to the link service, and hears what became of it; takes what the ground
//! sent up by it.
//!
//! An item that is out stays in `transfers/` until the ground has it. Its request at the link
//! service has the item's identifier for its tracking id (with `-2`, `-3`, … where it is tried
//! again), so that nothing is handed in twice, whoever is restarted.
//!
//! A link service that is away holds up all. One that does not take an item, or does not bring
//! it down, holds up that item, and for a moment its topic: others go on.

mod bundle;
mod carrier;
mod inbox;
mod pauses;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use link_client::{LinkError, Priority};

use crate::agent::{Agent, OutItem};
use crate::item::{Topic, Uuid};
use crate::limits::{
    ITEM_PAUSE, ITEM_PAUSE_MAX, SETBACKS_MAX, TOPIC_PAUSE, TOPIC_PAUSE_MAX, TRIES_MAX,
};
use crate::queue::Stage;

use bundle::BundleError;
pub use carrier::Carrier;
pub use inbox::{ArrivalError, InboxThread, RECEIPTS, take};
pub use link_client::Standing;
use pauses::Pauses;

/// Between two looks at how things stand.
const ROUND: Duration = Duration::from_secs(1);
/// Between two rounds at least.
const PAUSE: Duration = Duration::from_millis(50);
/// Rounds without a new item after the link service gave no answer to one.
const PAUSE_ROUNDS: u32 = 5;

/// The pump.
pub struct Pump<C> {
    agent: Arc<Agent>,
    carrier: C,
    /// So many are out at once.
    out_max: usize,
    flights: BTreeMap<Uuid, Flight>,
    /// Tries of items that are not out.
    tries: HashMap<Uuid, u32>,
    /// Items that were set back.
    items: Pauses<Uuid>,
    /// Topics of which one was not taken.
    topics: Pauses<Topic>,
    /// Whether it is known what an earlier process handed in.
    has_adopted: bool,
    pause: u32,
    is_over: Arc<AtomicBool>,
}

/// An item that is out.
#[derive(Debug)]
struct Flight {
    tries: u32,
    priority: Priority,
    is_repeated: bool,
}

impl<C: Carrier> Pump<C> {
    /// Has at most so many out at once.
    pub fn new(agent: Arc<Agent>, carrier: C, out_max: usize) -> Self {
        agent.await_link();
        Pump {
            agent,
            carrier,
            out_max: out_max.max(1),
            flights: BTreeMap::new(),
            tries: HashMap::new(),
            items: Pauses::new(ITEM_PAUSE, ITEM_PAUSE_MAX),
            topics: Pauses::new(TOPIC_PAUSE, TOPIC_PAUSE_MAX),
            has_adopted: false,
            pause: 0,
            is_over: Arc::default(),
        }
    }

    /// Once it is set, nothing more is handed in, and what is being written breaks off.
    #[must_use]
    pub fn is_over(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_over)
    }

    /// One look at all that is out, and then what is next. To be called again and again.
    ///
    /// # Errors
    /// The link service does not answer: nothing is lost.
    pub fn round(&mut self) -> Result<(), LinkError> {
        if !self.has_adopted {
            self.adopt()?;
            self.has_adopted = true;
        }
        for id in self.agent.take_withdrawn() {
            self.withdraw(id)?;
        }
        for id in self.flights.keys().copied().collect::<Vec<_>>() {
            self.look_at(id)?;
        }
        self.pause = self.pause.saturating_sub(1);
        self.forget_ended();
        let mut setbacks = 0;
        let may_go = |pump: &Self| pump.pause == 0 && !pump.is_over.load(Ordering::SeqCst);
        while may_go(self) && self.flights.len() < self.out_max && setbacks < SETBACKS_MAX {
            let Some(item) = self.next() else {
                break;
            };
            if !self.send(item)? {
                setbacks += 1;
            }
        }
        Ok(())
    }

    /// What is next of all that does not wait.
    fn next(&self) -> Option<OutItem> {
        let now = self.agent.now();
        self.agent.next_out_where(
            |topic| !self.topics.waits(now, topic),
            |id| !self.items.waits(now, &id),
        )
    }

    /// What has ended is not tried again.
    fn forget_ended(&mut self) {
        let agent = &self.agent;
        self.tries.retain(|id, _| agent.is_open(*id));
        self.items.retain(|id| agent.is_open(*id));
        self.topics.forget_old(agent.now());
    }

    /// Finds again what an earlier process handed in.
    fn adopt(&mut self) -> Result<(), LinkError> {
        let outbox = self.carrier.outbox()?;
        let mut found: BTreeMap<Uuid, (u32, Standing)> = BTreeMap::new();
        for (tracking, standing) in self.carrier.all()? {
            let Some((id, tries)) = tracked(&tracking) else {
                continue;
            };
            // Its last try counts; but what went down, did, whichever try it was.
            let known = found.get(&id);
            let counts = known.is_none_or(|(known_tries, known)| match known {
                Standing::Done => false,
                _ => standing == Standing::Done || tries > *known_tries,
            });
            if counts {
                found.insert(id, (tries, standing));
            }
        }
        for (id, (tries, standing)) in found {
            self.adopt_one(id, tries, standing);
        }
        self.agent.link_has_answered();
        for entry in fs::read_dir(&outbox).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            let is_left = bundle::id_of(name).is_some_and(|id| !self.flights.contains_key(&id));
            if is_left || name.starts_with(bundle::PART_PREFIX) {
                remove(&entry.path());
            }
        }
        Ok(())
    }

    fn adopt_one(&mut self, id: Uuid, tries: u32, standing: Standing) {
        let meta = self.agent.meta(id).ok();
        let flight = Flight {
            tries,
            // Whichever it has: the next look sets it.
            priority: Priority::Critical,
            is_repeated: meta.as_ref().is_some_and(|meta| meta.send_options.reliable),
        };
        match standing {
            Standing::Open if meta.is_none() => {
                log::info!("{id}: it has ended, and is not to go down");
                self.flights.insert(id, flight);
            }
            Standing::Done if meta.is_none() => self.agent.went_down_all_the_same(id),
            _ if meta.is_none() => {}
            Standing::Open if self.agent.take_out(id) => {
                self.flights.insert(id, flight);
            }
            Standing::Done if self.agent.take_out(id) => self.agent.sent(id),
            Standing::Failed(why) => {
                self.goes_again(id, &flight, &why);
            }
            Standing::Open | Standing::Done => {}
        }
    }

    /// It has ended: it is not to go down any more.
    fn withdraw(&mut self, id: Uuid) -> Result<(), LinkError> {
        let Some(flight) = self.flights.get(&id) else {
            return Ok(());
        };
        let tracking = tracking(id, flight.tries);
        self.give_up(&tracking)?;
        match self.carrier.standing(&tracking)? {
            // It is to stop first, or could not be given up just now: the next look sees it.
            Some(Standing::Open) => Ok(()),
            Some(Standing::Done) => {
                self.agent.went_down_all_the_same(id);
                self.landed(id).map(drop)
            }
            _ => self.landed(id).map(drop),
        }
    }

    fn look_at(&mut self, id: Uuid) -> Result<(), LinkError> {
        let Some(flight) = self.flights.get_mut(&id) else {
            return Ok(());
        };
        let tracking = tracking(id, flight.tries);
        let Some(stage) = self.agent.out_stage(id) else {
            return self.withdraw(id);
        };
        let standing = self.carrier.standing(&tracking)?;
        match (standing, stage) {
            (Some(Standing::Open), Some(stage)) => {
                let priority = priority(stage);
                if flight.priority != priority {
                    match self.carrier.set_priority(&tracking, priority) {
                        // It ended meanwhile: the next look sees it.
                        Ok(()) | Err(LinkError::Refused { .. }) => flight.priority = priority,
                        Err(error) => return Err(error),
                    }
                }
            }
            (Some(Standing::Open), None) => self.give_up(&tracking)?,
            (Some(Standing::Done), _) => {
                self.flights.remove(&id);
                self.agent.sent(id);
            }
            (Some(Standing::Failed(_)), None) | (None, None) => {
                self.landed(id)?;
                self.agent.expire(id);
            }
            (Some(Standing::Failed(why)), Some(_)) => self.failed(id, &why)?,
            (None, Some(_)) => self.failed(id, "the link service does not know it any more")?,
        }
        Ok(())
    }

    /// It did not go down. It is tried again, but for one that is not to be repeated.
    fn failed(&mut self, id: Uuid, why: &str) -> Result<(), LinkError> {
        let Some(flight) = self.landed(id)? else {
            return Ok(());
        };
        if self.goes_again(id, &flight, why) {
            self.agent.put_back(id);
            self.items.set_back(self.agent.now(), id, Duration::ZERO);
        }
        Ok(())
    }

    /// Whether it is tried again; else it has failed.
    fn goes_again(&mut self, id: Uuid, flight: &Flight, why: &str) -> bool {
        log::warn!("{id}: it did not go down: {why}");
        let why = match flight.is_repeated {
            false => format!("not sent, and not to be repeated: {why}"),
            true if flight.tries >= TRIES_MAX => format!("not sent, {TRIES_MAX} times: {why}"),
            true => {
                self.tries.insert(id, flight.tries);
                return true;
            }
        };
        self.agent.fail(id, &why);
        false
    }

    /// It is out no more: nothing of it stays in the outbox.
    fn landed(&mut self, id: Uuid) -> Result<Option<Flight>, LinkError> {
        self.remove_bundles(id)?;
        Ok(self.flights.remove(&id))
    }

    /// The link service is not to take it down. Where it ended meanwhile, it has.
    fn give_up(&self, tracking: &str) -> Result<(), LinkError> {
        match self.carrier.cancel(tracking) {
            Ok(()) => Ok(()),
            Err(error @ LinkError::Refused { .. }) => {
                log::info!("{tracking}: it is not given up: {error}");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// False where it was set back.
    fn send(&mut self, item: OutItem) -> Result<bool, LinkError> {
        let id = item.meta.file_info.id;
        let topic = item.meta.topic.clone();
        let tries = self.tries.get(&id).copied().unwrap_or(0) + 1;
        let error = match self.hand_in(&item, tries) {
            Ok(()) => {
                let flight = Flight {
                    tries,
                    priority: priority(item.stage),
                    is_repeated: item.meta.send_options.reliable,
                };
                self.flights.insert(id, flight);
                self.tries.remove(&id);
                self.topics.forget(&topic);
                return Ok(true);
            }
            Err(NotHandedIn::Bundle(BundleError::Changed)) => {
                self.agent.fail(id, &BundleError::Changed.to_string());
                return Ok(true);
            }
            Err(error) => error,
        };
        // The request may have been taken all the same: it has the same id again.
        self.agent.put_back(id);
        match error {
            NotHandedIn::Link(error @ LinkError::NoService { .. }) => {
                self.pause = PAUSE_ROUNDS;
                return Err(error);
            }
            NotHandedIn::Link(error @ LinkError::NoAnswer(_)) => {
                self.pause = PAUSE_ROUNDS;
                log::warn!("{id}: {error}");
            }
            NotHandedIn::Bundle(BundleError::Stopped) => {}
            error => {
                log::warn!("{id}: the link service does not take it: {error}");
                self.remove_bundles(id)?;
                let least = error.retry_after();
                self.items.set_back(self.agent.now(), id, least);
                self.topics
                    .set_back(self.agent.now(), topic, Duration::ZERO);
            }
        }
        Ok(false)
    }

    fn hand_in(&self, item: &OutItem, tries: u32) -> Result<(), NotHandedIn> {
        let outbox = self.carrier.outbox()?;
        let bundle = bundle::write(item, &outbox, &self.is_over)?;
        let tracking = tracking(item.meta.file_info.id, tries);
        let topic = item.meta.topic.as_str();
        let priority = priority(item.stage);
        Ok(self.carrier.hand_in(&bundle, &tracking, topic, priority)?)
    }

    fn remove_bundles(&self, id: Uuid) -> Result<(), LinkError> {
        let outbox = self.carrier.outbox()?;
        bundle::names(&outbox, id)
            .iter()
            .for_each(|path| remove(path));
        Ok(())
    }
}

/// Why an item was not handed in.
#[derive(Debug, thiserror::Error)]
enum NotHandedIn {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl NotHandedIn {
    /// When it may be taken; zero where nobody says.
    fn retry_after(&self) -> Duration {
        match self {
            NotHandedIn::Link(LinkError::Refused { retry_after, .. }) => {
                retry_after.unwrap_or_default()
            }
            _ => Duration::ZERO,
        }
    }
}

/// The pump, on a thread of its own. Dropped, it stops; what is out goes on.
pub struct PumpThread {
    agent: Arc<Agent>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PumpThread {
    /// Starts it.
    ///
    /// # Errors
    /// The system has no thread.
    pub fn start<C: Carrier + 'static>(mut pump: Pump<C>) -> std::io::Result<Self> {
        let is_over = pump.is_over();
        let over = pump.is_over();
        let agent = Arc::clone(&pump.agent);
        let run = move || {
            let mut is_away = false;
            while !over.load(Ordering::SeqCst) {
                match pump.round() {
                    Ok(()) if is_away => {
                        is_away = false;
                        log::warn!("the link service answers again");
                    }
                    Err(error) if !is_away => {
                        is_away = true;
                        log::warn!("{error}; what is queued waits for it");
                    }
                    _ => {}
                }
                pump.agent.wait_for_news(ROUND);
                // Many files that come at once are one piece of news.
                thread::sleep(PAUSE);
            }
        };
        let thread = thread::Builder::new()
            .name("oort-pump".to_owned())
            .spawn(run)?;
        Ok(PumpThread {
            agent,
            is_over,
            thread: Some(thread),
        })
    }
}

impl Drop for PumpThread {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.agent.notify();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the pump panicked");
        }
    }
}

fn priority(stage: Stage) -> Priority {
    match stage {
        Stage::Urgent => Priority::High,
        Stage::Bulk => Priority::Medium,
        Stage::Surplus => Priority::Low,
    }
}

fn tracking(id: Uuid, tries: u32) -> String {
    match tries {
        0 | 1 => id.to_string(),
        tries => format!("{id}-{tries}"),
    }
}

/// The item of a tracking id, and which try it was.
fn tracked(tracking: &str) -> Option<(Uuid, u32)> {
    if let Ok(id) = tracking.parse() {
        return Some((id, 1));
    }
    let (id, tries) = tracking.rsplit_once('-')?;
    Some((id.parse().ok()?, tries.parse().ok()?))
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            log::warn!("cannot remove {}: {error}", path.display());
        }
        _ => {}
    }
}

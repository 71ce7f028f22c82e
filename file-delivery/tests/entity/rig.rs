//! Two entities on virtual time, and a link that loses what the test says.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use file_delivery::StoreName;
use file_delivery::entity::{
    Entity, EntityConfig, Event, Outcome, PduToken, Peer, PutRequest, Role,
};
use file_delivery::pdu::{EntityId, Pdu, TransactionId};
use file_delivery::store::memory::{MemoryDisk, MemoryJournal, MemoryStore};
use file_delivery::store::{Change, Journal, JournalError, Journaled};

/// How long a PDU takes through the radio, and on its way after that.
pub(crate) const PDU_TIME: Duration = Duration::from_millis(10);
const DELAY: Duration = Duration::from_millis(250);
/// Longer than anything takes here that comes to an end.
pub(crate) const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// The ends: the first sends, unless a test has it otherwise.
pub(crate) const GROUND: usize = 0;
pub(crate) const SATELLITE: usize = 1;

pub(crate) type TestEntity = Entity<MemoryStore, TestJournal>;

/// A journal one commit of which fails, while files can be written.
pub(crate) struct TestJournal {
    journal: MemoryJournal,
    commits_left: Rc<Cell<Option<u64>>>,
}

impl Journal for TestJournal {
    fn load(&mut self) -> Result<Journaled, JournalError> {
        self.journal.load()
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), JournalError> {
        let left = self.commits_left.get();
        self.commits_left
            .set(left.and_then(|left| left.checked_sub(1)));
        match left {
            Some(0) => Err(JournalError("it fails for a moment".to_string())),
            _ => self.journal.commit(changes),
        }
    }
}

/// What happens to a PDU: its number in the order of all, who sent it, and what it is.
pub(crate) struct Passing<'a> {
    pub(crate) number: usize,
    pub(crate) from: usize,
    pub(crate) pdu: Pdu<'a>,
}

pub(crate) struct Side {
    pub(crate) disk: MemoryDisk,
    pub(crate) entity: TestEntity,
    pub(crate) events: Vec<Event>,
    config: EntityConfig,
    peer: Peer,
    with_radio: Option<(Instant, PduToken, Vec<u8>)>,
    /// Restarts after its disk failed.
    pub(crate) cuts: usize,
    /// Commits of the journal until one fails.
    pub(crate) commits_left: Rc<Cell<Option<u64>>>,
}

pub(crate) struct Rig {
    pub(crate) now: Instant,
    pub(crate) sides: [Side; 2],
    /// By when they arrive, and in which order they left: whom to.
    on_the_way: BTreeMap<(Instant, usize), (usize, Vec<u8>)>,
    pub(crate) passed: usize,
    loses: Box<dyn FnMut(&Passing<'_>) -> bool>,
    /// All that left a radio, in order: whom to.
    pub(crate) left: Vec<(usize, Vec<u8>)>,
    /// File Data octets that passed the radio, lost ones among them.
    pub(crate) data_octets: u64,
    contact: bool,
}

pub(crate) fn id(side: usize) -> EntityId {
    EntityId(side as u64 + 1)
}

pub(crate) fn name(name: &str) -> StoreName {
    name.parse().expect("a name")
}

/// Octets that differ everywhere.
pub(crate) fn content(bytes: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(bytes as u64);
    std::iter::repeat_with(|| random.u8(..))
        .take(bytes)
        .collect()
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_, _| {})
    }

    /// With other limits and timers than the defaults.
    pub(crate) fn with(set: impl Fn(&mut EntityConfig, &mut Peer)) -> Self {
        let now = Instant::now();
        let side = |own: usize| {
            let mut config = EntityConfig::new(id(own));
            let mut peer = Peer::new(id(1 - own));
            set(&mut config, &mut peer);
            Side::new(now, MemoryDisk::new(own as u64), config, peer)
        };
        Rig {
            now,
            sides: [side(GROUND), side(SATELLITE)],
            on_the_way: BTreeMap::new(),
            passed: 0,
            loses: Box::new(|_| false),
            left: Vec::new(),
            data_octets: 0,
            contact: true,
        }
    }

    /// Which PDUs are lost from now on.
    pub(crate) fn lose(&mut self, loses: impl FnMut(&Passing<'_>) -> bool + 'static) {
        self.loses = Box::new(loses);
    }

    /// The ground sends a file of so many octets up, under the name `up.bin`.
    pub(crate) fn send_up(&mut self, bytes: usize) -> TransactionId {
        let file = name("up.bin");
        self.sides[GROUND].disk.put(&file, &content(bytes));
        self.put(PutRequest::file(id(SATELLITE), file.clone(), file))
    }

    pub(crate) fn put(&mut self, request: PutRequest) -> TransactionId {
        let put = self.sides[GROUND].entity.put(self.now, &request);
        put.expect("a transaction begins")
    }

    pub(crate) fn set_contact(&mut self, contact: bool) {
        self.contact = contact;
        for side in &mut self.sides {
            side.entity.handle_contact(self.now, contact);
        }
        if !contact {
            // What is in the air is lost.
            self.on_the_way.clear();
        }
    }

    /// Runs until both ends know how the transaction ended, and forgot it.
    #[track_caller]
    pub(crate) fn run_to_the_end(&mut self, transaction: TransactionId) -> [Outcome; 2] {
        self.run_until(LONG, |rig| {
            rig.outcome(GROUND, transaction).is_some()
                && rig.outcome(SATELLITE, transaction).is_some()
        });
        let of = |side| self.outcome(side, transaction);
        let (Some(ground), Some(satellite)) = (of(GROUND), of(SATELLITE)) else {
            panic!("it did not end: {:?}", self.reports());
        };
        [ground, satellite]
    }

    pub(crate) fn reports(&self) -> Vec<String> {
        let sides = self.sides.iter();
        sides
            .flat_map(|side| {
                side.entity
                    .transactions()
                    .map(|report| format!("{report:?}"))
            })
            .collect()
    }

    pub(crate) fn outcome(&self, side: usize, transaction: TransactionId) -> Option<Outcome> {
        self.sides[side].outcome(transaction)
    }

    /// Runs until the condition holds, nothing happens any more, or time is over; true
    /// where it holds.
    pub(crate) fn run_until(
        &mut self,
        time: Duration,
        mut is_reached: impl FnMut(&Rig) -> bool,
    ) -> bool {
        let until = self.now + time;
        loop {
            if is_reached(self) {
                return true;
            }
            self.fill_radios();
            let Some(next) = self.next_time().filter(|next| *next <= until) else {
                self.now = until;
                return false;
            };
            self.now = self.now.max(next);
            self.step();
        }
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    fn next_time(&self) -> Option<Instant> {
        let radios = self.sides.iter().filter_map(|side| {
            let departure = side.with_radio.as_ref().map(|(at, ..)| *at);
            departure
                .into_iter()
                .chain(side.entity.poll_timeout())
                .min()
        });
        let arrival = self.on_the_way.first_key_value().map(|((at, _), _)| *at);
        radios.chain(arrival).min()
    }

    fn fill_radios(&mut self) {
        let now = self.now;
        for side in &mut self.sides {
            if side.with_radio.is_none() {
                let mut octets = Vec::new();
                let token = side.entity.poll_directive(now, &mut octets);
                let token = token.or_else(|| side.entity.poll_data(now, &mut octets));
                side.with_radio = token.map(|token| (now + PDU_TIME, token, octets));
            }
            side.restart_if_failed(now);
        }
    }

    fn step(&mut self) {
        let now = self.now;
        for from in 0..2 {
            let leaves = self.sides[from].with_radio.take_if(|(at, ..)| *at <= now);
            if let Some((_, token, octets)) = leaves {
                self.sides[from].entity.handle_departed(now, token, true);
                self.pass(from, octets);
            }
        }
        while let Some(entry) = self.on_the_way.first_entry()
            && entry.key().0 <= now
        {
            let (to, octets) = entry.remove();
            self.sides[to].entity.handle_pdu(now, &octets);
        }
        for side in &mut self.sides {
            if side.entity.poll_timeout().is_some_and(|at| at <= now) {
                side.entity.handle_timeout(now);
            }
            side.restart_if_failed(now);
            side.take_events();
        }
    }

    fn pass(&mut self, from: usize, octets: Vec<u8>) {
        let (_, pdu) = Pdu::parse(&octets).expect("what leaves is a PDU");
        if let Pdu::FileData(data) = &pdu {
            self.data_octets += data.data.len() as u64;
        }
        let number = self.passed;
        self.passed += 1;
        let is_lost = (self.loses)(&Passing { number, from, pdu });
        self.left.push((1 - from, octets.clone()));
        if !is_lost && self.contact {
            let key = (self.now + DELAY, number);
            self.on_the_way.insert(key, (1 - from, octets));
        }
    }

    /// A PDU of the test's own making comes to an end.
    pub(crate) fn inject(&mut self, to: usize, octets: &[u8]) {
        let now = self.now;
        self.sides[to].entity.handle_pdu(now, octets);
        self.sides[to].take_events();
    }

    #[track_caller]
    pub(crate) fn assert_arrived(&self, file: &str, bytes: usize) {
        let arrived = self.sides[SATELLITE].disk.file(&name(file));
        let arrived = arrived.unwrap_or_else(|| panic!("{file} is not there"));
        assert!(arrived == content(bytes), "{file} is another file");
        assert_eq!(self.sides[SATELLITE].disk.staged(), []);
    }

    #[track_caller]
    pub(crate) fn assert_counts_add_up(&self) {
        for side in &self.sides {
            let counts = side.entity.counts();
            assert!(counts.balances(), "{counts:?}");
        }
    }
}

impl Side {
    fn new(now: Instant, disk: MemoryDisk, config: EntityConfig, peer: Peer) -> Self {
        let commits_left = Rc::new(Cell::new(None));
        let entity = entity(now, &disk, &commits_left, &config, &peer);
        Side {
            disk,
            entity,
            events: Vec::new(),
            config,
            peer,
            with_radio: None,
            cuts: 0,
            commits_left,
        }
    }

    /// The power is cut, and comes back.
    pub(crate) fn cut(&mut self, now: Instant) {
        self.take_events();
        self.disk.power_cut();
        self.entity = entity(
            now,
            &self.disk,
            &self.commits_left,
            &self.config,
            &self.peer,
        );
        self.with_radio = None;
        self.cuts += 1;
    }

    /// It begins with an empty disk, and numbers that it never gave.
    pub(crate) fn forget(&mut self, now: Instant) {
        self.take_events();
        self.config.first_number = 1_000;
        self.disk = MemoryDisk::new(99);
        let (config, peer) = (self.config.clone(), self.peer.clone());
        self.entity = entity(now, &self.disk, &self.commits_left, &config, &peer);
        self.with_radio = None;
    }

    fn restart_if_failed(&mut self, now: Instant) {
        if self.disk.has_failed() {
            self.cut(now);
        }
    }

    fn take_events(&mut self) {
        let events = std::iter::from_fn(|| self.entity.poll_event());
        self.events.extend(events);
    }

    pub(crate) fn outcome(&self, of: TransactionId) -> Option<Outcome> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Finished {
                transaction,
                outcome,
                ..
            } if *transaction == of => Some(outcome.clone()),
            _ => None,
        })
    }

    pub(crate) fn finished(&self, of: Role) -> usize {
        let finished = self.events.iter();
        finished
            .filter(|event| matches!(event, Event::Finished { role, .. } if *role == of))
            .count()
    }

    pub(crate) fn faults(&self) -> Vec<&Event> {
        let events = self.events.iter();
        events
            .filter(|event| matches!(event, Event::Fault { .. }))
            .collect()
    }
}

fn entity(
    now: Instant,
    disk: &MemoryDisk,
    commits_left: &Rc<Cell<Option<u64>>>,
    config: &EntityConfig,
    peer: &Peer,
) -> TestEntity {
    let store = disk.store();
    let journal = TestJournal {
        journal: disk.journal(),
        commits_left: Rc::clone(commits_left),
    };
    let entity = Entity::new(now, config.clone(), [peer.clone()], store, journal);
    entity.expect("the journal can be read")
}

//! The event loop: whatever happens next, happens.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use comms_service::budget::HeldBytes;
use comms_service::link::{Action, Command, HandlerId};
use comms_service::message::{End as Which, PayloadType};
use radio_hal::FramingConfig;
use radio_hal::channel::{Channel, Direction, Fate};

use crate::Run;
use crate::end::End;
use crate::ledger::Ledger;
use crate::scenario::{Deed, Scenario};

/// Longer than any message takes on the slowest channel.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(3600);
/// A run that is not over by then never will be.
const RUN_MAX: Duration = Duration::from_secs(4 * 3600);
/// A run of more steps than this is a loop without end.
const STEPS_MAX: u64 = 1_000_000;
const SERVICE_PORT: u16 = 8020;

pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    /// What the engines take for the beginning of time.
    began: Instant,
    now: Duration,
    satellite: End,
    ground: End,
    channel: Channel,
    deeds_done: usize,
    /// Answers that services are thinking about, by when they give them.
    thinking: BTreeMap<(Duration, u64), (HandlerId, Vec<u8>)>,
    queries: Ledger,
    answers: Ledger,
    messages: Ledger,
    datagrams: Ledger,
    open_commands: BTreeSet<u64>,
    trace: DefaultHasher,
}

impl<'a> World<'a> {
    pub(crate) fn new(scenario: &'a Scenario) -> Self {
        let end = |which, framing: &FramingConfig, seed| {
            End::new(which, framing, &scenario.options, seed).expect("a scenario fits together")
        };
        let ground_framing = mirrored(&scenario.framing);
        Self {
            began: Instant::now(),
            now: Duration::ZERO,
            satellite: end(Which::Satellite, &scenario.framing, scenario.seed),
            ground: end(Which::Ground, &ground_framing, !scenario.seed),
            channel: Channel::new(&scenario.channel).expect("a scenario fits together"),
            scenario,
            deeds_done: 0,
            thinking: BTreeMap::new(),
            queries: Ledger::default(),
            answers: Ledger::default(),
            messages: Ledger::default(),
            datagrams: Ledger::default(),
            open_commands: BTreeSet::new(),
            trace: DefaultHasher::new(),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    pub(crate) fn play(&mut self) -> Result<Run, String> {
        for _ in 0..STEPS_MAX {
            self.step()?;
            match self.next_event() {
                Some(next) if next > RUN_MAX => return Err("it never ends".to_owned()),
                Some(next) => self.now = self.now.max(next),
                None => return self.end(),
            }
        }
        Err(format!("{STEPS_MAX} steps and no end"))
    }

    /// Everything that happens now, until nothing more does.
    fn step(&mut self) -> Result<(), String> {
        self.do_deeds();
        self.answer();
        let now = self.began + self.now;
        for end in [&mut self.satellite, &mut self.ground] {
            if end.link.poll_timeout().is_some_and(|due| due <= now) {
                end.link.handle_timeout(now);
            }
        }
        loop {
            let mut quiet = self.transmit()?;
            quiet &= self.hear()?;
            quiet &= self.act()?;
            if quiet {
                break;
            }
        }
        for (name, end) in [("satellite", &self.satellite), ("ground", &self.ground)] {
            let all = end.link.statistics();
            if !all.balances() {
                return Err(format!("the {name}'s accounts do not add up: {all:?}"));
            }
        }
        self.check_channel()
    }

    fn check_channel(&self) -> Result<(), String> {
        let all = self.channel.statistics();
        for account in [&all.transmit, &all.receive] {
            let known = account.delivered + account.dropped() + account.in_flight;
            if account.offered + account.duplicated != known {
                return Err(format!("the channel's accounts do not add up: {all:?}"));
            }
        }
        Ok(())
    }

    fn next_event(&self) -> Option<Duration> {
        let deed = self.scenario.deeds.get(self.deeds_done).map(|(at, _)| *at);
        let answer = self.thinking.keys().next().map(|(at, _)| *at);
        let timeouts = [&self.satellite, &self.ground].map(|end| end.link.poll_timeout());
        let timeouts = timeouts.map(|due| due.map(|due| due.saturating_duration_since(self.began)));
        let statistics = self.channel.statistics();
        let air = statistics.transmit.in_flight + statistics.receive.in_flight > 0
            || self.satellite.link.has_packet(0);
        // A contact that begins or ends is nothing that happens by itself.
        let channel = self.channel.poll_timeout(self.now).filter(|_| air);
        let all = [deed, answer, channel].into_iter().chain(timeouts);
        all.flatten().min()
    }

    fn do_deeds(&mut self) {
        while let Some((at, deed)) = self.scenario.deeds.get(self.deeds_done) {
            if *at > self.now {
                return;
            }
            self.deeds_done += 1;
            self.do_deed(self.deeds_done as u64, deed);
        }
    }

    fn do_deed(&mut self, number: u64, deed: &Deed) {
        let (payload_type, payload) = match deed {
            Deed::Datagram { bytes } => {
                let payload = self.datagrams.make(number, *bytes);
                self.satellite.link.handle_datagram(0, &payload);
                return;
            }
            Deed::Query { query_bytes, .. } => (
                PayloadType::GraphQl,
                self.queries.make(number, *query_bytes),
            ),
            Deed::Message { bytes } => (PayloadType::Udp, self.messages.make(number, *bytes)),
        };
        self.open_commands.insert(number);
        self.ground.link.command(Command {
            command_id: number,
            payload_type,
            port: SERVICE_PORT,
            payload,
            timeout: COMMAND_TIMEOUT,
            retries: 0,
        });
    }

    /// Services give the answers that they have thought of.
    fn answer(&mut self) {
        while let Some(entry) = self.thinking.first_entry() {
            if entry.key().0 > self.now {
                return;
            }
            let (handler, answer) = entry.remove();
            let link = &mut self.satellite.link;
            let held = HeldBytes::copy_of(link.budget(), &answer);
            let held = held.expect("a scenario fits into memory");
            link.handle_answer(handler, Ok(held));
        }
    }

    /// Both ends hand to the radio what it takes; true if that was nothing.
    fn transmit(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        let now = self.began + self.now;
        for direction in Direction::ALL {
            loop {
                if direction == Direction::Transmit && self.channel.credits(self.now) == 0 {
                    break;
                }
                let end = match direction {
                    Direction::Transmit => &mut self.satellite,
                    Direction::Receive => &mut self.ground,
                };
                let frames = end.next_frames(now)?;
                if frames.is_empty() {
                    break;
                }
                quiet = false;
                for frame in frames {
                    (self.now, direction, &frame).hash(&mut self.trace);
                    let taken = self.channel.handle_frame(self.now, direction, &frame);
                    taken.map_err(|error| format!("{} by {direction:?}", error))?;
                }
            }
        }
        Ok(quiet)
    }

    /// Both ends hear what arrives; true if that was nothing.
    fn hear(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        let now = self.began + self.now;
        for direction in Direction::ALL {
            while let Some(fate) = self.channel.poll_fate(self.now, direction) {
                quiet = false;
                let end = match direction {
                    Direction::Transmit => &mut self.ground,
                    Direction::Receive => &mut self.satellite,
                };
                match fate {
                    Fate::Delivered(frame) => {
                        (self.now, direction, &frame).hash(&mut self.trace);
                        end.hear(now, &frame)?;
                    }
                    Fate::Dropped { bytes, reason } => {
                        (self.now, direction, bytes, reason).hash(&mut self.trace);
                    }
                }
            }
        }
        Ok(quiet)
    }

    /// What the engines decided is done; true if that was nothing.
    fn act(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        while let Some(action) = self.satellite.link.poll_action() {
            quiet = false;
            self.act_on_satellite(action)?;
        }
        while let Some(action) = self.ground.link.poll_action() {
            quiet = false;
            self.act_on_ground(action)?;
        }
        Ok(quiet)
    }

    fn act_on_satellite(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Post { handler, body, .. } => {
                let number = self.queries.arrived("a query", &body)?;
                let deed = &self.scenario.deeds.get(number as usize - 1);
                let Some((
                    _,
                    Deed::Query {
                        answer_bytes,
                        thinks,
                        ..
                    },
                )) = deed
                else {
                    return Err(format!("deed {number} is no query"));
                };
                let answer = self.answers.make(number, *answer_bytes);
                let key = (self.now + *thinks, number);
                self.thinking.insert(key, (handler, answer));
            }
            Action::SendDatagram { payload, .. } => {
                self.messages.arrived("a message", &payload)?;
                self.satellite.link.handle_datagram_sent(Ok(()));
            }
            other => return Err(format!("the satellite was to do {other:?}")),
        }
        Ok(())
    }

    fn act_on_ground(&mut self, action: Action) -> Result<(), String> {
        let command_id = match action {
            Action::Heard(message) => {
                self.datagrams.arrived("a datagram", &message.payload)?;
                return Ok(());
            }
            Action::Answered {
                command_id,
                payload,
            } => {
                let number = self.answers.arrived("an answer", &payload)?;
                if number != command_id {
                    return Err(format!("command {command_id} has the answer to {number}"));
                }
                command_id
            }
            Action::Sent { command_id } => command_id,
            Action::Failed {
                command_id,
                failure,
            } => {
                if self.scenario.loses_nothing {
                    return Err(format!("command {command_id} failed: {failure}"));
                }
                command_id
            }
            other => return Err(format!("the ground was to do {other:?}")),
        };
        match self.open_commands.remove(&command_id) {
            true => Ok(()),
            false => Err(format!("command {command_id} has two outcomes")),
        }
    }

    /// Nothing more will happen.
    fn end(&mut self) -> Result<Run, String> {
        if let Some(command) = self.open_commands.first() {
            return Err(format!("command {command} has no outcome"));
        }
        if self.scenario.loses_nothing {
            self.queries.all_arrived_once("query")?;
            self.answers.all_arrived_once("answer")?;
            self.messages.all_arrived_once("message")?;
            self.datagrams.all_arrived_once("datagram")?;
        }
        for (name, end) in [("satellite", &self.satellite), ("ground", &self.ground)] {
            let statistics = end.link.statistics();
            let held = statistics.memory_bytes_used - statistics.answer_bytes_remembered;
            if held != 0 {
                return Err(format!("the {name} still holds {held} octets"));
            }
        }
        let air = self.channel.statistics();
        Ok(Run {
            lasted: self.now,
            frames: air.transmit.offered + air.receive.offered,
            frames_lost: air.transmit.dropped() + air.receive.dropped(),
            trace: self.trace.finish(),
        })
    }
}

/// The same framing with callsigns swapped.
fn mirrored(framing: &FramingConfig) -> FramingConfig {
    let mut mirrored = framing.clone();
    if let Some(ax25) = &mut mirrored.ax25 {
        std::mem::swap(&mut ax25.callsign, &mut ax25.peer);
    }
    mirrored
}

//! The event loop: whatever happens next, happens.

mod acting;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use comms_service::accounting::DropReason;
use comms_service::budget::HeldBytes;
use comms_service::link::{Command, ServiceFailure};
use comms_service::message::{End as Which, PayloadType};
use fastrand::Rng;
use radio_hal::channel::{Channel, ChannelConfig, Direction, DirectionConfig, Fate};

use crate::Run;
use crate::end::End;
use crate::invariants::{self, Nonce};
use crate::ledger::Ledger;
use crate::machine::Machine;
use crate::operators::{Operators, Outcome, Task};
use crate::scenario::{Deed, Query, Scenario};
use crate::services::{Manner, Services};
use crate::trace::Trace;

/// A run that is not over by then never will be.
const RUN_MAX: Duration = Duration::from_secs(24 * 3600);
/// With security, nothing is over before that: some time-outs are long.
const LINGER: Duration = Duration::from_secs(180);
/// A run of more steps than this is a loop without end.
const STEPS_MAX: u64 = 1_000_000;
const SERVICE_PORT: u16 = 8020;
/// How long a message of one way waits for its answer, which never comes.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// The number of the command that must be answered when nothing goes wrong any more.
const PROBE: u64 = 1_000_000;
/// From the end of all trouble to it: longer than any computer is off.
const PROBE_AFTER: Duration = Duration::from_secs(10);
/// So often at most an operator has to ask.
const PROBE_ASKED_MAX: u32 = 20;

pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    /// What the engines take for the beginning of time.
    began: Instant,
    now: Duration,
    satellite: Machine,
    ground: Machine,
    channel: Channel,
    /// Frames of the channel that there was before the trouble ended.
    frames_before: (u64, u64),
    is_calm: bool,
    deeds_done: usize,
    services: Services,
    operators: Operators,
    queries: Ledger,
    answers: Ledger,
    messages: Ledger,
    datagrams: Ledger,
    /// Datagrams that are with their sockets.
    datagrams_in_flight: u64,
    nonces: BTreeSet<Nonce>,
    unheard: u64,
    rng: Rng,
    trace: Trace,
}

impl<'a> World<'a> {
    pub(crate) fn new(scenario: &'a Scenario, trace: Trace) -> Self {
        let plan = &scenario.plan;
        let seed = scenario.seed;
        let satellite_crashes = scenario.satellite_crashes.clone();
        let ground_crashes = scenario.ground_crashes.clone();
        let began = Instant::now();
        Self {
            began,
            now: Duration::ZERO,
            satellite: Machine::new(Which::Satellite, plan, satellite_crashes, seed, began),
            ground: Machine::new(Which::Ground, plan, ground_crashes, !seed, began),
            channel: Channel::new(&scenario.channel).expect("a scenario fits together"),
            frames_before: (0, 0),
            is_calm: plan.calm_from.is_zero(),
            scenario,
            deeds_done: 0,
            services: Services::default(),
            operators: Operators::default(),
            queries: Ledger::default(),
            answers: Ledger::default(),
            messages: Ledger::default(),
            datagrams: Ledger::default(),
            datagrams_in_flight: 0,
            nonces: BTreeSet::new(),
            unheard: 0,
            rng: Rng::with_seed(seed.rotate_left(17)),
            trace,
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// The lines of the trace, if it has any.
    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        self.trace.take_lines()
    }

    pub(crate) fn play(&mut self) -> Result<Run, String> {
        for _ in 0..STEPS_MAX {
            self.step()?;
            match self.next_event() {
                Some(_) if self.is_over() => return self.end(),
                Some(next) if next > RUN_MAX => return Err("it never ends".to_owned()),
                Some(next) => self.now = self.now.max(next),
                None => return self.end(),
            }
        }
        Err(format!("{STEPS_MAX} steps and no end"))
    }

    /// Everything that happens now, until nothing more does.
    fn step(&mut self) -> Result<(), String> {
        self.calm();
        let seed = self.rng.u64(..);
        for machine in [&mut self.satellite, &mut self.ground] {
            machine.handle_time(self.now, seed)?;
        }
        self.do_deeds();
        self.ask();
        self.report();
        let now = self.began + self.now;
        for machine in [&mut self.satellite, &mut self.ground] {
            let timeout = machine.end().and_then(|end| end.link.poll_timeout());
            if timeout.is_some_and(|due| due <= now)
                && let Some(end) = machine.call(self.now)
            {
                end.link.handle_timeout(now);
            }
        }
        loop {
            let mut quiet = self.transmit()?;
            quiet &= self.hear()?;
            quiet &= self.act()?;
            self.settle()?;
            self.check()?;
            if quiet {
                return Ok(());
            }
        }
    }

    /// Whether nothing happens any more but what never ends: a satellite with
    /// security that looks for stations.
    fn is_over(&self) -> bool {
        let machines = [&self.satellite, &self.ground];
        let is_idle = |machine: &&Machine| {
            let end = machine.end();
            end.is_some_and(|end| invariants::holds_nothing(machine.name(), end).is_ok())
        };
        let air = self.channel.statistics();
        self.scenario.plan.security.is_some()
            && self.is_calm
            && self.now >= self.scenario.plan.calm_from + LINGER
            && self.deeds_done == self.scenario.deeds.len()
            && self.operators.next_event().is_none()
            && self.operators.open().is_none()
            && self.services.next_event().is_none()
            && air.transmit.in_flight + air.receive.in_flight == 0
            && machines.iter().all(is_idle)
    }

    /// What must hold at every moment.
    fn check(&self) -> Result<(), String> {
        for machine in [&self.satellite, &self.ground] {
            let Some(end) = machine.end() else { continue };
            let (name, all) = (machine.name(), end.statistics());
            invariants::accounts_add_up(name, &all)?;
            invariants::accounts_say_what_was_seen(name, &all, &end.seen)?;
            let datagrams = match machine.name() {
                "satellite" => self.datagrams_in_flight,
                _ => 0,
            };
            invariants::no_bound_is_exceeded(name, &self.scenario.plan, &all, datagrams)?;
        }
        invariants::channel_adds_up(&self.channel.statistics())
    }

    /// A computer that went down took with it what was not done.
    fn settle(&mut self) -> Result<(), String> {
        if self.satellite.has_crashed() {
            self.trace.line(self.now, || "satellite: the power is cut");
            self.services.crash();
            self.datagrams_in_flight = 0;
        }
        if self.ground.has_crashed() {
            self.trace.line(self.now, || "ground: the power is cut");
            self.operators.crash(self.now)?;
        }
        Ok(())
    }

    /// From now on nothing goes wrong any more.
    fn calm(&mut self) {
        if self.is_calm || self.now < self.scenario.plan.calm_from {
            return;
        }
        self.is_calm = true;
        self.trace.line(self.now, || "nothing goes wrong any more");
        let air = self.channel.statistics();
        let lost = air.transmit.in_flight + air.receive.in_flight;
        let lost = lost + air.transmit.dropped() + air.receive.dropped();
        self.frames_before = (air.transmit.offered + air.receive.offered, lost);
        let clean = clean(&self.scenario.channel);
        self.channel = Channel::new(&clean).expect("a scenario fits together");
        self.satellite.storage.heal();
        self.ground.storage.heal();
        let query = Query {
            query_bytes: 50,
            answer_bytes: 200,
            thinks: Duration::from_millis(10),
            manner: Manner::Answers,
            mutation: true,
            timeout: Duration::from_secs(60),
            retries: 3,
            insists: PROBE_ASKED_MAX - 1,
        };
        let payload = self.queries.make(PROBE, query.query_bytes);
        let at = self.now + PROBE_AFTER;
        self.operators.want(at, PROBE, Task::Query(query), payload);
    }

    fn next_event(&self) -> Option<Duration> {
        let deed = self.scenario.deeds.get(self.deeds_done).map(|(at, _)| *at);
        let calm = (!self.is_calm).then_some(self.scenario.plan.calm_from);
        let statistics = self.channel.statistics();
        let satellite = self.satellite.end();
        let air = statistics.transmit.in_flight + statistics.receive.in_flight > 0
            || satellite.is_some_and(|end| end.link.has_packet(self.began + self.now, 0));
        // A contact that begins or ends is nothing that happens by itself.
        let channel = self.channel.poll_timeout(self.now).filter(|_| air);
        let all = [
            deed,
            calm,
            channel,
            self.services.next_event(),
            self.operators.next_event(),
            self.satellite.next_event(self.began),
            self.ground.next_event(self.began),
        ];
        all.into_iter().flatten().min()
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
        match deed {
            Deed::Datagrams { bytes, count } => {
                for copy in 0..*count {
                    let payload = self.datagrams.make(number | copy << 32, *bytes);
                    // While the computer is off, no app sends anything.
                    let now = self.began + self.now;
                    if let Some(end) = self.satellite.call(self.now) {
                        end.link.handle_datagram(now, 0, &payload);
                    }
                }
            }
            Deed::Query(query) => {
                let payload = self.queries.make(number, query.query_bytes);
                let task = Task::Query(query.clone());
                self.operators.want(self.now, number, task, payload);
            }
            Deed::Message { bytes, wanted } => {
                let payload = self.messages.make(number, *bytes);
                let task = Task::Message { wanted: *wanted };
                self.operators.want(self.now, number, task, payload);
            }
        }
    }

    /// Operators give their commands to the ground's engine.
    fn ask(&mut self) {
        while let Some(number) = self.operators.next_to_ask(self.now) {
            let Some(end) = self.ground.call(self.now) else {
                self.operators.not_asked(self.now, number);
                continue;
            };
            let Some(asked) = self.operators.ask(number) else {
                continue;
            };
            // A satellite that lost all copies of its state is let in by the operator.
            let has_keys = |end: &End| end.link.is_in_sync() != Some(false);
            if number == PROBE && self.satellite.end().is_some_and(|end| !has_keys(end)) {
                end.link.want_resync();
            }
            let (payload_type, timeout, retries) = match &asked.task {
                Task::Query(query) => (PayloadType::GraphQl, query.timeout, query.retries),
                Task::Message { .. } => (PayloadType::Udp, MESSAGE_TIMEOUT, 0),
            };
            self.trace.line(self.now, || {
                let bytes = asked.payload.len();
                format!(
                    "ground: command {number}, {} of {bytes}",
                    payload_type.as_str()
                )
            });
            end.command(Command {
                command_id: number,
                payload_type,
                port: SERVICE_PORT,
                payload: asked.payload.clone(),
                timeout,
                retries,
            });
        }
    }

    /// Services say what they have to say, and sockets what became of datagrams.
    fn report(&mut self) {
        while let Some(result) = self.services.next_datagram(self.now) {
            let Some(end) = self.satellite.call(self.now) else {
                return;
            };
            self.datagrams_in_flight -= 1;
            end.seen.messages_delivered += u64::from(result.is_ok());
            end.link.handle_datagram_sent(result.map_err(failure));
        }
        while let Some(report) = self.services.next_report(self.now) {
            let Some(end) = self.satellite.call(self.now) else {
                return;
            };
            self.trace
                .line(self.now, || format!("satellite: {report:?}"));
            let budget = end.link.budget();
            let answer = match report.answer {
                // Larger than any message may be: it is never what somebody gets.
                Ok(bytes) if bytes > end.link.message_bytes_max() => {
                    HeldBytes::copy_of(budget, &vec![0; bytes])
                        .map_err(|_| failure(DropReason::MemorySpent))
                }
                Ok(bytes) => HeldBytes::copy_of(budget, &self.answers.make(report.number, bytes))
                    .map_err(|_| failure(DropReason::MemorySpent)),
                Err(reason) => Err(failure(reason)),
            };
            end.seen.messages_delivered += u64::from(answer.is_ok() && !report.too_late);
            end.link.handle_answer(report.handler, answer);
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
                let machine = match direction {
                    Direction::Transmit => &mut self.satellite,
                    Direction::Receive => &mut self.ground,
                };
                // Asking for nothing is no point at which anything can go wrong.
                if !machine.end().is_some_and(|end| end.link.has_packet(now, 0)) {
                    break;
                }
                let Some(end) = machine.call(self.now) else {
                    break;
                };
                let Some(outgoing) = end.next_packet(now)? else {
                    break;
                };
                quiet = false;
                if let Some(nonce) = outgoing.security {
                    // Station 0 is everybody; SPI 0 is in the clear.
                    let salt = machine.salt_of((nonce.spi >> 8) as u8 & 0x7F);
                    if nonce.spi != 0 {
                        invariants::nonces_never_repeat(&mut self.nonces, (salt, nonce))?;
                    }
                }
                let frame = &outgoing.frame;
                let fails = !self.is_calm && self.rng.f64() < self.scenario.write_failure;
                let mut result = Err("the radio did not take it".to_owned());
                if !fails {
                    self.trace.hash((self.now, direction, frame));
                    let taken = self.channel.handle_frame(self.now, direction, frame);
                    result = taken.map_err(|error| format!("{error} by {direction:?}"));
                }
                let name = machine.name();
                self.trace.line(self.now, || {
                    format!("{name}: frame of {}: {result:?}", frame.len())
                });
                if self.scenario.loses_nothing {
                    result.clone()?;
                }
                // The power may go while the radio has it.
                if let Some(end) = machine.call(self.now) {
                    end.written(now, result);
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
                let machine = match direction {
                    Direction::Transmit => &mut self.ground,
                    Direction::Receive => &mut self.satellite,
                };
                let name = machine.name();
                let frame = match fate {
                    Fate::Delivered(frame) => frame,
                    Fate::Dropped { bytes, reason } => {
                        self.trace.hash((self.now, direction, bytes, reason));
                        self.trace.line(self.now, || {
                            format!("{name}: frame of {bytes} not heard: {reason}")
                        });
                        continue;
                    }
                };
                self.trace.hash((self.now, direction, &frame));
                let Some(end) = machine.call(self.now) else {
                    self.unheard += 1;
                    continue;
                };
                self.trace.line(self.now, || {
                    format!("{name}: frame of {} heard", frame.len())
                });
                for piece in end.pieces(&frame)? {
                    if let Some(end) = machine.call(self.now) {
                        end.hear(now, &piece);
                    }
                }
            }
        }
        Ok(quiet)
    }

    /// Nothing more will happen.
    fn end(&mut self) -> Result<Run, String> {
        if let Some(command) = self.operators.open() {
            return Err(format!("command {command} has no outcome"));
        }
        if self.scenario.loses_nothing {
            self.queries.all_arrived_once("query")?;
            self.answers.all_arrived_once("answer")?;
            self.messages.all_arrived_once("message")?;
            self.datagrams.all_arrived_once("datagram")?;
        }
        let probe = self.operators.get(PROBE);
        if probe.is_some_and(|probe| !probe.is_answered) {
            let told = [&self.satellite, &self.ground].map(|machine| {
                let errors = machine.end().map(|end| end.statistics().errors);
                let newest: Vec<_> = errors
                    .unwrap_or_default()
                    .into_iter()
                    .rev()
                    .take(12)
                    .collect();
                format!(
                    "the {}'s last errors, the newest first: {newest:?}",
                    machine.name()
                )
            });
            return Err(format!(
                "a lock-out: nothing goes wrong, and no answer to {PROBE_ASKED_MAX} questions; {}",
                told.join(", ")
            ));
        }
        let mut reboots = 0;
        for machine in [&self.satellite, &self.ground] {
            let name = machine.name();
            let end = machine.end();
            let end = end.ok_or_else(|| format!("the {name} never came back"))?;
            let is_endless = self.scenario.plan.security.is_some();
            match is_endless {
                true => invariants::holds_nothing(name, end)?,
                false => invariants::idle(name, end, self.began + self.now)?,
            }
            invariants::accounts_add_up_over_reboots(name, &machine.past)?;
            reboots += machine.past.boots;
        }
        let mutations = self.operators.mutations();
        let executions = self.services.executions();
        let each_boot = self.services.executions_each_boot();
        invariants::no_mutation_ran_twice(&mutations, each_boot)?;
        let has_journal = self.scenario.plan.journals && !self.satellite.has_lost_journal();
        if has_journal || self.scenario.demands.at_most_once {
            invariants::no_mutation_ran_twice(&mutations, executions)?;
            self.messages.nothing_arrived_twice("message")?;
        }
        if self.scenario.plan.security.is_some() {
            self.messages.nothing_arrived_twice("message")?;
            self.datagrams.nothing_arrived_twice("datagram")?;
        }
        let air = self.channel.statistics();
        Ok(Run {
            lasted: self.now,
            frames: self.frames_before.0 + air.transmit.offered + air.receive.offered,
            frames_lost: self.frames_before.1 + air.transmit.dropped() + air.receive.dropped(),
            frames_unheard: self.unheard,
            reboots,
            outcomes: self.operators.outcomes,
            trace: self.trace.finish(),
        })
    }
}

/// The same channel without anything that harms a frame.
fn clean(channel: &ChannelConfig) -> ChannelConfig {
    let direction = |harmed: &DirectionConfig| DirectionConfig {
        bit_error_rate: 0.0,
        burst: None,
        frame_loss: 0.0,
        duplication: 0.0,
        reordering: 0.0,
        ..harmed.clone()
    };
    ChannelConfig {
        carrier_sense: true,
        contacts: Vec::new(),
        period: None,
        transmit: direction(&channel.transmit),
        receive: direction(&channel.receive),
        ..channel.clone()
    }
}

fn failure(reason: DropReason) -> ServiceFailure {
    ServiceFailure {
        reason,
        message: format!("the service: {}", reason.as_str()),
    }
}

/// What an outcome is called where it comes with an answer.
fn outcome_of(answer: &[u8]) -> Outcome {
    match comms_service::graphql_error::link_error(answer) {
        Some(_) => Outcome::Refused,
        None => Outcome::Answered,
    }
}

//! The event loop of a file on its way down.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use comms_service::budget::HeldBytes;
use comms_service::link::{Action, Command, HandlerId, Pace, PduToSend, QueueClass};
use comms_service::message::End as Which;
use comms_service::options::RadioPace;
use fastrand::Rng;
use file_delivery::StoreName;
use file_delivery::entity::{
    Entity, EntityConfig, Event, PduDropReason, PduToken, Peer, PutRequest, Role,
};
use file_delivery::pdu::{EntityId, FileData, Pdu};
use file_delivery::store::memory::{MemoryDisk, MemoryJournal};
use radio_hal::channel::{Channel, Direction, Fate};
use radio_hal::hdlc;

use super::pattern::PatternStore;
use super::{Delivery, Files, Waits};
use crate::end::End;
use crate::saturation::{FLAG_BITS, FOR_EVER, QUESTION, blueprint};

const SERVICE_PORT: u16 = 8020;
/// The endpoint of telemetry.
const TELEMETRY_ENDPOINT: usize = 0;
/// Octets of an answer, and of a datagram.
const SHORT_BYTES: usize = 20;
/// A run of more steps than this came to a halt.
const STEPS_MAX: u64 = 100_000_000;
/// Within it the ends of a link with security have keys.
const KEYING: Duration = Duration::from_secs(300);
/// A file that has not arrived by then never will.
const RUN_MAX: Duration = Duration::from_secs(100 * 24 * 3600);
/// The longest pause between two answers, in frame times.
const PAUSE_FRAMES: f64 = 20.0;

/// An end with its file entity.
struct Station {
    end: End,
    entity: Entity<PatternStore, MemoryJournal>,
    /// PDUs that the link has, and whether they are of file data.
    with_link: BTreeMap<u64, (PduToken, bool)>,
    data_with_link: usize,
    /// File Data PDUs that it keeps with the link.
    credits: usize,
    next_token: u64,
    pdu: Vec<u8>,
}

pub(super) struct Transfer {
    setup: Files,
    began: Instant,
    now: Duration,
    satellite: Station,
    ground: Station,
    channel: Channel,
    is_contact: bool,
    pace_credits: usize,
    file: StoreName,
    /// Frames with full File Data PDUs: octets of one, how many, and their bits.
    full_frame_bytes: usize,
    full_frames: u64,
    full_bits: u64,
    longest_bits: usize,
    delivered: Option<Duration>,
    failed: Option<String>,
    asked: Option<HandlerId>,
    answered: Option<u64>,
    heard: usize,
    timeline: Vec<String>,
    /// File Data PDUs in a row: how many, and from which octet on up to which.
    row: Option<(u64, u64, u64)>,
    rng: Rng,
}

impl Station {
    fn new(
        which: Which,
        setup: &Files,
        pace: Option<Pace>,
        began: Instant,
    ) -> Result<Self, String> {
        let mut plan = blueprint(setup.n1, setup.security)?;
        plan.takes_pdus = true;
        let (own, other, seed) = match which {
            Which::Satellite => (EntityId(1), EntityId(2), setup.seed),
            Which::Ground => (EntityId(2), EntityId(1), !setup.seed),
        };
        let end = End::paced(which, &plan, seed, None, pace)?;
        let journal = MemoryDisk::new(seed).journal();
        let store = PatternStore::new(setup.seed, setup.file_bytes);
        let defaults = EntityConfig::new(own);
        let config = EntityConfig {
            ranges_max: setup.ranges_max.unwrap_or(defaults.ranges_max),
            ..defaults
        };
        let peer = Peer {
            pdu_bytes_max: end.link.pdu_bytes_max(),
            ..Peer::new(other)
        };
        let entity = Entity::new(began, config, [peer], store, journal);
        Ok(Station {
            credits: end.link.pace_credits().unwrap_or(1).max(1) + 1,
            end,
            entity: entity.map_err(|error| error.to_string())?,
            with_link: BTreeMap::new(),
            data_with_link: 0,
            next_token: 0,
            pdu: Vec::new(),
        })
    }

    /// Gives the link what it takes: directives at once, file data as it leaves.
    fn feed(&mut self, now: Instant) -> Result<bool, String> {
        let mut quiet = true;
        loop {
            let directive = self.entity.poll_directive(now, &mut self.pdu);
            let is_data = directive.is_none();
            if is_data && self.data_with_link >= self.credits {
                return Ok(quiet);
            }
            let data = || self.entity.poll_data(now, &mut self.pdu);
            let Some(pdu) = directive.or_else(data) else {
                return Ok(quiet);
            };
            quiet = false;
            let token = self.next_token;
            self.next_token += 1;
            let to_send = PduToSend {
                token,
                class: match is_data {
                    true => QueueClass::Bulk,
                    false => QueueClass::Response,
                },
                octets: &self.pdu,
            };
            let sent = self.end.link.handle_pdu_to_send(0, to_send);
            sent.map_err(|refused| refused.to_string())?;
            self.data_with_link += usize::from(is_data);
            self.with_link.insert(token, (pdu, is_data));
        }
    }

    fn depart(&mut self, now: Instant, token: u64, left: bool) -> Result<(), String> {
        let departed = self.with_link.remove(&token);
        let (pdu, is_data) = departed.ok_or("a PDU departed twice")?;
        self.data_with_link -= usize::from(is_data);
        self.entity.handle_departed(now, pdu, left);
        Ok(())
    }
}

impl Transfer {
    pub(super) fn new(setup: &Files) -> Result<Self, String> {
        let plan = blueprint(setup.n1, setup.security)?;
        let channel = setup.channel();
        let radio_pace = RadioPace {
            bit_rate_bps: Some(setup.bit_rate_bps),
            credits: Some(channel.frames_in_flight_max()),
            frame_overhead_bytes: plan.framing.channel_overhead_bytes(),
            is_bit_stuffed: true,
            tx_delay: Duration::ZERO,
        };
        let pace = plan.options.pace(&radio_pace);
        let began = Instant::now();
        let mut transfer = Self {
            satellite: Station::new(Which::Satellite, setup, pace, began)?,
            ground: Station::new(Which::Ground, setup, pace, began)?,
            channel: Channel::new(&channel).map_err(|error| error.to_string())?,
            began,
            now: Duration::ZERO,
            is_contact: true,
            pace_credits: pace.map_or(1, |pace| pace.credits),
            file: "file.bin".parse().map_err(|_| "no name")?,
            full_frame_bytes: 0,
            full_frames: 0,
            full_bits: 0,
            longest_bits: 0,
            delivered: None,
            failed: None,
            asked: None,
            answered: None,
            heard: 0,
            timeline: Vec::new(),
            row: None,
            rng: Rng::with_seed(setup.seed),
            setup: *setup,
        };
        for station in [&mut transfer.satellite, &mut transfer.ground] {
            station.end.link.handle_timeout(began);
        }
        if setup.security.is_some() {
            transfer.exchange_keys()?;
        }
        Ok(transfer)
    }

    pub(super) fn deliver(mut self) -> Result<Delivery, String> {
        let bits_before = self.channel.statistics().transmit.bits;
        let (from, data_bytes) = self.put()?;
        self.run_until(RUN_MAX, |transfer| transfer.is_over())?;
        let until = self.delivered.ok_or_else(|| {
            let failed = self.failed.as_deref().unwrap_or("it takes for ever");
            format!("{failed}\n{}", self.timeline.join("\n"))
        })?;
        if !self.ground.entity.store().is_delivered() {
            return Err("nobody has the file".to_owned());
        }
        let contact = self.contact_until(until) - self.contact_until(from);
        let rate = self.setup.bit_rate_bps as f64;
        let bits = self.channel.statistics().transmit.bits - bits_before;
        let busy = Duration::from_secs_f64(bits as f64 / rate);
        let bits_each = self.full_bits as f64 / self.full_frames as f64;
        self.end_row();
        let dropped = &self.ground.entity.counts().dropped;
        Ok(Delivery {
            file_bytes: self.setup.file_bytes,
            contact,
            idle: contact.saturating_sub(busy),
            passes: self.pass_of(until) - self.pass_of(from) + 1,
            pdu_bytes: self.satellite.end.link.pdu_bytes_max(),
            frame_bytes: bits_each / 8.0,
            best_bytes: data_bytes as f64 * contact.as_secs_f64() * rate / bits_each,
            data_again: self.satellite.entity.counts().data_again,
            duplicates: dropped.get(&PduDropReason::Duplicate).copied().unwrap_or(0),
            timeline: self.timeline,
        })
    }

    pub(super) fn waits(mut self, answers: usize) -> Result<Waits, String> {
        self.put()?;
        let frame_time = 8.0 * self.setup.n1 as f64 / self.setup.bit_rate_bps as f64;
        let frame_time = Duration::from_secs_f64(frame_time);
        let mut longest = [Duration::ZERO; 2];
        for command_id in 1..=answers as u64 {
            let pause = frame_time.mul_f64(1.0 + self.rng.f64() * PAUSE_FRAMES);
            self.run_until(self.now + pause, |_| false)?;
            self.ground.end.command(Command {
                command_id,
                payload_type: QUESTION,
                port: SERVICE_PORT,
                payload: b"{ping}".to_vec(),
                timeout: FOR_EVER,
                retries: 0,
            });
            self.run_until(FOR_EVER, |transfer| transfer.asked.is_some())?;
            let handler = self.asked.take().ok_or("the question did not arrive")?;
            // Not at the moment at which the radio took a frame.
            let pause = frame_time.mul_f64(self.rng.f64());
            self.run_until(self.now + pause, |_| false)?;
            let link = &mut self.satellite.end.link;
            let answer = HeldBytes::copy_of(link.budget(), &[0x55; SHORT_BYTES]);
            let answer = answer.map_err(|spent| spent.to_string())?;
            link.handle_answer(handler, Ok(answer));
            let asked = self.now;
            self.run_until(FOR_EVER, |transfer| transfer.answered == Some(command_id))?;
            longest[0] = longest[0].max(self.now - asked);

            let pause = frame_time.mul_f64(1.0 + self.rng.f64() * PAUSE_FRAMES);
            self.run_until(self.now + pause, |_| false)?;
            let (sent, now) = (self.now, self.began + self.now);
            let link = &mut self.satellite.end.link;
            link.handle_datagram(now, TELEMETRY_ENDPOINT, &[0x55; SHORT_BYTES]);
            let heard = self.heard;
            self.run_until(FOR_EVER, |transfer| transfer.heard > heard)?;
            longest[1] = longest[1].max(self.now - sent);
            if self.delivered.is_some() {
                return Err("the file was too short".to_owned());
            }
        }
        let frame_time = self.longest_bits as f64 / self.setup.bit_rate_bps as f64;
        let in_frames =
            |wait: Duration| (wait.as_secs_f64() - self.setup.delay.as_secs_f64()) / frame_time;
        Ok(Waits {
            credits: self.pace_credits,
            answer: in_frames(longest[0]),
            telemetry: in_frames(longest[1]),
        })
    }

    /// The satellite begins to send the file: when, and how many octets of it a full PDU
    /// has.
    fn put(&mut self) -> Result<(Duration, usize), String> {
        let request = PutRequest::file(EntityId(2), self.file.clone(), self.file.clone());
        let now = self.began + self.now;
        let put = self.satellite.entity.put(now, &request);
        let transaction = put.map_err(|error| error.to_string())?;
        // The header is that of any PDU of the transaction.
        let pdu_bytes_max = self.satellite.end.link.pdu_bytes_max();
        let mut metadata = Vec::new();
        let token = self.satellite.entity.poll_directive(now, &mut metadata);
        let token = token.ok_or("no Metadata PDU")?;
        self.satellite.entity.handle_departed(now, token, false);
        let (header, _) = Pdu::parse(&metadata).map_err(|error| error.to_string())?;
        if header.transaction != transaction {
            return Err("the first PDU is of another transaction".to_owned());
        }
        Ok((self.now, FileData::data_bytes_max(&header, pdu_bytes_max)))
    }

    fn is_over(&self) -> bool {
        self.delivered.is_some() || self.failed.is_some()
    }

    fn period(&self) -> Duration {
        self.setup.pass + self.setup.gap
    }

    /// The pass that is, or was last.
    fn pass_of(&self, time: Duration) -> u64 {
        (time.as_nanos() / self.period().as_nanos()) as u64
    }

    /// Time in contact up to `time`.
    fn contact_until(&self, time: Duration) -> Duration {
        if self.setup.gap.is_zero() {
            return time;
        }
        let passes = self.pass_of(time) as u32;
        self.setup.pass * passes + (time - self.period() * passes).min(self.setup.pass)
    }

    fn exchange_keys(&mut self) -> Result<(), String> {
        let have_keys = |transfer: &Self| {
            let ends = [&transfer.satellite.end, &transfer.ground.end];
            ends.iter().all(|end| end.link.is_in_sync() == Some(true))
        };
        self.run_until(KEYING, have_keys)?;
        if !have_keys(self) {
            return Err("the ends have no keys".to_owned());
        }
        // What the exchange left on the air ends.
        let idle = |transfer: &Self| transfer.channel.statistics().transmit.in_flight == 0;
        self.run_until(KEYING, idle)
    }

    /// Lets happen what happens up to `end`, or until `is_over`.
    fn run_until(&mut self, end: Duration, is_over: impl Fn(&Self) -> bool) -> Result<(), String> {
        for _ in 0..STEPS_MAX {
            self.settle()?;
            if is_over(self) || self.now >= end {
                return Ok(());
            }
            let next = self.next_event().unwrap_or(end).min(end);
            self.now = self.now.max(next);
        }
        Err(format!("{STEPS_MAX} steps and no end"))
    }

    fn next_event(&self) -> Option<Duration> {
        let stations = [&self.satellite, &self.ground];
        let timeouts = stations.map(|station| {
            let timeouts = [
                station.end.link.poll_timeout(),
                station.entity.poll_timeout(),
            ];
            timeouts.into_iter().flatten().min()
        });
        let timeouts = timeouts.into_iter().flatten();
        let timeouts = timeouts.map(|due| due.saturating_duration_since(self.began));
        let channel = self.channel.poll_timeout(self.now);
        timeouts.chain(channel).min()
    }

    /// Everything that happens now, until nothing more does.
    fn settle(&mut self) -> Result<(), String> {
        let now = self.began + self.now;
        let is_contact = self.channel.is_in_contact(self.now);
        if is_contact != self.is_contact {
            self.is_contact = is_contact;
            self.line(|| match is_contact {
                true => "AOS".to_owned(),
                false => "LOS".to_owned(),
            });
            for station in [&mut self.satellite, &mut self.ground] {
                station.entity.handle_contact(now, is_contact);
            }
        }
        for station in [&mut self.satellite, &mut self.ground] {
            let link = &mut station.end.link;
            if link.poll_timeout().is_some_and(|due| due <= now) {
                link.handle_timeout(now);
            }
        }
        loop {
            for station in [&mut self.satellite, &mut self.ground] {
                let entity = &mut station.entity;
                while entity.poll_timeout().is_some_and(|due| due <= now) {
                    entity.handle_timeout(now);
                }
            }
            let mut quiet = self.satellite.feed(now)?;
            quiet &= self.ground.feed(now)?;
            quiet &= self.transmit()?;
            quiet &= self.hear()?;
            quiet &= self.act()?;
            quiet &= self.look()?;
            if quiet {
                return Ok(());
            }
        }
    }

    /// Both ends hand to the radio what it takes; true if that was nothing.
    fn transmit(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        let now = self.began + self.now;
        for direction in Direction::ALL {
            let station = match direction {
                Direction::Transmit => &mut self.satellite,
                Direction::Receive => &mut self.ground,
            };
            // A radio that is full blocks, so the engine is not asked.
            while direction == Direction::Receive || self.channel.credits(self.now) > 0 {
                let Some(outgoing) = station.end.next_packet(now)? else {
                    break;
                };
                quiet = false;
                let frame = &outgoing.frame;
                if direction == Direction::Transmit {
                    let bits = hdlc::frame_bits(frame) + FLAG_BITS;
                    if frame.len() > self.full_frame_bytes {
                        self.full_frame_bytes = frame.len();
                        (self.full_frames, self.full_bits) = (0, 0);
                    }
                    if frame.len() == self.full_frame_bytes {
                        self.full_frames += 1;
                        self.full_bits += bits as u64;
                    }
                    self.longest_bits = self.longest_bits.max(bits);
                }
                let taken = self.channel.handle_frame(self.now, direction, frame);
                let taken = taken.map_err(|full| full.to_string());
                station.end.written(now, taken);
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
                let Fate::Delivered(frame) = fate else {
                    continue;
                };
                let end = match direction {
                    Direction::Transmit => &mut self.ground.end,
                    Direction::Receive => &mut self.satellite.end,
                };
                for piece in end.pieces(&frame)? {
                    end.hear(now, &piece);
                }
            }
        }
        Ok(quiet)
    }

    /// Does what the engines decided; true if that was nothing.
    fn act(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        let now = self.began + self.now;
        for which in [Which::Satellite, Which::Ground] {
            loop {
                let station = match which {
                    Which::Satellite => &mut self.satellite,
                    Which::Ground => &mut self.ground,
                };
                let Some(action) = station.end.next_action() else {
                    break;
                };
                quiet = false;
                match action {
                    Action::StoreSecurity { token, .. } => {
                        let link = &mut station.end.link;
                        link.handle_security_stored(now, token, Ok(()));
                    }
                    Action::Pdu { octets } => {
                        station.entity.handle_pdu(now, &octets);
                        self.note(which, &octets);
                    }
                    Action::PduDeparted { token, result } => {
                        station.depart(now, token, result.is_ok())?;
                    }
                    // The passes are told as they are.
                    Action::ContactChanged(_) => {}
                    Action::Post { handler, .. } => self.asked = Some(handler),
                    Action::Answered { command_id, .. } => self.answered = Some(command_id),
                    Action::Heard(_) => self.heard += 1,
                    other => return Err(format!("an engine was to do {other:?}")),
                }
            }
        }
        Ok(quiet)
    }

    /// Takes what the entities tell; true if that was nothing.
    fn look(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        for which in [Which::Satellite, Which::Ground] {
            let entity = match which {
                Which::Satellite => &mut self.satellite.entity,
                Which::Ground => &mut self.ground.entity,
            };
            let Some(event) = entity.poll_event() else {
                continue;
            };
            quiet = false;
            match &event {
                Event::Finished { role, outcome, .. } if outcome.is_success() => match role {
                    Role::Receiver => self.delivered = Some(self.now),
                    Role::Sender => {}
                },
                Event::Finished { .. } | Event::StorageFailed { .. } => {
                    self.failed = Some(format!("{which:?}: {event:?}"));
                }
                _ => {}
            }
            self.line(|| format!("{which:?}: {event:?}"));
        }
        Ok(quiet)
    }

    /// A PDU came.
    fn note(&mut self, which: Which, octets: &[u8]) {
        let Ok((_, pdu)) = Pdu::parse(octets) else {
            return;
        };
        match pdu {
            Pdu::FileData(data) => {
                let range = data.range();
                match &mut self.row {
                    Some((count, _, end)) => (*count, *end) = (*count + 1, range.end),
                    None => {
                        let start = range.start;
                        self.line(|| format!("File Data from {start} on"));
                        self.row = Some((1, range.start, range.end));
                    }
                }
            }
            Pdu::Nak(nak) => {
                let octets: u64 = nak.requests.iter().map(|one| one.end - one.start).sum();
                let count = nak.requests.iter().count();
                self.line(|| format!("{which:?} hears NAK: {count} holes, {octets} octets"));
            }
            other => self.line(|| {
                let text = format!("{other:?}");
                let text: String = text.chars().take(60).collect();
                format!("{which:?} hears {text}")
            }),
        }
    }

    fn end_row(&mut self) {
        if let Some((count, start, end)) = self.row.take() {
            let text = format!("{count} File Data PDUs, {start} to {end}");
            self.line(|| text);
        }
    }

    fn line(&mut self, text: impl FnOnce() -> String) {
        self.end_row();
        let at = self.now.as_secs_f64();
        self.timeline.push(format!("{at:12.6} s  {}", text()));
    }
}

//! A controller with windows in virtual time, and payloads that do as they are told.

use std::collections::BTreeMap;
use std::time::Duration;

use payload_controller::core::*;

use crate::rig::*;

pub(super) const CAMERA_DEVICE: u16 = 7;

/// What becomes of a part, or a call, and after how many s.
pub(super) type PartManner = (Result<(), Setback>, u64);
/// None is nothing, ever.
pub(super) type CallManner = Option<(StepEnd, u64)>;

pub(super) fn end(outcome: StepOutcome, exit_code: Option<i32>) -> StepEnd {
    StepEnd {
        exit_code,
        ..StepEnd::without(outcome, "")
    }
}

pub(super) fn done() -> StepEnd {
    end(StepOutcome::Done, Some(0))
}

pub(super) fn failed(code: i32) -> StepEnd {
    end(StepOutcome::Failed, Some(code))
}

pub(super) fn signalled(name_: &str, version: SignalVersion) -> SignalledRules {
    SignalledRules {
        device: Some(CAMERA_DEVICE),
        pre_buffer: secs(120),
        post_buffer: secs(30),
        ..SignalledRules::new(name(name_), version)
    }
}

/// The controller and what is around it.
pub(super) struct Field {
    pub(super) world: World,
    /// What becomes of a part; it is well at once where nothing is said.
    pub(super) parts: BTreeMap<Part, PartManner>,
    /// What becomes of a call. Configure is done after 1 s, a stop after 1 s, and a start when
    /// it is ended, where nothing is said.
    pub(super) calls: BTreeMap<Step, CallManner>,
    due: BTreeMap<(Duration, u64), Event>,
    count: u64,
    /// What is known of calls over restarts of the controller.
    claimed: BTreeMap<(WindowId, Step), bool>,
    /// What was done, and when, in s from the first moment.
    pub(super) log: Vec<(u64, String)>,
}

impl Field {
    pub(super) fn new(payloads: Vec<SignalledRules>) -> Self {
        let mut device = DeviceRules::new(CAMERA_DEVICE, None);
        device.battery_v_min = Some(7.0);
        Field::of(World::new(Rules {
            devices: vec![device],
            signalled: payloads,
            ..Rules::default()
        }))
    }

    pub(super) fn of(world: World) -> Self {
        Field {
            world,
            parts: BTreeMap::new(),
            calls: BTreeMap::new(),
            due: BTreeMap::new(),
            count: 0,
            claimed: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    /// One with a camera of the first edition.
    pub(super) fn camera() -> Self {
        Field::new(vec![signalled("camera", SignalVersion::V1)])
    }

    /// s since 1970 that is so much later than the first moment.
    pub(super) fn at(seconds: u64) -> u64 {
        1_800_000_000 + seconds
    }

    pub(super) fn order(id: &str, start: u64, duration_s: u64) -> WindowOrder {
        WindowOrder {
            id: id.parse().unwrap(),
            payload: name("camera"),
            user: "john".to_owned(),
            start_s: Field::at(start),
            duration_s,
            parameters: "{\"executable\":\"shoot\"}".to_owned(),
        }
    }

    pub(super) fn schedule(&mut self, order: WindowOrder) -> Result<Done, CommandError> {
        let done = self.world.command(Command::ScheduleWindow(Box::new(order)));
        self.settle();
        done
    }

    /// A window of the camera that starts and lasts so.
    #[track_caller]
    pub(super) fn window(&mut self, id: &str, start: u64, duration_s: u64) {
        self.schedule(Field::order(id, start, duration_s)).unwrap();
    }

    pub(super) fn cancel(&mut self, id: &str) -> Result<Done, CommandError> {
        let id = id.parse().unwrap();
        let done = self.world.command(Command::CancelWindow(id));
        self.settle();
        done
    }

    #[track_caller]
    pub(super) fn record(&self, id: &str) -> WindowRecord {
        let wanted: WindowId = id.parse().unwrap();
        let mut found = self
            .world
            .controller
            .windows(1, |window| window.order.id == wanted);
        found.pop().unwrap()
    }

    #[track_caller]
    pub(super) fn state(&self, id: &str) -> WindowState {
        self.record(id).state
    }

    #[track_caller]
    pub(super) fn reason(&self, id: &str) -> String {
        self.record(id).reason
    }

    pub(super) fn is_on(&self) -> bool {
        self.world.controller.devices().any(|device| device.is_on)
    }

    /// What was done since somebody looked.
    pub(super) fn take_log(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.log)
    }

    /// What was done with it, without when.
    pub(super) fn deeds(&self) -> Vec<&str> {
        self.log.iter().map(|(_, deed)| deed.as_str()).collect()
    }

    pub(super) fn count(&self, deed: &str) -> usize {
        self.log.iter().filter(|(_, one)| one == deed).count()
    }

    pub(super) fn said(&self, text: &str) -> usize {
        let notices = self.world.notices.iter();
        notices
            .filter(|notice| notice.to_string().contains(text))
            .count()
    }

    fn now_s(&self) -> u64 {
        self.world.now.wall.as_secs().saturating_sub(Field::at(0))
    }

    fn after(&mut self, seconds: u64, event: Event) {
        self.count += 1;
        let at = self.world.now.monotonic + secs(seconds);
        self.due.insert((at, self.count), event);
    }

    /// Does what is to be done now.
    pub(super) fn settle(&mut self) {
        loop {
            self.world.run();
            let actions = self.world.take_actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                match action {
                    Action::Signal(signal) => self.signal(*signal),
                    Action::Switch { on, .. } => {
                        let deed = if on { "on" } else { "off" };
                        self.log.push((self.now_s(), deed.to_owned()));
                    }
                    Action::ForgetWindow(id) => {
                        self.log.push((self.now_s(), format!("forget {id}")));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn signal(&mut self, signal: Signal) {
        let window = signal.order.id.clone();
        match signal.deed {
            Deed::Part(part) => {
                self.log.push((self.now_s(), format!("{part:?} {window}")));
                if part == Part::End {
                    self.end(&window);
                }
                let (result, after) = self.parts.get(&part).cloned().unwrap_or((Ok(()), 0));
                let event = Event::Signalled {
                    window,
                    part,
                    result,
                };
                self.after(after, event);
            }
            Deed::Begin { step, end_s, .. } => {
                let end = end_s.saturating_sub(Field::at(0));
                let deed = format!("{} {window} until {end}", step.name());
                self.log.push((self.now_s(), deed));
                let is_first = self.claimed.insert((window.clone(), step), true).is_none();
                assert!(is_first, "{step:?} of {window} twice");
                let usual = match step {
                    Step::Configure | Step::Stop => Some((done(), 1)),
                    Step::Start => None,
                };
                let manner = self.calls.get(&step).cloned().unwrap_or(usual);
                if let Some((end, after)) = manner {
                    self.ended(window, step, end, after);
                }
            }
            Deed::Attach(step) => {
                let deed = format!("attach {} {window}", step.name());
                self.log.push((self.now_s(), deed));
                let key = (window.clone(), step);
                if let std::collections::btree_map::Entry::Vacant(free) = self.claimed.entry(key) {
                    free.insert(false);
                }
                if self.claimed.get(&(window.clone(), step)) == Some(&false) {
                    let never = StepEnd::without(StepOutcome::Failed, "it was never begun");
                    self.ended(window, step, never, 0);
                } else if !self.is_at(&window, step) {
                    let lost = StepEnd::without(StepOutcome::Unknown, "nobody knows");
                    self.ended(window, step, lost, 0);
                }
            }
        }
    }

    pub(super) fn ended(&mut self, window: WindowId, step: Step, end: StepEnd, after: u64) {
        let end = Box::new(end);
        self.after(after, Event::StepEnded { window, step, end });
    }

    /// Whether it is under way still, though its controller is another one by now.
    fn is_at(&self, of: &WindowId, at: Step) -> bool {
        let is_its = |event: &Event| matches!(event, Event::StepEnded { window, step, .. } if window == of && *step == at);
        let is_open = at == Step::Start && !self.calls.contains_key(&Step::Start);
        is_open || self.due.values().any(is_its)
    }

    /// What runs of it is killed.
    fn end(&mut self, window: &WindowId) {
        for step in [Step::Configure, Step::Start, Step::Stop] {
            let was_begun = self.claimed.get(&(window.clone(), step)) == Some(&true);
            if was_begun {
                let killed = end(StepOutcome::Killed, None);
                self.ended(window.clone(), step, killed, 0);
            }
        }
    }

    /// So much time passes, by both clocks.
    pub(super) fn pass(&mut self, seconds: u64) {
        let end = self.world.now.monotonic + secs(seconds);
        self.settle();
        loop {
            let next_event = self.due.keys().next().map(|(at, _)| *at);
            let deadline = self.world.controller.deadline();
            let next = [next_event, deadline].into_iter().flatten().min();
            let next = next.filter(|next| *next <= end).unwrap_or(end);
            let next = next.max(self.world.now.monotonic);
            let passed = next - self.world.now.monotonic;
            self.world.now.monotonic = next;
            self.world.now.wall += passed;
            let at = self.world.now.monotonic;
            let later = self.due.split_off(&(at, u64::MAX));
            let due = std::mem::replace(&mut self.due, later);
            let is_quiet = due.is_empty();
            for event in due.into_values() {
                self.world.event(event);
            }
            self.settle();
            let is_over = self
                .world
                .controller
                .deadline()
                .is_none_or(|next| next > end)
                && self.due.keys().next().is_none_or(|(next, _)| *next > end);
            if is_over && at == end {
                return;
            }
            let deadline = self.world.controller.deadline();
            assert!(
                !is_quiet || deadline.is_none_or(|next| next > at) || !self.due.is_empty(),
                "what is due was done",
            );
        }
    }

    /// Until so many s after the first moment, by the clock on the wall.
    pub(super) fn pass_until(&mut self, seconds: u64) {
        let left = Field::at(seconds).saturating_sub(self.world.now.wall.as_secs());
        self.pass(left);
    }

    /// The clock on the wall is set so many s further, or back.
    pub(super) fn jump(&mut self, seconds: i64) {
        let wall = self.world.now.wall;
        let by = secs(seconds.unsigned_abs());
        self.world.now.wall = match seconds >= 0 {
            true => wall + by,
            false => wall.saturating_sub(by),
        };
    }

    /// The controller is killed, and another one begins so many s later. What runs goes on.
    pub(super) fn kill(&mut self, after: u64) {
        let before = self.world.now.monotonic;
        self.world.now.wall += secs(after);
        let wall = self.world.now.wall;
        // What was under way in the controller itself is lost; calls go on.
        let due = std::mem::take(&mut self.due);
        self.world.kill_controller(Duration::ZERO);
        assert_eq!(self.world.now.wall, wall);
        for ((at, count), event) in due {
            if let Event::StepEnded { .. } = event {
                let left = at.saturating_sub(before).saturating_sub(secs(after));
                self.due
                    .insert((self.world.now.monotonic + left, count), event);
            }
        }
        self.settle();
    }
}

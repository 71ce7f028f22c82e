//! Payloads that are called through `payload_exec`, in windows that the ground schedules.
//!
//! A window goes from its order to exactly one end. What must not happen twice, the calls of
//! `payload_exec`, is recorded before it is done; all else may be done again, and is, by a new
//! run of the controller that finds a window in its preparation.
//!
//! Starts and ends are told by the clock on the wall, as the ground means them; once a window
//! was started, its end is counted by the clock that does not jump.

mod calls;
mod deed;
mod order;
mod preparation;
mod record;
mod rules;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use payload_interface::AppName;

pub use deed::{Deed, Part, Setback, Signal};
pub use order::WindowRefusal;
pub use record::{
    Step, StepEnd, StepOutcome, StepRecord, WINDOW_ID_BYTES_MAX, WindowId, WindowIdError,
    WindowOrder, WindowRecord, WindowState,
};
pub use rules::{
    BUFFER_MAX, CONFIGURE_MAX, HORIZON, OnConfigureFailure, PARAMETERS_BYTES_MAX, SIGNALLED_MAX,
    SignalVersion, SignalledRules, USER_BYTES_MAX, WINDOW_TIME_MAX, WINDOWS_KEPT_MAX,
    WINDOWS_OPEN_MAX,
};

use super::action::Action;
use super::craft::Craft;
use super::record::Record;
use super::time::{Now, earlier};
use rules::{LOOK_EVERY, TRY_AGAIN};
use window::{Around, Phase, Window};

/// What is counted of a payload, since the controller began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) scheduled: u64,
    pub(crate) late_starts: u64,
    pub(crate) ended: BTreeMap<WindowState, u64>,
    pub(crate) steps: BTreeMap<(Step, StepOutcome), u64>,
}

/// What is counted of the windows of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalledView {
    /// Its name.
    pub name: AppName,
    /// Windows that were scheduled since the controller began.
    pub scheduled: u64,
    /// Windows that were started a second or more after their start.
    pub late_starts: u64,
    /// Windows that ended since the controller began, by how.
    pub ended: BTreeMap<WindowState, u64>,
    /// Calls of `payload_exec` that ended since the controller began, by how.
    pub steps: BTreeMap<(Step, StepOutcome), u64>,
    /// Windows that are remembered, by how they stand.
    pub windows: BTreeMap<WindowState, u64>,
}

#[derive(Debug)]
struct Payload {
    rules: SignalledRules,
    counts: Counts,
}

/// All windows.
#[derive(Debug)]
pub(crate) struct Signalling {
    payloads: BTreeMap<AppName, Payload>,
    windows: BTreeMap<WindowId, Window>,
    /// When it was last looked at.
    seen: Now,
}

impl Signalling {
    /// Windows as they were recorded.
    pub(crate) fn recovered(
        rules: Vec<SignalledRules>,
        records: Vec<WindowRecord>,
        craft: &mut Craft,
        now: Now,
    ) -> Self {
        let payloads = rules.into_iter().map(|rules| {
            let counts = Counts::default();
            (rules.name.clone(), Payload { rules, counts })
        });
        let mut signalling = Signalling {
            payloads: payloads.collect(),
            windows: BTreeMap::new(),
            seen: now,
        };
        for record in records {
            let id = record.order.id.clone();
            signalling.windows.insert(id, Window::new(record));
        }
        signalling.each(craft, now, |window, around| window.recover(around));
        for window in signalling.windows.values_mut() {
            if !signalling
                .payloads
                .contains_key(&window.record.order.payload)
            {
                window.orphan(now);
            }
        }
        signalling.settle(craft, now);
        signalling
    }

    /// A window is ordered. The same order again changes nothing.
    pub(crate) fn schedule(
        &mut self,
        craft: &mut Craft,
        now: Now,
        order: WindowOrder,
    ) -> Result<(), WindowRefusal> {
        if let Some(known) = self.windows.get(&order.id) {
            return match known.record.order == order {
                true => Ok(()),
                false => Err(WindowRefusal::Otherwise(order.id)),
            };
        }
        let unknown = || WindowRefusal::UnknownPayload(order.payload.clone());
        let payload = self.payloads.get_mut(&order.payload).ok_or_else(unknown)?;
        order::check(now, &order, &payload.rules, self.windows.values())?;
        payload.counts.scheduled += 1;
        let mut window = Window::new(WindowRecord::new(order.clone()));
        window.is_changed = true;
        self.windows.insert(order.id, window);
        self.settle(craft, now);
        Ok(())
    }

    /// A window is not to be any more.
    pub(crate) fn cancel(
        &mut self,
        craft: &mut Craft,
        now: Now,
        id: &WindowId,
    ) -> Result<(), WindowRefusal> {
        let window = self.windows.get(id);
        let window = window.ok_or_else(|| WindowRefusal::Unknown(id.clone()))?;
        let state = window.state();
        if state.has_ended() {
            let id = id.clone();
            return Err(WindowRefusal::Ended { id, state });
        }
        let mut is_cancelled = false;
        self.of(craft, now, id, |window, around| {
            is_cancelled = window.cancel(around);
        });
        match is_cancelled {
            true => Ok(()),
            false => Err(WindowRefusal::Ending(id.clone())),
        }
    }

    /// A part of a window's preparation, or its end, was done, or not.
    pub(crate) fn part_ended(
        &mut self,
        craft: &mut Craft,
        now: Now,
        id: &WindowId,
        part: Part,
        result: Result<(), Setback>,
    ) {
        self.of(craft, now, id, |window, around| {
            window.part_ended(around, part, result);
        });
    }

    /// A call of `payload_exec` ended.
    pub(crate) fn step_ended(
        &mut self,
        craft: &mut Craft,
        now: Now,
        id: &WindowId,
        step: Step,
        end: StepEnd,
    ) {
        self.of(craft, now, id, |window, around| {
            window.step_ended(around, step, end);
        });
    }

    /// A device was switched, or not.
    pub(crate) fn switched(
        &mut self,
        craft: &mut Craft,
        now: Now,
        device: u16,
        why_not: Option<&str>,
    ) {
        self.each(craft, now, |window, around| {
            if around.rules.device == Some(device) {
                window.switched(around, why_not);
            }
        });
        self.settle(craft, now);
    }

    /// What is due is done.
    pub(crate) fn on_time(&mut self, craft: &mut Craft, now: Now) {
        self.each(craft, now, |window, around| window.on_time(around));
        self.switch_off(craft, now);
        self.settle(craft, now);
    }

    /// When it is to be asked again at the latest, by the clock that does not jump.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let open = self.windows.values().filter(|window| !window.is_over());
        let due = open.filter_map(|window| {
            let payload = self.payloads.get(&window.record.order.payload)?;
            Some(earlier(
                window.due(&payload.rules, self.seen),
                Some(self.seen.after(LOOK_EVERY)),
            ))
        });
        due.flatten().min()
    }

    /// Windows that are remembered, that are wanted: the earliest start first, so many at most.
    pub(crate) fn windows(
        &self,
        most: usize,
        is_wanted: impl Fn(&WindowRecord) -> bool,
    ) -> Vec<WindowRecord> {
        let windows = self.windows.values().map(|window| &window.record);
        let mut wanted: Vec<_> = windows.filter(|record| is_wanted(record)).collect();
        wanted.sort_by_key(|record| (record.order.start_s, &record.order.id));
        wanted.into_iter().take(most).cloned().collect()
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = SignalledView> {
        self.payloads.iter().map(|(name, payload)| {
            let mut windows = BTreeMap::new();
            for window in self.windows.values() {
                if window.record.order.payload == *name {
                    *windows.entry(window.state()).or_default() += 1;
                }
            }
            let Counts {
                scheduled,
                late_starts,
                ended,
                steps,
            } = payload.counts.clone();
            SignalledView {
                name: name.clone(),
                scheduled,
                late_starts,
                ended,
                steps,
                windows,
            }
        })
    }

    fn of(
        &mut self,
        craft: &mut Craft,
        now: Now,
        id: &WindowId,
        what: impl FnOnce(&mut Window, &mut Around<'_>),
    ) {
        if let Some(window) = self.windows.get_mut(id)
            && let Some(payload) = self.payloads.get_mut(&window.record.order.payload)
        {
            let Payload { rules, counts } = payload;
            let mut around = Around {
                craft,
                rules,
                counts,
                now,
            };
            what(window, &mut around);
        }
        self.settle(craft, now);
    }

    fn each(
        &mut self,
        craft: &mut Craft,
        now: Now,
        mut what: impl FnMut(&mut Window, &mut Around<'_>),
    ) {
        for window in self.windows.values_mut() {
            let Some(payload) = self.payloads.get_mut(&window.record.order.payload) else {
                continue;
            };
            let Payload { rules, counts } = payload;
            let mut around = Around {
                craft,
                rules,
                counts,
                now,
            };
            what(window, &mut around);
        }
    }

    /// Devices of windows that are over go off, unless another window has them.
    fn switch_off(&mut self, craft: &mut Craft, now: Now) {
        let device_of = |window: &Window| {
            let payload = self.payloads.get(&window.record.order.payload)?;
            payload.rules.device
        };
        let is_at_work = |window: &&Window| window.record.has_power && !window.state().has_ended();
        let at_work = self.windows.values().filter(is_at_work);
        let in_use: BTreeSet<u16> = at_work.filter_map(device_of).collect();
        let due = self
            .windows
            .iter()
            .filter_map(|(id, window)| match window.phase {
                Phase::PowerOff { at, is_asked } if at <= now.monotonic => {
                    Some((id.clone(), device_of(window), is_asked))
                }
                _ => None,
            });
        let due: Vec<_> = due.collect();
        for (id, device, is_asked) in due {
            let device = device.filter(|device| !in_use.contains(device));
            // One that did not go on may have done so unheard: it goes off all the same.
            let device = device.filter(|device| !is_asked || !craft.devices.is_off(*device));
            if let Some(device) = device {
                craft.switch_off(now, device);
            }
            let Some(window) = self.windows.get_mut(&id) else {
                continue;
            };
            match device {
                // It is looked again whether it went off.
                Some(_) => {
                    let at = now.after(TRY_AGAIN);
                    let is_asked = true;
                    window.phase = Phase::PowerOff { at, is_asked };
                }
                None => {
                    window.phase = Phase::Over;
                    window.record.has_power = false;
                    window.is_changed = true;
                }
            }
        }
    }

    /// What changed is recorded, and what ended long ago forgotten.
    fn settle(&mut self, craft: &mut Craft, now: Now) {
        self.seen = now;
        for window in self.windows.values_mut() {
            if std::mem::take(&mut window.is_changed) {
                let record = Box::new(window.record.clone());
                craft.record(Record::Window(record));
            }
        }
        let over = self.windows.iter().filter(|(_, window)| window.is_over());
        let mut over: Vec<_> = over
            .map(|(id, window)| (window.record.ended, id.clone()))
            .collect();
        let Some(too_many) = over.len().checked_sub(WINDOWS_KEPT_MAX) else {
            return;
        };
        over.sort_unstable();
        for (_, id) in over.into_iter().take(too_many) {
            self.windows.remove(&id);
            craft.record(Record::WindowForgotten(id.clone()));
            craft.act(Action::ForgetWindow(id));
        }
    }
}

//! Contact with the ground: what is heard wins.
//!
//! A valid frame from the ground means contact, whatever a plan says. A plan only
//! ever holds something back between its windows, and only while it can be
//! believed: with no plan, a plan that is used up, a clock that is not set, or
//! nothing heard for [`ContactConfig::silence`], nothing is held back. So neither
//! a wrong plan nor a wrong clock can silence a satellite for good.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::QueueClass;

/// Most windows of a plan.
pub const CONTACT_WINDOWS_MAX: usize = 4096;

/// What may be held back outside contact. An answer never is: whoever asked is
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldClass {
    /// Datagrams of mission apps: telemetry, beacons.
    Telemetry,
    /// Long messages: files, recorded data.
    Bulk,
}

impl HeldClass {
    /// What a class of the queue is when it comes to contact.
    pub(super) fn of(class: QueueClass) -> Option<HeldClass> {
        match class {
            QueueClass::Response => None,
            QueueClass::Telemetry => Some(HeldClass::Telemetry),
            QueueClass::Bulk => Some(HeldClass::Bulk),
        }
    }
}

/// The rules of contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactConfig {
    /// Nothing heard for so long: no plan is believed any more. A day by default.
    pub silence: Duration,
    /// So long after a valid frame there is contact. A minute by default.
    pub hold: Duration,
    /// What waits for the next window of the plan. Nothing by default.
    pub hold_outside: BTreeSet<HeldClass>,
}

impl Default for ContactConfig {
    fn default() -> Self {
        ContactConfig {
            silence: Duration::from_secs(24 * 60 * 60),
            hold: Duration::from_secs(60),
            hold_outside: BTreeSet::new(),
        }
    }
}

/// A time in which the ground is planned to listen: from `start` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContactWindow {
    /// Acquisition of signal.
    pub start: Instant,
    /// Loss of signal.
    pub end: Instant,
}

/// When the ground is planned to listen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactPlan {
    /// The windows, in any order; they may overlap.
    pub windows: Vec<ContactWindow>,
    /// Whether the clock that they were converted with is set.
    pub clock_is_set: bool,
}

/// A plan that is not taken; the one before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactPlanError {
    /// More windows than [`CONTACT_WINDOWS_MAX`].
    #[error(
        "the contact plan has {0} windows, more than {CONTACT_WINDOWS_MAX}: give a shorter one"
    )]
    TooMany(usize),
    /// A window that ends before it starts, or when it does.
    #[error("window {0} of the contact plan, counted from 0, does not end after its start")]
    Empty(usize),
}

/// Why there is contact, or none, or why that does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactReason {
    /// A valid frame came just now.
    Heard,
    /// There is no plan.
    NoPlan,
    /// There is a plan, but no clock to follow it by.
    ClockNotSet,
    /// The last window of the plan is over.
    PlanUsedUp,
    /// Nothing was heard for so long that the plan is not believed.
    Silence,
    /// A window of the plan.
    Planned,
    /// Between two windows of a plan that holds.
    BetweenWindows,
}

impl ContactReason {
    /// The reason's name in telemetry.
    pub fn as_str(self) -> &'static str {
        match self {
            ContactReason::Heard => "heard",
            ContactReason::NoPlan => "no-plan",
            ContactReason::ClockNotSet => "clock-not-set",
            ContactReason::PlanUsedUp => "plan-used-up",
            ContactReason::Silence => "silence",
            ContactReason::Planned => "planned",
            ContactReason::BetweenWindows => "between-windows",
        }
    }
}

/// Contact at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactState {
    /// When the last valid frame came, if any did.
    pub heard_at: Option<Instant>,
    /// Whether the ground is there, as far as is known: heard, or planned.
    pub in_contact: bool,
    /// Why.
    pub reason: ContactReason,
}

/// Contact: what was heard, and what was planned.
#[derive(Debug)]
pub(super) struct Contact {
    config: ContactConfig,
    plan: Option<ContactPlan>,
    heard_at: Option<Instant>,
    /// When silence began to be measured, before anything was heard.
    listening_since: Option<Instant>,
    /// When it may be otherwise than when it was last looked at.
    changes_at: Option<Instant>,
    /// Whether somebody is told of it, plan or not.
    is_watched: bool,
    /// What was told last.
    told: Option<(bool, ContactReason)>,
}

impl Contact {
    pub(super) fn new(config: ContactConfig, is_watched: bool) -> Self {
        Contact {
            config,
            plan: None,
            heard_at: None,
            listening_since: None,
            changes_at: None,
            is_watched,
            told: None,
        }
    }

    pub(super) fn reconfigure(&mut self, config: ContactConfig) {
        self.config = config;
    }

    /// A valid frame of the ground came; where security is on, an authentic one.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard_at = Some(now);
        self.pass(now);
    }

    /// It is `now`.
    pub(super) fn pass(&mut self, now: Instant) {
        self.changes_at = match &self.plan {
            Some(plan) if plan.clock_is_set => self.next_change(now),
            _ if self.is_watched => self.hold_ends().filter(|at| *at > now),
            _ => None,
        };
    }

    /// The state, if it differs from what was told last in more than when somebody was
    /// heard.
    pub(super) fn news(&mut self, now: Instant) -> Option<ContactState> {
        let state = self.state(now);
        let news = Some((state.in_contact, state.reason));
        (std::mem::replace(&mut self.told, news) != news).then_some(state)
    }

    /// When it is no longer heard, if nothing more is.
    fn hold_ends(&self) -> Option<Instant> {
        self.heard_at.map(|at| at + self.config.hold)
    }

    /// When what is held back, or told, may change; none without a plan that can be
    /// followed, unless it is told.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.changes_at
    }

    pub(super) fn set_plan(
        &mut self,
        now: Instant,
        plan: Option<ContactPlan>,
    ) -> Result<(), ContactPlanError> {
        if let Some(plan) = &plan {
            let windows = &plan.windows;
            if windows.len() > CONTACT_WINDOWS_MAX {
                return Err(ContactPlanError::TooMany(windows.len()));
            }
            if let Some(at) = windows.iter().position(|window| window.end <= window.start) {
                return Err(ContactPlanError::Empty(at));
            }
        }
        self.listening_since.get_or_insert(now);
        self.plan = plan;
        self.pass(now);
        Ok(())
    }

    pub(super) fn state(&self, now: Instant) -> ContactState {
        let reason = self.reason(now);
        ContactState {
            heard_at: self.heard_at,
            in_contact: matches!(reason, ContactReason::Heard | ContactReason::Planned),
            reason,
        }
    }

    fn reason(&self, now: Instant) -> ContactReason {
        if self.hold_ends().is_some_and(|at| now < at) {
            return ContactReason::Heard;
        }
        let Some(plan) = &self.plan else {
            return ContactReason::NoPlan;
        };
        if !plan.clock_is_set {
            return ContactReason::ClockNotSet;
        }
        if plan.windows.iter().all(|window| window.end <= now) {
            return ContactReason::PlanUsedUp;
        }
        let silent_since = self.heard_at.or(self.listening_since);
        if silent_since.is_some_and(|since| now >= since + self.config.silence) {
            return ContactReason::Silence;
        }
        let open = |window: &ContactWindow| window.start <= now && now < window.end;
        match plan.windows.iter().any(open) {
            true => ContactReason::Planned,
            false => ContactReason::BetweenWindows,
        }
    }

    /// Whether messages of this class wait.
    pub(super) fn holds(&self, class: HeldClass, now: Instant) -> bool {
        self.config.hold_outside.contains(&class)
            && self.reason(now) == ContactReason::BetweenWindows
    }

    /// Whether apps begin no message of this class of the queue.
    pub(super) fn holds_queue(&self, class: QueueClass, now: Instant) -> bool {
        HeldClass::of(class).is_some_and(|class| self.holds(class, now))
    }

    /// The next moment at which [`state`](Self::state) can differ, if nothing is
    /// heard before.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        let silent_since = self.heard_at.or(self.listening_since);
        let moments = [
            self.hold_ends(),
            silent_since.map(|since| since + self.config.silence),
        ];
        let windows = self.plan.iter().flat_map(|plan| &plan.windows);
        let edges = windows.flat_map(|window| [window.start, window.end]);
        let all = moments.into_iter().flatten().chain(edges);
        all.filter(|at| *at > now).min()
    }

    /// How long the longest window of the plan is; none without a plan that can
    /// be followed.
    pub(super) fn longest_window(&self) -> Option<Duration> {
        let plan = self.plan.as_ref().filter(|plan| plan.clock_is_set)?;
        let windows = plan.windows.iter();
        windows
            .map(|window| window.end.saturating_duration_since(window.start))
            .max()
    }
}

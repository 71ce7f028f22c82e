//! Windows are ordered, cancelled and looked at.

use serde_json::{Value, json};

use super::{Answer, Asked, Caller, Desk, keys, page};
use crate::tasking::availability::{self, Free};
use crate::tasking::problem::Problem;
use crate::tasking::rules::{self, Refused};
use crate::tasking::step::Step;
use crate::tasking::store::{Tables, WindowFilter};
use crate::tasking::token::Role;
use crate::tasking::window::{Span, Window, WindowOrder, WindowState};

/// Why a window is cancelled that nobody on board knows.
const NEVER_OFFERED: &str = "cancelled before the spacecraft was told of it";

/// When a window may be.
#[derive(Clone, Debug)]
pub(crate) struct AvailabilityQuery {
    pub(crate) satellite: String,
    /// It is to be free at the same times, where one is named.
    pub(crate) paired_satellite: Option<String>,
    pub(crate) window_type: String,
    pub(crate) start_s: i64,
    pub(crate) duration_s: i64,
}

impl Desk {
    /// Takes a window, or says why it cannot be; where it is tried only, takes none.
    pub(crate) fn order_window(
        &self,
        asked: &Asked,
        order: &WindowOrder,
        is_try: bool,
    ) -> Result<Answer, Problem> {
        asked.caller.may(Role::Tasker)?;
        asked.caller.may_ask_of(&order.satellite)?;
        if is_try {
            let span = self.store.look(|tables| self.fitting(tables, asked, order));
            return Ok(Answer::data(&tried(&span?)));
        }
        let answer = self.store.change(|tables| {
            if let Some(answer) = keys::known(tables, asked)? {
                return Ok::<_, Problem>(answer);
            }
            let span = self.fitting(tables, asked, order)?;
            let planned = rules::check(&self.plan, order, asked.now.s())?;
            let (payload, user) = (&planned.payload.name, &asked.caller.name);
            let id = tables.add_window(order, &span, payload, user, asked.now.s())?;
            let detail = format!(
                "{} of {} at {} for {} s",
                order.window_type, order.satellite, order.start_s, order.duration_s
            );
            tables.log(&asked.entry(200, id.to_string(), detail))?;
            let answer = Answer::data(&json!({ "id": id.to_string() }));
            keys::keep(tables, asked, &answer)?;
            Ok(answer)
        })?;
        self.has_changed();
        self.step(Step::WindowTaken);
        Ok(answer)
    }

    /// Whether it may be, beside all that there is.
    fn fitting(&self, tables: Tables, asked: &Asked, order: &WindowOrder) -> Result<Span, Problem> {
        let planned = rules::check(&self.plan, order, asked.now.s())?;
        let span = planned.span;
        let payload = &planned.payload.name;
        let (from_s, to_s) = (span.busy_from_s(), span.busy_to_s());
        let others = tables.calendar(&order.satellite, payload, from_s, to_s)?;
        rules::check_calendar(&span, &others)?;
        let count = tables.count_open_windows()?;
        match count < self.plan.windows_open_max {
            true => Ok(span),
            false => Err(Refused::Full(count).into()),
        }
    }

    /// Cancels a window: at once where nobody on board knows it, else as soon as it is told.
    pub(crate) fn cancel_window(&self, asked: &Asked, id: i64) -> Result<Answer, Problem> {
        asked.caller.may(Role::Tasker)?;
        let answer = self.store.change(|tables| {
            let found = tables.window(id)?;
            let none = || Problem::not_found(format!("there is no window `{id}`"));
            let window = found.ok_or_else(none)?;
            asked.caller.may_ask_of(&window.order.satellite)?;
            let state = match window.state {
                WindowState::PendingSync if !window.is_offered => {
                    let now_s = asked.now.s();
                    let state = WindowState::Cancelled;
                    tables.set_window(id, state, NEVER_OFFERED, None, now_s)?;
                    state
                }
                WindowState::PendingSync | WindowState::Synced => {
                    let state = WindowState::PendingCancel;
                    tables.set_window(id, state, "", None, asked.now.s())?;
                    state
                }
                WindowState::PendingCancel | WindowState::Cancelled => window.state,
                WindowState::Executed | WindowState::Failed => {
                    let detail = format!("window `{id}` has ended: it is {}", window.state);
                    return Err(Problem::conflict(detail));
                }
            };
            tables.log(&asked.entry(200, id.to_string(), state.to_string()))?;
            Ok(Answer::data(
                &json!({ "id": id.to_string(), "state": state.as_str() }),
            ))
        })?;
        self.has_changed();
        self.step(Step::CancelTaken);
        Ok(answer)
    }

    /// Those that a filter lets through and the caller may see, the newest first; and the id
    /// before which there are more.
    pub(crate) fn windows(
        &self,
        caller: &Caller,
        mut filter: WindowFilter,
    ) -> Result<(Vec<Window>, Option<i64>), Problem> {
        self.may_list(caller, filter.satellite.as_deref())?;
        filter.satellites.clone_from(&caller.satellites);
        let limit = filter.limit;
        filter.limit = limit.saturating_add(1);
        let windows = self.store.look(|tables| tables.windows(&filter))?;
        Ok(page(windows, limit, |window| window.id))
    }

    /// Whether what is there of a satellite, or of all, is for the caller.
    pub(super) fn may_list(&self, caller: &Caller, satellite: Option<&str>) -> Result<(), Problem> {
        let Some(satellite) = satellite else {
            return Ok(());
        };
        caller.may_ask_of(satellite)?;
        self.is_known(satellite)
    }

    pub(crate) fn is_known(&self, satellite: &str) -> Result<(), Problem> {
        match self.plan.satellite(satellite) {
            Some(_) => Ok(()),
            None => Err(Refused::NoSatellite(satellite.to_owned()).into()),
        }
    }

    /// When a window of that type may be.
    pub(crate) fn availability(
        &self,
        asked: &Asked,
        query: &AvailabilityQuery,
    ) -> Result<Vec<Free>, Problem> {
        let free = self.free(asked, &query.satellite, query)?;
        let Some(paired) = &query.paired_satellite else {
            return Ok(free);
        };
        let of_paired = self.free(asked, paired, query)?;
        let (_, _, window_type) = rules::find(&self.plan, paired, &query.window_type)?;
        Ok(availability::both(
            &free,
            &of_paired,
            window_type.duration_min_s,
        ))
    }

    fn free(
        &self,
        asked: &Asked,
        satellite: &str,
        query: &AvailabilityQuery,
    ) -> Result<Vec<Free>, Problem> {
        asked.caller.may_ask_of(satellite)?;
        let (_, payload, window_type) = rules::find(&self.plan, satellite, &query.window_type)?;
        let within = Free {
            start_s: query.start_s,
            end_s: query.start_s.saturating_add(query.duration_s),
        };
        let from_s = within.start_s.saturating_sub(window_type.pre_buffer_s);
        let to_s = within.end_s.saturating_add(window_type.post_buffer_s);
        let others = self
            .store
            .look(|tables| tables.calendar(satellite, &payload.name, from_s, to_s))?;
        let others: Vec<Span> = others.iter().map(|window| window.span).collect();
        let now_s = asked.now.s();
        Ok(availability::free(
            &self.plan,
            window_type,
            within,
            now_s,
            &others,
        ))
    }
}

fn tried(span: &Span) -> Value {
    json!({
        "dry_run": true,
        "busy_from": span.busy_from_s(),
        "start": span.start_s,
        "end": span.end_s,
        "busy_to": span.busy_to_s(),
    })
}

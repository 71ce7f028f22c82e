//! One exchange with a satellite, noted before and after.

use std::sync::Arc;
use std::time::Duration;

use super::core::{Core, Next, Verdict};
use super::uplink::{Silence, Uplink};
use super::uploads::Uploads;
use super::words::{self, Nonsense};
use crate::tasking::desk::Desk;
use crate::tasking::moment::Now;
use crate::tasking::plan::Satellite;
use crate::tasking::step::Step;
use crate::tasking::store::StoreError;
use crate::tasking::window::{Window, WindowState};

/// How long an answer may take after each try; with all that a window did, longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const DETAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long all tries may take.
const TRIES_TIME: Duration = Duration::from_secs(20);
/// What is in the store is read again after so long, whoever changed it.
const FRESH_MS: i64 = 5_000;

/// Brings to one satellite what is ordered of it, and back what came of it.
pub(crate) struct Courier {
    pub(super) desk: Arc<Desk>,
    pub(super) satellite: Satellite,
    pub(super) uplink: Box<dyn Uplink>,
    core: Core,
    uploads: Uploads,
    open: Vec<Window>,
    /// As of which change of the store, and of when.
    read: Option<(u64, i64)>,
}

impl Courier {
    pub(crate) fn new(desk: Arc<Desk>, satellite: Satellite, uplink: Box<dyn Uplink>) -> Courier {
        Courier {
            core: Core::new(desk.plan.on_board_max),
            uploads: Uploads::default(),
            open: Vec::new(),
            read: None,
            desk,
            satellite,
            uplink,
        }
    }

    /// Says what is next to be said, at most one thing; whether there was anything. `now` is
    /// what the time is, and again after an exchange. `in_contact` is none where nobody knows.
    pub(crate) fn round(
        &mut self,
        clock: &dyn Fn() -> Now,
        in_contact: Option<bool>,
    ) -> Result<bool, StoreError> {
        let now = clock();
        self.look(now)?;
        let overdue = self.core.overdue(now, &self.open);
        if !overdue.is_empty() {
            self.settle(now, overdue)?;
            self.look(now)?;
        }
        let satellite = self.satellite.clone();
        let port = |window: &Window| {
            let payload = satellite.payload(&window.payload);
            payload.map(|payload| payload.service_port)
        };
        for window in self.core.forget(&self.open, port) {
            log::warn!(
                "window {}: satellite `{}` has no payload `{}` any more: nobody can be told",
                window.id,
                self.satellite.id,
                window.payload
            );
        }
        let next = self.core.next(now, in_contact, &self.open, port);
        let spoke = next != Next::Nothing;
        if spoke {
            self.say(clock, next)?;
        }
        let mut uploads = std::mem::take(&mut self.uploads);
        let moved = uploads.round(self, clock(), in_contact);
        self.uploads = uploads;
        Ok(moved? || spoke)
    }

    fn look(&mut self, now: Now) -> Result<(), StoreError> {
        let changes = self.desk.changes();
        let is_fresh = self.read.is_some_and(|(of, at_ms)| {
            of == changes && (0..FRESH_MS).contains(&now.ms.saturating_sub(at_ms))
        });
        if !is_fresh {
            let store = &self.desk.store;
            self.open = store.look(|tables| tables.open_windows(&self.satellite.id))?;
            self.read = Some((changes, now.ms));
        }
        Ok(())
    }

    fn say(&mut self, clock: &dyn Fn() -> Now, next: Next) -> Result<(), StoreError> {
        let now = clock();
        let next = match next {
            Next::Offer { port, windows } => match self.note_offered(now, windows)? {
                windows if windows.is_empty() => return Ok(()),
                windows => Next::Offer { port, windows },
            },
            other => other,
        };
        let said = self.query(now, &next);
        self.desk.step(match &next {
            Next::Offer { .. } => Step::Offered,
            Next::Cancel { .. } => Step::CancelSent,
            _ => Step::Asked,
        });
        let answer = said.map_err(|Silence(why)| why);
        let now = clock();
        let verdicts = answer.and_then(|answer| self.understood(now, &next, &answer));
        let verdicts = match verdicts {
            Ok(verdicts) => verdicts,
            Err(why) => {
                log::info!("satellite `{}`: {why}", self.satellite.id);
                self.core.silent(now, &next)
            }
        };
        self.settle(now, verdicts)?;
        self.desk.step(match &next {
            Next::Offer { .. } => Step::OfferAnswered,
            Next::Cancel { .. } => Step::CancelAnswered,
            _ => Step::AskAnswered,
        });
        Ok(())
    }

    /// Those that are still to be offered; from here on it is known that they may be on board.
    fn note_offered(&mut self, now: Now, windows: Vec<Window>) -> Result<Vec<Window>, StoreError> {
        let noted = self.desk.store.change(|tables| {
            let mut noted = Vec::new();
            for window in windows {
                if tables.note_offered(window.id, now.s())? {
                    noted.push(window);
                }
            }
            Ok::<_, StoreError>(noted)
        })?;
        self.read = None;
        self.desk.step(Step::OfferNoted);
        Ok(noted)
    }

    fn query(&self, now: Now, next: &Next) -> Result<Vec<u8>, Silence> {
        let (port, body, timeout, within) = match next {
            Next::Offer { port, windows } => {
                let called = windows.iter().map(|window| {
                    let payload = self.satellite.payload(&window.payload);
                    let called = payload.map_or("", |payload| &payload.signalled);
                    (window.clone(), called.to_owned())
                });
                let body = words::offer(&called.collect::<Vec<_>>());
                // No try of it is made once the first of them begins.
                let soonest_s = windows.iter().map(|window| window.span.busy_from_s()).min();
                let left_s = soonest_s.unwrap_or(0).saturating_sub(now.s());
                let left = Duration::from_secs(u64::try_from(left_s).unwrap_or(0));
                (*port, body, ANSWER_TIMEOUT, left.min(TRIES_TIME))
            }
            Next::Cancel { port, ids } => (*port, words::cancel(ids), ANSWER_TIMEOUT, TRIES_TIME),
            Next::Ask { port, ids } => (*port, words::ask(ids), ANSWER_TIMEOUT, TRIES_TIME),
            Next::Detail { port, id } => {
                (*port, words::detail(*id), DETAIL_TIMEOUT, DETAIL_TIMEOUT)
            }
            Next::Nothing => return Err(Silence("nothing was asked".to_owned())),
        };
        self.uplink.query(port, &body, timeout, within)
    }

    fn understood(
        &mut self,
        now: Now,
        next: &Next,
        answer: &[u8],
    ) -> Result<Vec<Verdict>, Nonsense> {
        match next {
            Next::Offer { windows, .. } => {
                let answers = words::results(answer, windows.len())?;
                Ok(self.core.offered(windows, answers))
            }
            Next::Cancel { ids, .. } => {
                let answers = words::results(answer, ids.len())?;
                Ok(self.core.cancelled(ids, answers))
            }
            Next::Ask { ids, .. } => {
                let stands = words::stands(answer)?;
                Ok(self.core.told(now, ids, &self.open, &stands))
            }
            Next::Detail { id, .. } => {
                let steps = words::steps(answer, *id)?;
                Ok(self.core.detailed(*id, steps))
            }
            Next::Nothing => Ok(Vec::new()),
        }
    }

    fn settle(&mut self, now: Now, verdicts: Vec<Verdict>) -> Result<(), StoreError> {
        if verdicts.is_empty() {
            return Ok(());
        }
        let now_s = now.s();
        self.desk.store.change(|tables| {
            for verdict in &verdicts {
                match verdict {
                    Verdict::Synced(id) => tables.note_synced(*id, now_s)?,
                    Verdict::Lost(id) => tables.note_lost(*id, now_s)?,
                    Verdict::Ended {
                        id,
                        state,
                        reason,
                        result,
                    } => {
                        tables.set_window(*id, *state, reason, result.as_deref(), now_s)?;
                    }
                }
            }
            Ok::<_, StoreError>(())
        })?;
        self.read = None;
        for verdict in &verdicts {
            self.tell(verdict);
        }
        Ok(())
    }

    fn tell(&self, verdict: &Verdict) {
        let satellite = &self.satellite.id;
        match verdict {
            Verdict::Synced(id) => log::info!("window {id}: satellite `{satellite}` has it"),
            Verdict::Lost(id) => {
                log::warn!("window {id}: satellite `{satellite}` has lost it, and is told again");
            }
            Verdict::Ended {
                id, state, reason, ..
            } => match state {
                WindowState::Failed => log::warn!("window {id}: {state}: {reason}"),
                _ => log::info!("window {id}: {state} {reason}"),
            },
        }
    }
}

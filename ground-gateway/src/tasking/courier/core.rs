//! What is to be said next. Nothing here knows a link or a clock: `next` gives what to say at a
//! time, and `answered` or `silent` is told what came of it.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{OnBoard, Stand};
use crate::tasking::moment::{self, Now};
use crate::tasking::window::{Window, WindowState};

/// Windows of one message at most, and octets of their parameters together.
const OFFERS_MAX: usize = 8;
const OFFER_BYTES_MAX: usize = 8 * 1024;
const CANCELS_MAX: usize = 16;
const ASKED_MAX: usize = 32;
/// Pauses after silence: the first, and the longest in contact and where nobody knows whether
/// there is contact.
const SILENCE_MIN_MS: i64 = 5_000;
const SILENCE_MAX_IN_CONTACT_MS: i64 = 60_000;
const SILENCE_MAX_MS: i64 = 600_000;
/// Between two questions how the same windows stand, at first and at last.
const ASK_MIN_MS: i64 = 1_000;
const ASK_MAX_MS: i64 = 30_000;
/// Between two looks whether the spacecraft still has what it said it has.
const REVIEW_MS: i64 = 600_000;
/// Questions for the steps of a window that has ended, before it is known without them.
const DETAIL_TRIES_MAX: u32 = 3;
/// So long after its end a window of which nothing is heard is given up.
const GIVE_UP_S: i64 = 7 * 86_400;

/// What to say, and to which service of the satellite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// These are to be scheduled.
    Offer { port: u16, windows: Vec<Window> },
    /// These are not to run.
    Cancel { port: u16, ids: Vec<i64> },
    /// How do these stand?
    Ask { port: u16, ids: Vec<i64> },
    /// What did this one do, step by step?
    Detail { port: u16, id: i64 },
    /// Nothing, for now.
    Nothing,
}

/// What is to become of a window in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Synced(i64),
    /// It is to be offered again.
    Lost(i64),
    Ended {
        id: i64,
        state: WindowState,
        reason: String,
        result: Option<String>,
    },
}

impl Verdict {
    fn failed(id: i64, reason: String) -> Verdict {
        Verdict::Ended {
            id,
            state: WindowState::Failed,
            reason,
            result: None,
        }
    }
}

/// What is remembered between two exchanges; nothing of it is needed after a restart.
#[derive(Debug)]
pub(super) struct Core {
    on_board_max: usize,
    /// Nothing is said before that.
    silent_until_ms: i64,
    silence_ms: i64,
    was_in_contact: Option<bool>,
    /// The newest window that was seen.
    newest: i64,
    /// When windows were asked of last, and when they may be again.
    asked_ms: i64,
    ask_pause_ms: i64,
    reviewed_ms: i64,
    /// Up to which window, if not all.
    reviewed_to: i64,
    /// What the spacecraft said where it took an order or a cancellation not.
    refused: BTreeMap<i64, String>,
    /// Those that have ended on board, and how often their steps were asked for.
    ended: BTreeMap<i64, (OnBoard, u32)>,
    /// Those that nobody can be asked about: said once.
    told: BTreeSet<i64>,
}

impl Core {
    pub(super) fn new(on_board_max: usize) -> Core {
        Core {
            on_board_max,
            silent_until_ms: i64::MIN,
            silence_ms: SILENCE_MIN_MS,
            was_in_contact: None,
            newest: 0,
            asked_ms: i64::MIN,
            ask_pause_ms: ASK_MIN_MS,
            reviewed_ms: i64::MIN,
            reviewed_to: 0,
            refused: BTreeMap::new(),
            ended: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }

    /// What time alone decides of windows that have not ended.
    pub(super) fn overdue(&self, now: Now, open: &[Window]) -> Vec<Verdict> {
        let overdue = open.iter().filter_map(|window| {
            if !window.is_offered && now.s() >= window.span.start_s {
                let reason = "missed: the spacecraft could not be told of it before its start";
                return Some(Verdict::failed(window.id, reason.to_owned()));
            }
            let given_up_s = window.span.busy_to_s().saturating_add(GIVE_UP_S);
            (window.is_offered && now.s() >= given_up_s).then(|| {
                let days = GIVE_UP_S / 86_400;
                let reason =
                    format!("unknown: nothing was heard of it within {days} days of its end");
                Verdict::failed(window.id, reason)
            })
        });
        overdue.collect()
    }

    /// What to say at `now`. `in_contact` is none where nobody knows; `port` gives the service
    /// of a window.
    pub(super) fn next(
        &mut self,
        now: Now,
        in_contact: Option<bool>,
        open: &[Window],
        port: impl Fn(&Window) -> Option<u16>,
    ) -> Next {
        let has_begun = in_contact == Some(true) && self.was_in_contact != Some(true);
        self.was_in_contact = in_contact;
        let newest = open.iter().map(|window| window.id).max().unwrap_or(0);
        let is_news = newest > self.newest;
        self.newest = self.newest.max(newest);
        if has_begun || is_news {
            self.silent_until_ms = i64::MIN;
        }
        let silent_ms = self.silent_until_ms.saturating_sub(now.ms);
        // Where the clock was put back, it is no longer than it can be.
        if in_contact == Some(false) || (1..=SILENCE_MAX_MS).contains(&silent_ms) {
            return Next::Nothing;
        }
        let served: Vec<(&Window, u16)> = open
            .iter()
            .filter_map(|window| Some((window, port(window)?)))
            .collect();
        self.cancels(&served)
            .or_else(|| self.offers(now, &served))
            .or_else(|| self.details(&served))
            .or_else(|| self.questions(now, &served))
            .unwrap_or(Next::Nothing)
    }

    fn cancels(&self, served: &[(&Window, u16)]) -> Option<Next> {
        let is_due = |window: &Window| {
            window.state == WindowState::PendingCancel && !self.refused.contains_key(&window.id)
        };
        let mut due = served.iter().filter(|(window, _)| is_due(window));
        let (first, port) = due.next()?;
        let others = due.filter(|(_, other)| other == port);
        let ids = others.map(|(window, _)| window.id);
        Some(Next::Cancel {
            port: *port,
            ids: std::iter::once(first.id)
                .chain(ids)
                .take(CANCELS_MAX)
                .collect(),
        })
    }

    fn offers(&self, now: Now, served: &[(&Window, u16)]) -> Option<Next> {
        let on_board = |window: &Window| window.state != WindowState::PendingSync;
        let count = served.iter().filter(|(window, _)| on_board(window)).count();
        let room = self.on_board_max.saturating_sub(count).min(OFFERS_MAX);
        let is_due = |window: &Window| {
            window.state == WindowState::PendingSync
                && now.s() < window.span.busy_from_s()
                && !self.refused.contains_key(&window.id)
        };
        let mut due = served.iter().filter(|(window, _)| is_due(window));
        let (first, port) = due.next()?;
        let mut bytes = first.order.parameters.len();
        let others = due
            .filter(|(_, other)| other == port)
            .take_while(|(window, _)| {
                bytes = bytes.saturating_add(window.order.parameters.len());
                bytes <= OFFER_BYTES_MAX
            });
        let windows = std::iter::once(*first).chain(others.map(|(window, _)| *window));
        let windows: Vec<Window> = windows.take(room).cloned().collect();
        (!windows.is_empty()).then_some(Next::Offer {
            port: *port,
            windows,
        })
    }

    fn details(&self, served: &[(&Window, u16)]) -> Option<Next> {
        let mut ended = served
            .iter()
            .filter(|(window, _)| self.ended.contains_key(&window.id));
        let (window, port) = ended.next()?;
        Some(Next::Detail {
            port: *port,
            id: window.id,
        })
    }

    fn questions(&mut self, now: Now, served: &[(&Window, u16)]) -> Option<Next> {
        let asked_s = self.asked_ms.div_euclid(1_000);
        let is_late = |window: &Window| window.is_offered && now.s() >= window.span.busy_from_s();
        // A window that began or ended since is asked about soon.
        let has_passed = |window: &Window| {
            let passed = |time_s: i64| (asked_s..now.s()).contains(&time_s);
            is_late(window) && (passed(window.span.start_s) || passed(window.span.end_s))
        };
        let pause_ms = match served.iter().any(|(window, _)| has_passed(window)) {
            true => self.ask_pause_ms.min(ASK_MIN_MS),
            false => self.ask_pause_ms,
        };
        if (0..pause_ms).contains(&now.ms.saturating_sub(self.asked_ms)) {
            return None;
        }
        let refused = served
            .iter()
            .filter(|(window, _)| self.refused.contains_key(&window.id));
        let late = served.iter().filter(|(window, _)| is_late(window));
        let due: Vec<_> = refused.chain(late).collect();
        let asked = match due.is_empty() {
            false => of_one_port(&due),
            true => self.review(now, served),
        }?;
        self.ask_pause_ms = pause_ms.saturating_mul(2).clamp(2 * ASK_MIN_MS, ASK_MAX_MS);
        self.asked_ms = now.ms;
        Some(asked)
    }

    /// Now and then, whether the spacecraft still has what it said it has: some at a time.
    fn review(&mut self, now: Now, served: &[(&Window, u16)]) -> Option<Next> {
        if (0..REVIEW_MS).contains(&now.ms.saturating_sub(self.reviewed_ms)) {
            return None;
        }
        let is_next =
            |window: &Window| window.state == WindowState::Synced && window.id > self.reviewed_to;
        let mut due: Vec<_> = served
            .iter()
            .filter(|(window, _)| is_next(window))
            .collect();
        due.sort_by_key(|(window, _)| window.id);
        due.truncate(ASKED_MAX);
        let asked = of_one_port(&due);
        match &asked {
            Some(Next::Ask { ids, .. }) => {
                self.reviewed_to = ids.last().copied().unwrap_or(self.reviewed_to);
            }
            _ => {
                self.reviewed_to = 0;
                self.reviewed_ms = now.ms;
            }
        }
        asked
    }

    /// No answer came.
    pub(super) fn silent(&mut self, now: Now, said: &Next) -> Vec<Verdict> {
        let longest_ms = match self.was_in_contact {
            Some(true) => SILENCE_MAX_IN_CONTACT_MS,
            _ => SILENCE_MAX_MS,
        };
        self.silent_until_ms = now.ms.saturating_add(self.silence_ms);
        self.silence_ms = self.silence_ms.saturating_mul(2).min(longest_ms);
        let Next::Detail { id, .. } = said else {
            return Vec::new();
        };
        match self.ended.get_mut(id) {
            Some((_, tries)) => {
                *tries += 1;
                match *tries >= DETAIL_TRIES_MAX {
                    true => self.end(*id, None),
                    false => Vec::new(),
                }
            }
            None => Vec::new(),
        }
    }

    /// The satellite spoke.
    fn heard(&mut self) {
        self.silent_until_ms = i64::MIN;
        self.silence_ms = SILENCE_MIN_MS;
    }

    /// What it said to an offer, in the order of the windows: why not, or nothing.
    pub(super) fn offered(
        &mut self,
        windows: &[Window],
        answers: Vec<Option<String>>,
    ) -> Vec<Verdict> {
        self.heard();
        let mut verdicts = Vec::new();
        for (window, answer) in windows.iter().zip(answers) {
            match answer {
                None => verdicts.push(Verdict::Synced(window.id)),
                // It may have it all the same, by an earlier offer: it is asked.
                Some(why) => {
                    self.refused.insert(window.id, why);
                    self.ask_pause_ms = 0;
                }
            }
        }
        verdicts
    }

    /// What it said to a cancellation, in the order of the ids.
    pub(super) fn cancelled(&mut self, ids: &[i64], answers: Vec<Option<String>>) -> Vec<Verdict> {
        self.heard();
        let mut verdicts = Vec::new();
        for (id, answer) in ids.iter().zip(answers) {
            match answer {
                None => verdicts.push(Verdict::Ended {
                    id: *id,
                    state: WindowState::Cancelled,
                    reason: "cancelled on board".to_owned(),
                    result: None,
                }),
                Some(why) => {
                    self.refused.insert(*id, why);
                    self.ask_pause_ms = 0;
                }
            }
        }
        verdicts
    }

    /// How it said that windows stand, of which those were asked for.
    pub(super) fn told(
        &mut self,
        now: Now,
        ids: &[i64],
        open: &[Window],
        stands: &[OnBoard],
    ) -> Vec<Verdict> {
        self.heard();
        let mut verdicts = Vec::new();
        for window in open.iter().filter(|window| ids.contains(&window.id)) {
            let refused = self.refused.remove(&window.id);
            let stand = stands.iter().find(|stand| stand.id == window.id);
            let verdict = match stand {
                None => self.not_there(now, window, refused),
                Some(stand) if stand.state == Stand::Open => match window.state {
                    WindowState::PendingSync => Some(Verdict::Synced(window.id)),
                    WindowState::PendingCancel => {
                        // It did not let it go, and may later.
                        self.silent_until_ms = now.ms.saturating_add(SILENCE_MIN_MS);
                        None
                    }
                    _ => None,
                },
                Some(stand) => {
                    self.ended.insert(window.id, (stand.clone(), 0));
                    None
                }
            };
            verdicts.extend(verdict);
        }
        if !verdicts.is_empty() {
            self.ask_pause_ms = ASK_MIN_MS;
        }
        verdicts
    }

    /// The spacecraft does not know it.
    fn not_there(&mut self, now: Now, window: &Window, refused: Option<String>) -> Option<Verdict> {
        let id = window.id;
        if window.state == WindowState::PendingCancel {
            return Some(Verdict::Ended {
                id,
                state: WindowState::Cancelled,
                reason: "cancelled: the spacecraft does not have it".to_owned(),
                result: None,
            });
        }
        if let Some(why) = refused {
            return Some(Verdict::failed(id, format!("refused on board: {why}")));
        }
        let is_begun = now.s() >= window.span.busy_from_s();
        match window.state {
            // It may still come: it is told again.
            WindowState::Synced if !is_begun => Some(Verdict::Lost(id)),
            WindowState::Synced => Some(Verdict::failed(
                id,
                format!(
                    "lost: the spacecraft had it, and does not know it at {}",
                    moment::text(now.s())
                ),
            )),
            _ if !is_begun => None,
            _ => Some(Verdict::failed(
                id,
                "missed: not on board before its start".to_owned(),
            )),
        }
    }

    /// The steps of a window that has ended; none where it does not say.
    pub(super) fn detailed(&mut self, id: i64, result: Option<String>) -> Vec<Verdict> {
        self.heard();
        self.end(id, result)
    }

    fn end(&mut self, id: i64, result: Option<String>) -> Vec<Verdict> {
        let Some((stand, _)) = self.ended.remove(&id) else {
            return Vec::new();
        };
        let state = match stand.state {
            Stand::Executed => WindowState::Executed,
            Stand::Cancelled => WindowState::Cancelled,
            Stand::Failed | Stand::Open => WindowState::Failed,
        };
        vec![Verdict::Ended {
            id,
            state,
            reason: stand.reason,
            result,
        }]
    }

    /// Forgets windows that are not open any more; and says which nobody serves, once.
    pub(super) fn forget<'w>(
        &mut self,
        open: &'w [Window],
        port: impl Fn(&Window) -> Option<u16>,
    ) -> Vec<&'w Window> {
        let ids: BTreeSet<i64> = open.iter().map(|window| window.id).collect();
        self.refused.retain(|id, _| ids.contains(id));
        self.ended.retain(|id, _| ids.contains(id));
        self.told.retain(|id| ids.contains(id));
        let unserved = open.iter().filter(|window| port(window).is_none());
        unserved
            .filter(|window| self.told.insert(window.id))
            .collect()
    }
}

/// Those that the service of the first can be asked about.
fn of_one_port(due: &[&(&Window, u16)]) -> Option<Next> {
    let (_, port) = due.first()?;
    let of_port = due.iter().filter(|(_, other)| other == port);
    let mut ids: Vec<i64> = Vec::new();
    for (window, _) in of_port {
        if ids.len() < ASKED_MAX && !ids.contains(&window.id) {
            ids.push(window.id);
        }
    }
    Some(Next::Ask { port: *port, ids })
}

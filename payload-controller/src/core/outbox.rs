//! What waits for a payload, and what is under way to it: bounded, in order where order
//! matters, and each call counted once.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use payload_interface::{CallId, CallOutcome, Callback};

use super::action::RequestId;
use super::counts::CallCounts;
use super::record::{RunId, StreamKind};
use super::rules::OutboxRules;
use super::time::{Now, earlier};

/// Commands under way at once: a sequence that is slow to begin does not keep another waiting.
const COMMANDS_UNDER_WAY_MAX: usize = 4;
/// So long after its deadline a call of which nothing is heard counts as timed out.
const LOST_AFTER: Duration = Duration::from_secs(2);

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Health,
    Shutdown,
    Start(RunId),
    Cancel(RunId),
    Metrics,
    Message,
    /// The answer of a request, or what follows from one.
    Response,
    /// What became of a file that was to be copied.
    Copied,
    Data(StreamKind),
}

/// Calls of one lane leave in their order; lanes do not wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Health,
    Shutdown,
    Commands,
    Responses,
    Data(StreamKind),
}

impl Purpose {
    fn lane(self) -> Lane {
        match self {
            Purpose::Health => Lane::Health,
            Purpose::Shutdown => Lane::Shutdown,
            Purpose::Start(_) | Purpose::Cancel(_) | Purpose::Metrics | Purpose::Message => {
                Lane::Commands
            }
            Purpose::Response | Purpose::Copied => Lane::Responses,
            Purpose::Data(kind) => Lane::Data(kind),
        }
    }

    /// Whether it is sent again when it surely did not arrive.
    fn waits_for_payload(self) -> bool {
        matches!(
            self,
            Purpose::Start(_) | Purpose::Message | Purpose::Response | Purpose::Copied
        )
    }

    /// Whether it does no harm when it arrives twice.
    fn may_arrive_twice(self) -> bool {
        matches!(self, Purpose::Response | Purpose::Copied)
    }
}

/// A call that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) callback: Callback,
    pub(crate) purpose: Purpose,
    /// Not before the return of this request has left.
    pub(crate) after: Option<RequestId>,
    pub(crate) deadline: Duration,
    /// It is no use later.
    pub(crate) valid_until: Duration,
    not_before: Duration,
    attempts: u32,
}

impl Waiting {
    pub(crate) fn new(
        callback: impl Into<Callback>,
        purpose: Purpose,
        deadline: Duration,
        valid_until: Duration,
    ) -> Self {
        Waiting {
            callback: callback.into(),
            purpose,
            after: None,
            deadline,
            valid_until,
            not_before: Duration::ZERO,
            attempts: 0,
        }
    }

    pub(crate) fn after(mut self, request: Option<RequestId>) -> Self {
        self.after = request;
        self
    }
}

#[derive(Debug)]
struct UnderWay {
    waiting: Waiting,
    /// Nothing is heard of it until then.
    until: Duration,
}

/// How a call ended for good.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) purpose: Purpose,
    pub(crate) rpc: &'static str,
    pub(crate) outcome: CallOutcome,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    rules: OutboxRules,
    lanes: BTreeMap<Lane, VecDeque<Waiting>>,
    under_way: BTreeMap<CallId, UnderWay>,
}

impl Outbox {
    pub(crate) fn new(rules: OutboxRules) -> Self {
        Outbox {
            rules,
            lanes: BTreeMap::new(),
            under_way: BTreeMap::new(),
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lanes.values().map(VecDeque::len).sum()
    }

    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Whether another answer has no room: its request is refused then.
    pub(crate) fn is_full_of_responses(&self) -> bool {
        self.waiting_in(Lane::Responses) >= self.rules.responses_max
    }

    pub(crate) fn is_full_of_commands(&self) -> bool {
        self.waiting_in(Lane::Commands) >= self.rules.commands_max
    }

    fn waiting_in(&self, lane: Lane) -> usize {
        self.lanes.get(&lane).map_or(0, VecDeque::len)
    }

    fn under_way_in(&self, lane: Lane) -> usize {
        let calls = self.under_way.values();
        calls
            .filter(|call| call.waiting.purpose.lane() == lane)
            .count()
    }

    fn is_busy(&self, lane: Lane) -> bool {
        let most = match lane {
            Lane::Commands => COMMANDS_UNDER_WAY_MAX,
            _ => 1,
        };
        self.under_way_in(lane) >= most
    }

    /// It is to leave. False where there is no room.
    pub(crate) fn push(&mut self, waiting: Waiting, counts: &mut CallCounts) -> bool {
        counts.offered += 1;
        let lane = waiting.purpose.lane();
        let most = match lane {
            Lane::Commands => self.rules.commands_max,
            // What is told of itself is let wait beside the answers.
            Lane::Responses => self.rules.responses_max * 2,
            Lane::Health | Lane::Shutdown | Lane::Data(_) => 1,
        };
        let queue = self.lanes.entry(lane).or_default();
        if queue.len() >= most {
            match lane {
                Lane::Commands | Lane::Responses => {
                    counts.full += 1;
                    return false;
                }
                Lane::Health | Lane::Shutdown | Lane::Data(_) => {
                    counts.replaced += 1;
                    queue.pop_front();
                }
            }
        }
        queue.push_back(waiting);
        true
    }

    /// The next call that may leave. `is_open` says of a request whether its return has not
    /// left yet.
    pub(crate) fn next(
        &mut self,
        now: Now,
        id: CallId,
        is_open: impl Fn(RequestId) -> bool,
        counts: &mut CallCounts,
    ) -> Option<(Callback, Duration)> {
        let lanes: Vec<Lane> = self.lanes.keys().copied().collect();
        for lane in lanes {
            if self.is_busy(lane) {
                continue;
            }
            let Some(queue) = self.lanes.get_mut(&lane) else {
                continue;
            };
            let may_leave = |waiting: &Waiting| {
                waiting.not_before <= now.monotonic && !waiting.after.is_some_and(&is_open)
            };
            if !queue.front().is_some_and(may_leave) {
                continue;
            }
            let Some(mut waiting) = queue.pop_front() else {
                continue;
            };
            waiting.attempts += 1;
            if waiting.attempts > 1 {
                counts.retries += 1;
            }
            let call = (waiting.callback.clone(), waiting.deadline);
            let until = now.after(waiting.deadline + LOST_AFTER);
            self.under_way.insert(id, UnderWay { waiting, until });
            return Some(call);
        }
        None
    }

    /// A call ended. None where it is unknown, or is sent again.
    pub(crate) fn ended(
        &mut self,
        now: Now,
        id: CallId,
        outcome: CallOutcome,
        counts: &mut CallCounts,
    ) -> Option<Ended> {
        let UnderWay { mut waiting, .. } = self.under_way.remove(&id)?;
        let purpose = waiting.purpose;
        let again = match &outcome {
            CallOutcome::Unreachable(_) => purpose.waits_for_payload(),
            CallOutcome::TimedOut => purpose.may_arrive_twice(),
            _ => false,
        };
        let is_tired = purpose.may_arrive_twice() && waiting.attempts >= self.rules.attempts_max;
        let next = now.after(self.rules.retry_pause);
        if again && !is_tired && next < waiting.valid_until {
            waiting.not_before = next;
            self.lanes
                .entry(purpose.lane())
                .or_default()
                .push_front(waiting);
            return None;
        }
        match &outcome {
            CallOutcome::Returned(code) if code.is_success() => counts.succeeded += 1,
            CallOutcome::Returned(_) => counts.declined += 1,
            CallOutcome::TimedOut => counts.timed_out += 1,
            CallOutcome::Refused(_) => counts.refused += 1,
            CallOutcome::Unreachable(_) => counts.unreachable += 1,
            CallOutcome::Unimplemented => counts.unimplemented += 1,
        }
        Some(Ended {
            purpose,
            rpc: waiting.callback.rpc(),
            outcome,
        })
    }

    /// Calls of which nothing was heard, and those that became too old.
    pub(crate) fn due(&mut self, now: Now, counts: &mut CallCounts) -> Vec<Ended> {
        let mut ended = Vec::new();
        let is_lost = |(_, call): &(&CallId, &UnderWay)| call.until <= now.monotonic;
        let lost = self.under_way.iter().filter(is_lost);
        let lost: Vec<CallId> = lost.map(|(id, _)| *id).collect();
        for id in lost {
            ended.extend(self.ended(now, id, CallOutcome::TimedOut, counts));
        }
        for queue in self.lanes.values_mut() {
            queue.retain(|waiting| {
                let is_valid = now.monotonic < waiting.valid_until;
                if !is_valid {
                    counts.too_old += 1;
                    ended.push(Ended {
                        purpose: waiting.purpose,
                        rpc: waiting.callback.rpc(),
                        outcome: CallOutcome::Unreachable(
                            "it did not leave while it was of use".to_owned(),
                        ),
                    });
                }
                is_valid
            });
        }
        ended
    }

    /// When [`due`](Self::due) or [`next`](Self::next) has something to do at the latest,
    /// without anything else happening.
    pub(crate) fn deadline(
        &self,
        flushed: impl Fn(RequestId) -> Option<Duration>,
    ) -> Option<Duration> {
        let lost = self.under_way.values().map(|call| call.until).min();
        let mut deadline = lost;
        for queue in self.lanes.values() {
            let old = queue.iter().map(|waiting| waiting.valid_until).min();
            deadline = earlier(deadline, old);
            if let Some(front) = queue.front() {
                let flushed = front.after.and_then(&flushed).unwrap_or_default();
                let ready = flushed.max(front.not_before);
                if !self.is_busy(front.purpose.lane()) {
                    deadline = earlier(deadline, Some(ready));
                }
            }
        }
        deadline
    }

    /// Nothing that waits for that is to leave any more. What is under way is not sent again.
    pub(crate) fn forget(&mut self, purpose: Purpose, counts: &mut CallCounts) {
        for queue in self.lanes.values_mut() {
            let before = queue.len();
            queue.retain(|waiting| waiting.purpose != purpose);
            counts.gone += (before - queue.len()) as u64;
        }
        for call in self.under_way.values_mut() {
            if call.waiting.purpose == purpose {
                call.waiting.valid_until = Duration::ZERO;
            }
        }
    }

    /// The app is gone: nothing waits for it. What is under way ends as it will, and is not
    /// sent again.
    pub(crate) fn clear(&mut self, counts: &mut CallCounts) {
        for queue in self.lanes.values_mut() {
            counts.gone += queue.len() as u64;
            queue.clear();
        }
        for call in self.under_way.values_mut() {
            call.waiting.valid_until = Duration::ZERO;
        }
    }
}

//! What the queue promises.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use link_service::names::AppId;
use link_service::queue::{Deadline, Now, Queue, QueueLimits, Ran, Route, Standing, Stop, Ticket};
use link_service::record::TransferId;
use link_service::request::{Expiry, Priority};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const YEAR_2026: Duration = Duration::from_secs(56 * 365 * 24 * 3600);

struct Rig {
    queue: Queue,
    now: Now,
    next: u64,
}

fn app(name: &str) -> AppId {
    name.parse().expect("a name")
}

impl Rig {
    fn new(limits: QueueLimits) -> Self {
        Rig {
            queue: Queue::new(limits),
            now: Now {
                monotonic: Instant::now(),
                wall: Some(YEAR_2026),
            },
            next: 1,
        }
    }

    /// One slot.
    fn narrow() -> Self {
        Rig::new(QueueLimits {
            local_slots: 1,
            ..QueueLimits::default()
        })
    }

    fn pass(&mut self, time: Duration) {
        self.now.monotonic += time;
        self.now.wall = self.now.wall.map(|wall| wall + time);
    }

    fn put(&mut self, sender: &str, priority: Priority) -> TransferId {
        self.put_until(sender, priority, None)
    }

    fn put_until(
        &mut self,
        sender: &str,
        priority: Priority,
        expiry: Option<Expiry>,
    ) -> TransferId {
        let id = TransferId(self.next);
        self.next += 1;
        let ticket = Ticket {
            sender: app(sender),
            route: Route::Local,
            priority,
            deadline: Deadline::of(self.now, expiry),
            attempts: 0,
            held: false,
        };
        self.queue.insert(self.now, id, ticket);
        id
    }

    fn run(&mut self) -> Option<TransferId> {
        self.queue.poll_run(self.now, &Route::Local)
    }

    fn ran(&mut self, id: TransferId, ran: Ran) {
        self.queue.handle_ran(self.now, id, ran);
    }

    fn over(&mut self) -> Option<(TransferId, Stop)> {
        self.queue.poll_over(self.now)
    }

    /// All that are ready, in their order.
    fn run_all(&mut self) -> Vec<TransferId> {
        let mut order = Vec::new();
        while let Some(id) = self.run() {
            order.push(id);
            self.ran(id, Ran::Ended);
        }
        order
    }
}

use Priority::{Critical, High, Low, Medium};

#[test]
fn the_higher_priority_goes_first_and_of_one_sender_the_first() {
    let mut rig = Rig::narrow();
    let [low, medium, high] = [Low, Medium, High].map(|of| rig.put("a", of));
    let [critical, second] = [Critical, High].map(|of| rig.put("a", of));
    assert_eq!(rig.run_all(), [critical, high, second, medium, low]);
    assert!(rig.queue.is_empty());
}

#[test]
fn senders_take_turns() {
    let mut rig = Rig::narrow();
    let many: Vec<_> = (0..3).map(|_| rig.put("many", Medium)).collect();
    let few = rig.put("few", Medium);
    assert_eq!(rig.run_all(), [many[0], few, many[1], many[2]]);
}

#[test]
fn no_more_run_at_once_than_there_are_slots_and_routes_have_their_own() {
    let mut rig = Rig::new(QueueLimits {
        local_slots: 2,
        ..QueueLimits::default()
    });
    let ids: Vec<_> = (0..3).map(|_| rig.put("a", Medium)).collect();
    assert_eq!((rig.run(), rig.run()), (Some(ids[0]), Some(ids[1])));
    assert_eq!(rig.run(), None);
    assert_eq!(rig.queue.poll_run(rig.now, &Route::Downlink), None);
    rig.ran(ids[1], Ran::Ended);
    assert_eq!(rig.run(), Some(ids[2]));
}

#[test]
fn what_waits_long_counts_as_higher_but_never_as_critical() {
    let mut rig = Rig::narrow();
    let old = rig.put("a", Low);
    rig.pass(QueueLimits::default().ageing * 2);
    let high = rig.put("b", High);
    let critical = rig.put("c", Critical);
    rig.pass(QueueLimits::default().ageing * 100);
    assert_eq!(rig.run_all(), [critical, old, high]);
}

#[test]
fn one_that_runs_is_stopped_for_a_higher_priority_and_goes_on_after_it() {
    let mut rig = Rig::narrow();
    let long = rig.put("a", Medium);
    assert_eq!(rig.run(), Some(long));
    rig.put("b", Medium);
    assert_eq!(rig.queue.stop(rig.now, long), None);
    let urgent = rig.put("b", High);
    assert_eq!(rig.queue.stop(rig.now, long), Some(Stop::Preempted));
    rig.ran(long, Ran::Stopped);
    assert_eq!(rig.run(), Some(urgent));
    assert_eq!(rig.queue.standing(long), Some(Standing::Ready));
}

#[test]
fn of_several_that_run_the_lowest_is_stopped_and_only_one() {
    let mut rig = Rig::new(QueueLimits {
        local_slots: 3,
        ..QueueLimits::default()
    });
    let [medium, low, high] = [Medium, Low, High].map(|of| rig.put("a", of));
    for _ in 0..3 {
        rig.run();
    }
    rig.put("b", Critical);
    let stops = [medium, low, high].map(|id| rig.queue.stop(rig.now, id));
    assert_eq!(stops, [None, Some(Stop::Preempted), None]);
}

// It would be next again, and stop again.
#[test]
fn one_that_has_aged_is_not_stopped_for_what_would_not_go_before_it() {
    let mut rig = Rig::narrow();
    let old = rig.put("a", Medium);
    rig.pass(QueueLimits::default().ageing);
    assert_eq!(rig.run(), Some(old));
    rig.put("a", High);
    assert_eq!(rig.queue.stop(rig.now, old), None);
}

#[test]
fn what_may_heal_is_tried_again_after_pauses_that_double_to_a_limit() {
    let mut rig = Rig::narrow();
    let limits = QueueLimits::default();
    let id = rig.put("a", Medium);
    let mut usual = limits.retry_pause;
    for _ in 0..20 {
        assert_eq!(rig.run(), Some(id));
        rig.ran(id, Ran::Retry);
        assert_eq!(rig.run(), None);
        assert_eq!(rig.queue.standing(id), Some(Standing::Waits));
        let due = rig.queue.poll_timeout().expect("it is looked at again");
        let pause = due - rig.now.monotonic;
        assert!(pause <= usual && pause >= usual * 3 / 4, "{pause:?}");
        rig.pass(pause);
        usual = (usual * 2).min(limits.retry_pause_max);
    }
}

#[test]
fn one_that_waits_for_another_try_keeps_nobody_waiting() {
    let mut rig = Rig::narrow();
    let bad = rig.put("a", Critical);
    assert_eq!(rig.run(), Some(bad));
    rig.ran(bad, Ran::Retry);
    let good = rig.put("a", Low);
    assert_eq!(rig.run(), Some(good));
}

#[test]
fn one_that_is_cancelled_is_given_up_at_once_or_when_it_has_stopped() {
    let mut rig = Rig::narrow();
    let [running, waiting] = [Medium, Medium].map(|of| rig.put("a", of));
    rig.run();
    assert!(rig.queue.cancel(rig.now, waiting));
    assert_eq!(rig.over(), Some((waiting, Stop::Cancelled)));
    assert!(rig.queue.cancel(rig.now, running));
    assert_eq!(rig.over(), None);
    assert_eq!(rig.queue.stop(rig.now, running), Some(Stop::Cancelled));
    rig.ran(running, Ran::Stopped);
    assert_eq!(rig.run(), None);
    assert_eq!(rig.over(), Some((running, Stop::Cancelled)));
    // It could not be given up yet.
    rig.ran(running, Ran::Retry);
    assert_eq!(rig.over(), None);
    rig.pass(SECOND);
    assert_eq!(rig.over(), Some((running, Stop::Cancelled)));
    rig.ran(waiting, Ran::Ended);
    rig.ran(running, Ran::Ended);
    assert!(rig.queue.is_empty() && !rig.queue.cancel(rig.now, running));
}

#[test]
fn one_on_hold_does_not_run_until_it_is_let_go() {
    let mut rig = Rig::narrow();
    let id = rig.put("a", Medium);
    rig.run();
    assert!(rig.queue.hold(rig.now, id));
    assert_eq!(rig.queue.stop(rig.now, id), Some(Stop::Held));
    rig.ran(id, Ran::Stopped);
    rig.pass(1_000 * SECOND);
    assert_eq!(rig.run(), None);
    assert!(rig.queue.release(rig.now, id));
    assert_eq!(rig.run(), Some(id));
}

#[test]
fn another_priority_has_effect() {
    let mut rig = Rig::narrow();
    let [first, second] = [Medium, Medium].map(|of| rig.put("a", of));
    assert!(rig.queue.reprioritise(rig.now, second, High));
    assert_eq!(rig.run_all(), [second, first]);
}

#[test]
fn what_is_not_delivered_in_its_time_expires_where_it_waits_and_where_it_runs() {
    for expiry in [
        Expiry::After(10 * SECOND),
        Expiry::At(YEAR_2026 + 10 * SECOND),
    ] {
        let mut rig = Rig::narrow();
        let [running, waiting] = [(); 2].map(|()| rig.put_until("a", Medium, Some(expiry)));
        rig.run();
        rig.pass(9 * SECOND);
        assert_eq!(rig.over(), None);
        assert_eq!(rig.queue.stop(rig.now, running), None);
        assert!(rig.queue.poll_timeout().expect("a deadline") <= rig.now.monotonic + SECOND);
        rig.pass(SECOND);
        assert_eq!(rig.over(), Some((waiting, Stop::Expired)));
        assert_eq!(rig.over(), None);
        assert_eq!(rig.queue.stop(rig.now, running), Some(Stop::Expired));
    }
}

#[test]
fn a_clock_that_jumps_or_is_not_believed_expires_nothing() {
    let mut rig = Rig::narrow();
    let after = rig.put_until("a", Medium, Some(Expiry::After(10 * SECOND)));
    rig.now.wall = Some(YEAR_2026 * 2);
    assert_eq!(rig.over(), None);
    rig.now.wall = None;
    let at = rig.put_until("a", Medium, Some(Expiry::At(YEAR_2026 - SECOND)));
    rig.pass(SECOND);
    assert_eq!(rig.over(), None);
    assert!(rig.queue.standing(after).is_some());
    // It comes to be right.
    rig.now.wall = Some(YEAR_2026);
    rig.pass(60 * SECOND);
    let expired: Vec<_> = std::iter::from_fn(|| rig.over()).collect();
    let both = [after, at].map(|id| (id, Stop::Expired));
    assert!(
        both.iter()
            .all(|one| expired.iter().any(|other| other == one))
    );
}

#[test]
fn after_a_restart_the_time_that_is_left_is_what_a_right_clock_says_or_all_of_it() {
    let rig = Rig::narrow();
    let expiry = Some(Expiry::After(100 * SECOND));
    let accepted_at = rig.now.wall;
    let later = |wall| Now {
        monotonic: rig.now.monotonic,
        wall,
    };
    for (wall, left) in [
        (Some(YEAR_2026 + 60 * SECOND), 40),
        (Some(YEAR_2026 + 500 * SECOND), 0),
        // Before it was accepted.
        (Some(SECOND), 100),
        (None, 100),
    ] {
        let mut rig = Rig::narrow();
        rig.now = later(wall);
        let ticket = Ticket {
            sender: app("a"),
            route: Route::Local,
            priority: Medium,
            deadline: Deadline::restored(rig.now, accepted_at, expiry),
            attempts: 0,
            held: false,
        };
        rig.queue.insert(rig.now, TransferId(1), ticket);
        rig.pass((left as u32) * SECOND);
        assert!(rig.over().is_some(), "{wall:?}");
    }
}

#[test]
fn each_sender_and_all_of_them_have_a_limit_and_some_room_is_for_critical_ones() {
    let mut rig = Rig::new(QueueLimits {
        open_max: 6,
        open_per_sender_max: 3,
        open_critical: 1,
        ..QueueLimits::default()
    });
    for _ in 0..3 {
        assert_eq!(rig.queue.room(&app("a"), Medium), Ok(()));
        rig.put("a", Medium);
    }
    let full = rig.queue.room(&app("a"), Critical).expect_err("its limit");
    assert_eq!((full.open, full.max), (3, 3));
    assert!(full.retry_after > Duration::ZERO);
    rig.put("b", Medium);
    rig.put("b", Medium);
    assert!(rig.queue.room(&app("c"), High).is_err());
    assert_eq!(rig.queue.room(&app("c"), Critical), Ok(()));
    rig.run_all();
    assert_eq!(rig.queue.room(&app("a"), Low), Ok(()));
}

/// What may happen.
#[derive(Clone, Debug)]
enum Step {
    Put {
        sender: u8,
        priority: u8,
        expires: Option<u16>,
    },
    Run,
    Ran {
        which: usize,
        ran: u8,
    },
    Cancel(usize),
    Hold(usize),
    Release(usize),
    Reprioritise(usize, u8),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_u8, 0..4_u8, proptest::option::weighted(0.3, 1..2_000_u16))
            .prop_map(|(sender, priority, expires)| Step::Put { sender, priority, expires }),
        4 => Just(Step::Run),
        4 => (any::<usize>(), 0..3_u8).prop_map(|(which, ran)| Step::Ran { which, ran }),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => any::<usize>().prop_map(Step::Hold),
        1 => any::<usize>().prop_map(Step::Release),
        1 => (any::<usize>(), 0..4_u8).prop_map(|(which, of)| Step::Reprioritise(which, of)),
        2 => (0..1_500_u16).prop_map(Step::Pass),
    ]
}

const PRIORITIES: [Priority; 4] = [Low, Medium, High, Critical];
const SLOTS: usize = 2;

/// Which were put and have not ended, and which of them run.
#[derive(Default)]
struct Model {
    open: BTreeMap<TransferId, Priority>,
    running: BTreeSet<TransferId>,
}

impl Model {
    fn pick(&self, which: usize) -> Option<TransferId> {
        let count = self.open.len();
        self.open.keys().nth(which.checked_rem(count)?).copied()
    }

    fn end(&mut self, id: TransferId) {
        assert!(self.open.remove(&id).is_some(), "{id:?} ended twice");
        self.running.remove(&id);
    }
}

proptest! {
    #[test]
    fn whatever_happens_each_runs_alone_ends_once_and_none_is_left(
        steps in proptest::collection::vec(step(), 0..200)
    ) {
        let mut rig = Rig::new(QueueLimits { local_slots: SLOTS, ..QueueLimits::default() });
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Put { sender, priority, expires } => {
                    let expiry = expires.map(|s| Expiry::After(u32::from(s) * SECOND));
                    let priority = PRIORITIES[usize::from(priority)];
                    let id = rig.put_until(&format!("app-{sender}"), priority, expiry);
                    model.open.insert(id, priority);
                }
                Step::Run => if let Some(id) = rig.run() {
                    prop_assert!(model.running.insert(id), "{id:?} runs twice");
                    prop_assert!(model.running.len() <= SLOTS);
                    // None of a higher priority is left behind that may run, but for age.
                    let left = model.open.iter().filter(|(other, _)| {
                        rig.queue.standing(**other) == Some(Standing::Ready)
                    });
                    let critical = left.filter(|(_, of)| **of == Critical).count();
                    prop_assert!(critical == 0 || model.open[&id] == Critical);
                },
                Step::Ran { which, ran } => {
                    let running: Vec<_> = model.running.iter().copied().collect();
                    if let Some(index) = which.checked_rem(running.len()) {
                        let id = running[index];
                        let ran = match ran {
                            0 => Ran::Ended,
                            1 => Ran::Retry,
                            _ => Ran::Stopped,
                        };
                        rig.ran(id, ran);
                        model.running.remove(&id);
                        if ran == Ran::Ended {
                            model.end(id);
                        }
                    }
                }
                Step::Cancel(which) => {
                    if let Some(id) = model.pick(which) {
                        rig.queue.cancel(rig.now, id);
                    }
                }
                Step::Hold(which) => if let Some(id) = model.pick(which) {
                    rig.queue.hold(rig.now, id);
                },
                Step::Release(which) => if let Some(id) = model.pick(which) {
                    rig.queue.release(rig.now, id);
                },
                Step::Reprioritise(which, of) => if let Some(id) = model.pick(which) {
                    let priority = PRIORITIES[usize::from(of)];
                    rig.queue.reprioritise(rig.now, id, priority);
                    model.open.insert(id, priority);
                },
                Step::Pass(seconds) => rig.pass(u32::from(seconds) * SECOND),
            }
            while let Some((id, _)) = rig.over() {
                prop_assert!(!model.running.contains(&id), "{id:?} runs and is over");
                rig.ran(id, Ran::Ended);
                model.end(id);
            }
            prop_assert_eq!(rig.queue.len(), model.open.len());
        }
        // Nothing is left behind.
        for id in model.open.keys() {
            rig.queue.release(rig.now, *id);
        }
        for id in std::mem::take(&mut model.running) {
            rig.ran(id, Ran::Ended);
            model.end(id);
        }
        for _ in 0..10_000 {
            while let Some((id, _)) = rig.over() {
                rig.ran(id, Ran::Ended);
                model.end(id);
            }
            match (rig.run(), rig.queue.poll_timeout()) {
                (Some(id), _) => {
                    rig.ran(id, Ran::Ended);
                    model.end(id);
                }
                (None, Some(due)) if !model.open.is_empty() => {
                    rig.pass(due.saturating_duration_since(rig.now.monotonic));
                }
                _ => break,
            }
        }
        prop_assert!(model.open.is_empty(), "left: {:?}", model.open);
        prop_assert!(rig.queue.is_empty());
        prop_assert_eq!(rig.queue.poll_timeout(), None);
    }
}

//! What goes next.

use std::collections::BTreeMap;

use oort_agent::item::{Topic, TtlParams, Uuid};
use oort_agent::queue::{Ms, Queue, Stage, Ticket};
use proptest::prelude::*;

fn id(number: u8) -> Uuid {
    Uuid::of_random([number; 16])
}

fn topic(name: &str) -> Topic {
    name.parse().unwrap()
}

fn ticket(topic_name: &str, [urgent, bulk, surplus]: [u64; 3]) -> Ticket {
    Ticket {
        topic: topic(topic_name),
        bytes: 10,
        ttl: TtlParams {
            urgent,
            bulk,
            surplus,
        },
        chosen: None,
        age: 0,
    }
}

/// All that goes, one after the other.
fn order(queue: &mut Queue) -> Vec<Uuid> {
    std::iter::from_fn(|| queue.take_next()).collect()
}

#[test]
fn urgent_goes_before_bulk_before_surplus_and_each_first_in_first_out() {
    let mut queue = Queue::default();
    for (number, ttl) in [
        (1, [0, 0, 9]),
        (2, [0, 9, 9]),
        (3, [9, 9, 9]),
        (4, [0, 9, 0]),
        (5, [9, 0, 0]),
        (6, [0, 0, 9]),
    ] {
        queue.insert(0, id(number), ticket("images", ttl));
    }
    let numbers = [3, 5, 2, 4, 1, 6].map(id);
    assert_eq!(order(&mut queue), numbers);
}

#[test]
fn each_ttl_that_is_over_moves_an_item_on_and_the_last_one_ends_it() {
    let mut queue = Queue::default();
    queue.insert(0, id(1), ticket("images", [1, 2, 3]));
    let stage_at = |queue: &mut Queue, now: Ms| {
        assert_eq!(queue.tick(now), []);
        queue.stage(id(1)).unwrap()
    };
    assert_eq!(stage_at(&mut queue, 999), Some(Stage::Urgent));
    assert_eq!(queue.next_due(), Some(1000));
    assert_eq!(stage_at(&mut queue, 1000), Some(Stage::Bulk));
    assert_eq!(stage_at(&mut queue, 2999), Some(Stage::Bulk));
    assert_eq!(stage_at(&mut queue, 3000), Some(Stage::Surplus));
    assert_eq!(stage_at(&mut queue, 5999), Some(Stage::Surplus));
    assert_eq!(queue.tick(6000), [id(1)]);
    assert_eq!(queue.stage(id(1)), None);
    assert_eq!(queue.next_due(), None);
}

#[test]
fn zero_skips_a_stage() {
    let mut queue = Queue::default();
    queue.insert(0, id(1), ticket("images", [0, 0, 5]));
    assert_eq!(queue.stage(id(1)), Some(Some(Stage::Surplus)));
    queue.insert(0, id(2), ticket("images", [1, 0, 5]));
    queue.tick(1000);
    assert_eq!(queue.stage(id(2)), Some(Some(Stage::Surplus)));
    // All three: it may go at once or never.
    assert!(!queue.insert(2000, id(3), ticket("images", [0, 0, 0])));
    assert_eq!(queue.stage(id(3)), None);
}

#[test]
fn what_moves_on_comes_last_in_the_stage_that_it_comes_to() {
    let mut queue = Queue::default();
    queue.insert(0, id(1), ticket("images", [1, 9, 9]));
    queue.insert(0, id(2), ticket("images", [0, 9, 9]));
    queue.tick(1000);
    assert_eq!(order(&mut queue), [id(2), id(1)]);
}

#[test]
fn topics_take_turns_within_a_stage() {
    let mut queue = Queue::default();
    for number in 1..=3 {
        queue.insert(0, id(number), ticket("a", [9, 9, 9]));
    }
    queue.insert(0, id(4), ticket("b", [9, 9, 9]));
    queue.insert(0, id(5), ticket("c", [0, 9, 9]));
    assert_eq!(order(&mut queue), [1, 4, 2, 3, 5].map(id));
}

#[test]
fn an_item_that_was_handed_over_before_a_restart_is_as_old_as_it_is() {
    let mut queue = Queue::default();
    let mut old = ticket("images", [1, 2, 3]);
    old.age = 1500;
    queue.insert(100, id(1), old.clone());
    assert_eq!(queue.stage(id(1)), Some(Some(Stage::Bulk)));
    queue.tick(1599);
    assert_eq!(queue.stage(id(1)), Some(Some(Stage::Bulk)));
    queue.tick(1600);
    assert_eq!(queue.stage(id(1)), Some(Some(Stage::Surplus)));
    old.age = 6000;
    queue.insert(1600, id(2), old);
    assert_eq!(queue.stage(id(2)), None);
}

#[test]
fn one_that_comes_back_stands_where_it_stood_and_one_that_expired_meanwhile_is_gone() {
    let mut queue = Queue::default();
    queue.insert(0, id(1), ticket("images", [1, 0, 0]));
    queue.insert(0, id(2), ticket("images", [9, 0, 0]));
    assert_eq!(queue.take_next(), Some(id(1)));
    assert!(queue.put_back(0, id(1)));
    assert_eq!(queue.take_next(), Some(id(1)));
    // It is out while its time is over: whoever has it is not disturbed.
    assert_eq!(queue.tick(1000), []);
    assert_eq!(queue.stage(id(1)), Some(None));
    assert!(!queue.put_back(1000, id(1)));
    assert_eq!(queue.stage(id(1)), None);
    assert_eq!(order(&mut queue), [id(2)]);
}

#[test]
fn an_item_may_be_put_in_another_stage() {
    let mut queue = Queue::default();
    queue.insert(0, id(1), ticket("images", [0, 0, 9]));
    queue.insert(0, id(2), ticket("images", [9, 9, 9]));
    assert!(queue.set_stage(0, id(1), Stage::Urgent, 1));
    assert!(queue.set_stage(0, id(2), Stage::Bulk, 5));
    assert_eq!(queue.stage(id(1)), Some(Some(Stage::Urgent)));
    queue.tick(1000);
    assert_eq!(queue.stage(id(1)), Some(Some(Stage::Surplus)));
    queue.tick(5000);
    assert_eq!(queue.stage(id(2)), Some(Some(Stage::Surplus)));
    assert!(!queue.set_stage(0, id(3), Stage::Bulk, 1));
}

#[test]
fn one_that_is_put_into_another_stage_twice_has_all_stages_behind_it() {
    let mut queue = Queue::default();
    queue.insert(0, id(1), ticket("images", [1, 2, 3]));
    queue.set_stage(0, id(1), Stage::Surplus, 3);
    queue.set_stage(0, id(1), Stage::Urgent, 1);
    queue.tick(1000);
    assert_eq!(queue.stage(id(1)), Some(Some(Stage::Bulk)));
    queue.tick(3000);
    assert_eq!(queue.stage(id(1)), Some(Some(Stage::Surplus)));
    assert_eq!(queue.tick(6000), [id(1)]);
}

#[test]
fn surplus_goes_first_where_room_is_needed_then_bulk_and_never_what_is_urgent() {
    let mut queue = Queue::default();
    queue.insert(0, id(1), ticket("a", [9, 9, 9]));
    queue.insert(0, id(2), ticket("a", [0, 9, 9]));
    queue.insert(0, id(3), ticket("a", [0, 0, 9]));
    queue.insert(0, id(4), ticket("b", [0, 0, 9]));
    assert_eq!(queue.evictable(0), []);
    assert_eq!(queue.evictable(10), [id(3)]);
    assert_eq!(queue.evictable(11), [id(3), id(4)]);
    assert_eq!(queue.evictable(30), [id(3), id(4), id(2)]);
    // Where it would not be enough, nobody has to go.
    assert_eq!(queue.evictable(31), []);
    assert_eq!(order(&mut queue)[0], id(1));
    assert_eq!(queue.evictable(10), []);
}

/// What may happen to a queue.
#[derive(Clone, Debug)]
enum Event {
    Insert(u8, [u64; 3], Ms),
    Pass(Ms),
    Next,
    PutBack(u8),
    Remove(u8),
    SetStage(u8, Stage, u64),
    /// What is known of all is written down, and is read again.
    Restart,
}

fn any_stage() -> impl Strategy<Value = Stage> {
    prop_oneof![Just(Stage::Urgent), Just(Stage::Bulk), Just(Stage::Surplus)]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..9_u8, [0..4_u64, 0..4_u64, 0..4_u64], 0..9_000_u64)
            .prop_map(|(number, ttl, age)| Event::Insert(number, ttl, age)),
        (0..3_000_u64).prop_map(Event::Pass),
        Just(Event::Next),
        (0..9_u8).prop_map(Event::PutBack),
        (0..9_u8).prop_map(Event::Remove),
        (0..9_u8, any_stage(), 0..4_u64)
            .prop_map(|(number, stage, stays)| Event::SetStage(number, stage, stays)),
        Just(Event::Restart),
    ]
}

/// The same, as simply as it can be said.
#[derive(Default)]
struct Model {
    now: Ms,
    items: BTreeMap<u8, Known>,
}

#[derive(Clone, Copy)]
struct Known {
    sent: [u64; 3],
    chosen: Option<(Stage, u64)>,
    /// When it was handed over or put into a stage, 1 000 s before time began at the earliest.
    since: u64,
    is_out: bool,
}

impl Known {
    fn age(&self, now: Ms) -> Ms {
        1_000_000 + now - self.since
    }

    /// The stage that it is in.
    fn stage(&self, now: Ms) -> Option<Stage> {
        let mut end = 0;
        Stage::ALL
            .into_iter()
            .zip(self.sent)
            .find_map(|(stage, sent)| {
                end += 1000
                    * match self.chosen {
                        Some((chosen, _)) if stage < chosen => 0,
                        Some((chosen, stays)) if stage == chosen => stays,
                        _ => sent,
                    };
                (self.age(now) < end).then_some(stage)
            })
    }
}

impl Model {
    fn forget_expired(&mut self) {
        let now = self.now;
        self.items
            .retain(|_, known| known.is_out || known.stage(now).is_some());
    }
}

proptest! {
    #[test]
    fn whatever_happens_each_item_is_in_the_stage_of_its_age_and_none_is_lost(
        events in prop::collection::vec(any_event(), 0..60)
    ) {
        let mut queue = Queue::default();
        let mut model = Model::default();
        for event in events {
            match event {
                Event::Insert(number, ttl, age) => {
                    let ticket = Ticket { age, ..ticket("t", ttl) };
                    queue.insert(model.now, id(number), ticket);
                    let since = 1_000_000 + model.now - age;
                    model.items.entry(number).or_insert(Known {
                        sent: ttl,
                        chosen: None,
                        since,
                        is_out: false,
                    });
                }
                Event::Pass(time) => {
                    model.now += time;
                    queue.tick(model.now);
                }
                Event::Next => {
                    let best = model.items.values().filter(|known| !known.is_out);
                    let best = best.filter_map(|known| known.stage(model.now)).min();
                    let next = queue.take_next();
                    prop_assert_eq!(next.is_some(), best.is_some());
                    if let Some(next) = next {
                        let number = (0..9).find(|number| id(*number) == next).unwrap();
                        prop_assert_eq!(queue.stage(next), Some(best));
                        model.items.get_mut(&number).unwrap().is_out = true;
                    }
                }
                Event::PutBack(number) => {
                    if queue.is_out(id(number)) {
                        queue.put_back(model.now, id(number));
                        model.items.get_mut(&number).unwrap().is_out = false;
                    }
                }
                Event::Remove(number) => {
                    queue.remove(id(number));
                    model.items.remove(&number);
                }
                Event::SetStage(number, stage, stays) => {
                    queue.set_stage(model.now, id(number), stage, stays);
                    if let Some(known) = model.items.get_mut(&number) {
                        known.chosen = Some((stage, stays));
                        known.since = 1_000_000 + model.now;
                    }
                }
                Event::Restart => {
                    queue = Queue::default();
                    for (number, known) in &mut model.items {
                        let chosen = known.chosen;
                        let age = known.age(model.now);
                        let ticket = Ticket { chosen, age, ..ticket("t", known.sent) };
                        queue.insert(model.now, id(*number), ticket);
                        known.is_out = false;
                    }
                }
            }
            model.forget_expired();
            prop_assert_eq!(queue.len(), model.items.len());
            for number in 0..9 {
                let known = model.items.get(&number);
                let expected = known.map(|known| known.stage(model.now));
                prop_assert_eq!(queue.stage(id(number)), expected);
            }
            let depths: usize = Stage::ALL.into_iter().map(|stage| queue.depth(stage).0).sum();
            let expired = model.items.keys().filter(|number| queue.stage(id(**number)) == Some(None));
            prop_assert_eq!(depths + expired.count(), model.items.len());
        }
    }
}

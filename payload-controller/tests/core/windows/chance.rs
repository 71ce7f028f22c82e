//! Many windows, and whatever may happen, by chance.

use std::collections::BTreeMap;
use std::time::Instant;

use payload_controller::core::*;
use proptest::prelude::*;

use super::rig::*;
use crate::rig::*;

#[derive(Clone, Debug)]
enum Happening {
    Pass(u64),
    Schedule {
        start: u64,
        duration: u64,
        radar: bool,
    },
    Again(usize),
    Cancel(usize),
    Kill(u64),
    Jump(i64),
    Unset(u64),
    Part(usize, u8, u64),
    Call(u8, u8, u64),
    Battery(bool),
    Devices(bool),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0_u64..400).prop_map(Happening::Pass),
        4 => (130_u64..2000, 1_u64..500, any::<bool>())
            .prop_map(|(start, duration, radar)| Happening::Schedule { start, duration, radar }),
        1 => (0_usize..20).prop_map(Happening::Again),
        1 => (0_usize..20).prop_map(Happening::Cancel),
        3 => (0_u64..300).prop_map(Happening::Kill),
        1 => (-2000_i64..2000).prop_map(Happening::Jump),
        1 => (0_u64..100).prop_map(Happening::Unset),
        2 => (0_usize..5, 0_u8..3, 0_u64..80).prop_map(|(p, r, s)| Happening::Part(p, r, s)),
        2 => (0_u8..3, 0_u8..7, 0_u64..40).prop_map(|(c, r, s)| Happening::Call(c, r, s)),
        1 => any::<bool>().prop_map(Happening::Battery),
        1 => any::<bool>().prop_map(Happening::Devices),
    ]
}

const PARTS: [Part; 5] = [
    Part::Reach,
    Part::Clock,
    Part::Config,
    Part::Uploads,
    Part::End,
];
const STEPS: [Step; 3] = [Step::Configure, Step::Start, Step::Stop];

/// The last word of each window, which never changes once it is said.
#[derive(Default)]
struct Ends(BTreeMap<WindowId, (WindowState, String)>);

impl Ends {
    fn look(&mut self, field: &Field) {
        for window in field.world.controller.windows(usize::MAX, |_| true) {
            if !window.state.has_ended() {
                assert!(!self.0.contains_key(&window.order.id), "{window:?}");
                continue;
            }
            let end = (window.state, window.reason);
            let known = self.0.entry(window.order.id).or_insert_with(|| end.clone());
            assert_eq!(*known, end);
        }
    }
}

fn happens(field: &mut Field, orders: &mut Vec<WindowOrder>, happening: Happening) {
    match happening {
        Happening::Pass(seconds) => field.pass(seconds),
        Happening::Schedule {
            start,
            duration,
            radar,
        } => {
            let id = orders.len().to_string();
            let mut order = Field::order(&id, 0, duration);
            order.start_s = field.world.now.wall.as_secs() + start;
            if radar {
                order.payload = name("radar");
            }
            if field.schedule(order.clone()).is_ok() {
                orders.push(order);
            }
        }
        Happening::Again(which) => {
            if let Some(order) = orders.get(which).cloned() {
                assert_eq!(field.schedule(order), Ok(Done::Accepted));
            }
        }
        Happening::Cancel(which) => drop(field.cancel(&which.to_string())),
        Happening::Kill(after) => field.kill(after),
        Happening::Jump(seconds) => field.jump(seconds),
        Happening::Unset(seconds) => {
            let wall = field.world.now.wall;
            field.world.now.wall = secs(seconds);
            field.pass(30);
            field.world.now.wall = wall + secs(30);
        }
        Happening::Part(part, result, after) => {
            let result = match result {
                0 => Ok(()),
                1 => Err(Setback::for_now("not now")),
                _ => Err(Setback::for_good("never")),
            };
            field.parts.insert(PARTS[part], (result, after));
        }
        Happening::Call(step, result, after) => {
            let manner = match result {
                0 => Some((done(), after)),
                1 => Some((failed(2), after)),
                2 => Some((end(StepOutcome::TimedOut, None), after)),
                3 => Some((end(StepOutcome::Unknown, None), after)),
                4 => None,
                _ => {
                    field.calls.remove(&STEPS[usize::from(step)]);
                    return;
                }
            };
            field.calls.insert(STEPS[usize::from(step)], manner);
        }
        Happening::Battery(is_full) => {
            field
                .world
                .bus
                .battery(Some(if is_full { 8.0 } else { 6.0 }));
        }
        Happening::Devices(obey) => field.world.devices_obey = obey,
    }
}

fn two() -> Vec<SignalledRules> {
    let mut radar = signalled("radar", SignalVersion::V2);
    radar.is_remote = true;
    radar.sets_clock = true;
    radar.has_stop = true;
    radar.on_configure_failure = OnConfigureFailure::Start;
    let mut camera = signalled("camera", SignalVersion::V1);
    camera.has_inbox = true;
    vec![camera, radar]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// That no call is made twice is looked after by the rig.
    #[test]
    fn whatever_happens_no_window_starts_twice_each_has_one_end_and_power_goes_off(
        happenings in prop::collection::vec(happening(), 1..60)
    ) {
        let mut field = Field::new(two());
        let mut orders = Vec::new();
        let mut ends = Ends::default();
        for happening in happenings {
            happens(&mut field, &mut orders, happening);
            ends.look(&field);
        }
        // All is well from here on.
        field.world.devices_obey = true;
        field.world.bus.battery(Some(8.0));
        field.parts.clear();
        field.calls.clear();
        field.pass(20_000);
        ends.look(&field);
        prop_assert_eq!(ends.0.len(), orders.len(), "each window has its end");
        prop_assert!(!field.is_on(), "the power is off");
        let view: Vec<_> = field.world.controller.signalled().collect();
        prop_assert!(view.iter().all(|view| view.windows.keys().all(|state| state.has_ended())));
        // Nothing is left to be done.
        prop_assert_eq!(field.world.controller.deadline(), None);
    }
}

/// Ten days with a window each ten minutes, and a controller that is killed each hour.
#[test]
fn a_mission_of_many_windows_passes_in_seconds_and_each_has_one_end() {
    let began = Instant::now();
    let mut field = Field::new(two());
    let mut ends = Ends::default();
    let windows = 10 * 24 * 6;
    for number in 0..windows {
        let start = 600 * (number + 1);
        field.window(&number.to_string(), start, 300);
        field.pass_until(start + 299);
        if number % 6 == 3 {
            field.kill(7);
        }
        ends.look(&field);
    }
    field.pass(1000);
    ends.look(&field);
    println!("{windows} windows in {:?}", began.elapsed());
    assert_eq!(ends.0.len() as u64, windows);
    let executed = |end: &&(WindowState, String)| end.0 == WindowState::Executed;
    assert_eq!(ends.0.values().filter(executed).count() as u64, windows);
    let starts = field
        .deeds()
        .into_iter()
        .filter(|deed| deed.starts_with("start "));
    assert_eq!(starts.count() as u64, windows);
    assert!(!field.is_on());
}

//! Seeds hold; one that does not says how to see it again, and that is true.

use std::time::Duration;

use heliograph_simulation::{Crash, Deed, Failure, Scenario, play, run, trace};

#[test]
fn three_hundred_seeds_hold() {
    let (mut frames, mut lost, mut reboots) = (0, 0, 0);
    let (mut answered, mut refused, mut forgotten) = (0, 0, 0);
    for seed in 0..300 {
        let run = run(seed).unwrap_or_else(|failure| panic!("{failure}"));
        frames += run.frames;
        lost += run.frames_lost;
        reboots += run.reboots;
        answered += run.outcomes.answered;
        refused += run.outcomes.refused;
        forgotten += run.outcomes.lost_to_reboot;
    }
    // They are worth something: there was traffic, and trouble.
    assert!(frames > 5_000, "{frames}");
    assert!(lost > 200, "{lost}");
    assert!(reboots > 50, "{reboots}");
    assert!(answered > 500, "{answered}");
    assert!(refused > 50, "{refused}");
    assert!(forgotten > 10, "{forgotten}");
}

/// Keys told after later ones were asked for (49), a number told that was on its way
/// (352), a forged or unsaved retry (3510), answers larger than a message (1211, 2112),
/// a ground that lost power (1026, 2008).
#[test]
fn seeds_that_found_a_defect_once_hold() {
    for seed in [49, 352, 1026, 1211, 2008, 2112, 3510] {
        run(seed).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn a_seed_gives_the_same_run_to_the_last_octet_and_another_does_not() {
    let first = run(7).unwrap();
    assert_eq!(first, run(7).unwrap());
    assert_ne!(first.trace, run(8).unwrap().trace);
}

/// Demands of a scenario what its channel does not give.
fn demanding(seed: u64) -> Result<(), Box<Failure>> {
    let mut scenario = Scenario::of(seed);
    scenario.loses_nothing = true;
    play(&scenario).map(drop)
}

#[test]
fn the_seed_that_a_failing_run_prints_reproduces_it() {
    let failure = (0..100)
        .find_map(|seed| demanding(seed).err())
        .expect("some channel loses");
    let printed = failure.to_string();
    let seed = printed
        .split("--seed ")
        .nth(1)
        .expect("a command to see it again");
    let again = demanding(seed.trim().parse().expect("a seed")).expect_err("the same failure");
    assert_eq!(again.to_string(), printed);
}

/// Without a memory for commands, a retry runs a mutation again.
#[test]
fn a_mutation_that_runs_twice_is_seen() {
    let twice = (0..300).find_map(|seed| {
        let mut scenario = Scenario::of(seed);
        scenario.demands.at_most_once = true;
        play(&scenario).err()
    });
    let twice = twice.expect("some retry").to_string();
    assert!(twice.contains(" was run "), "{twice}");
}

/// A computer that is off for longer than anybody asks is a lock-out.
#[test]
fn a_satellite_that_does_not_come_back_is_seen() {
    let mut scenario = faulty();
    scenario.satellite_crashes = vec![Crash {
        after_calls: 1,
        off: Duration::from_secs(20 * 3600),
    }];
    let failure = play(&scenario).expect_err("nobody answers").to_string();
    assert!(failure.contains("a lock-out"), "{failure}");
}

#[test]
fn the_trace_of_a_seed_tells_what_happened() {
    let scenario = faulty();
    let (run, lines) = trace(&scenario);
    assert_eq!(run, play(&scenario), "looking on changes nothing");
    for event in ["ground: command", "heard", "nothing goes wrong any more"] {
        assert!(lines.iter().any(|line| line.contains(event)), "{event}");
    }
}

/// The first scenario in which anything can go wrong, and apps and operators do
/// something.
fn faulty() -> Scenario {
    let is_worth_it = |scenario: &Scenario| {
        let asks = |deed: &Deed| matches!(deed, Deed::Query(_));
        !scenario.plan.calm_from.is_zero() && scenario.deeds.iter().any(|(_, deed)| asks(deed))
    };
    (0..100)
        .map(Scenario::of)
        .find(is_worth_it)
        .expect("one of a hundred")
}

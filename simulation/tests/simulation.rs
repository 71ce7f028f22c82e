//! Seeds hold; one that does not says how to see it again, and that is true.

use heliograph_simulation::{Failure, Scenario, play, run};

#[test]
fn three_hundred_seeds_hold() {
    let (mut frames, mut lost) = (0, 0);
    for seed in 0..300 {
        let run = run(seed).unwrap_or_else(|failure| panic!("{failure}"));
        frames += run.frames;
        lost += run.frames_lost;
    }
    // They are worth something: there was traffic, and trouble.
    assert!(frames > 5_000, "{frames}");
    assert!(lost > 200, "{lost}");
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

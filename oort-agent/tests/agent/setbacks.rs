//! What does not go as it is to: a link service that is away, takes nothing or brings nothing
//! down, and what it did while the agent was down.

use oort_agent::item::Uuid;
use oort_agent::pump::Standing;

use crate::link::{Link, pump, rounds};
use crate::rig::{NOW, Rig, Site, settings, words};

#[test]
fn what_did_not_go_down_goes_again_but_for_what_is_not_to_be_repeated() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let again = rig.take(&site.file("a", b"a"), [99, 9, 9]);
    let mut words = words([99, 9, 9]);
    words.options.reliable = false;
    let once = rig.agent.send_file(&site.file("b", b"b"), words).unwrap();
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    for id in [again, once] {
        link.is(
            &id.to_string(),
            Standing::Failed("LINK_ERROR: lost".to_owned()),
        );
    }
    rounds(&mut pump, 1);
    rig.later(5);
    rounds(&mut pump, 1);
    assert_eq!([again, once].map(|id| rig.state(id)), ["out", "failed"]);
    assert_eq!(link.came().last(), Some(&format!("{again}-2")));
    assert!(
        rig.agent
            .status(once)
            .unwrap()
            .reason
            .contains("LINK_ERROR")
    );
    assert_eq!(site.names("dead").len(), 2);
    drop((pump, rig));
    // The number of tries is known after a restart.
    link.is(
        &format!("{again}-2"),
        Standing::Failed("LINK_ERROR: lost".to_owned()),
    );
    let rig = site.start();
    let mut pump = self::pump(&rig, &link);
    rounds(&mut pump, 1);
    assert_eq!(link.came().last(), Some(&format!("{again}-3")));
}

#[test]
fn what_is_not_to_be_repeated_is_not_after_a_restart_either() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let mut words = words([99, 9, 9]);
    words.options.reliable = false;
    let id = rig.agent.send_file(&site.file("a", b"a"), words).unwrap();
    pump(&rig, &link).round().unwrap();
    drop(rig);
    let lost = Standing::Failed("LINK_ERROR: lost".to_owned());
    link.is(&id.to_string(), lost);
    let rig = site.start();
    rounds(&mut pump(&rig, &link), 2);
    assert_eq!((rig.state(id), link.came().len()), ("failed", 1));
    assert!(rig.agent.status(id).unwrap().reason.contains("LINK_ERROR"));
    assert_eq!(link.bundles(), Vec::<String>::new());
}

/// An agent that is up again after the last time of an item that was out.
fn late(site: &Site, standing: Standing) -> (Rig, Link, Uuid) {
    let (rig, link) = (site.start(), Link::of(site));
    let id = rig.take(&site.file("a", b"a"), [9, 9, 9]);
    pump(&rig, &link).round().unwrap();
    drop(rig);
    link.is(&id.to_string(), standing);
    let rig = site.start_at(site.store(), settings(), NOW + 27, None);
    (rig, link, id)
}

#[test]
fn what_expired_while_the_agent_was_down_and_is_still_out_is_cancelled_and_then_expires() {
    let site = Site::new();
    let (rig, link, id) = late(&site, Standing::Open);
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    rig.later(0);
    assert_eq!(link.0.lock().unwrap().cancelled, [id.to_string()]);
    rounds(&mut pump, 1);
    assert_eq!(rig.state(id), "expired");
    assert_eq!(link.bundles(), Vec::<String>::new());
    assert_eq!(site.names("transfers"), Vec::<String>::new());
}

#[test]
fn what_went_down_and_expired_while_the_agent_was_down_is_delivered() {
    let site = Site::new();
    let (rig, link, id) = late(&site, Standing::Done);
    let mut pump = pump(&rig, &link);
    link.0.lock().unwrap().is_away = true;
    rig.later(9);
    assert!(pump.round().is_err());
    link.0.lock().unwrap().is_away = false;
    rounds(&mut pump, 1);
    assert_eq!(rig.state(id), "delivered");
}

#[test]
fn what_expired_while_the_agent_was_down_does_so_where_the_link_service_stays_away() {
    let site = Site::new();
    let (rig, link, id) = late(&site, Standing::Open);
    let mut pump = pump(&rig, &link);
    link.0.lock().unwrap().is_away = true;
    rig.later(599);
    assert_eq!(rig.state(id), "waiting");
    rig.later(1);
    assert_eq!(rig.state(id), "expired");
    link.0.lock().unwrap().is_away = false;
    rounds(&mut pump, 2);
    assert_eq!(link.0.lock().unwrap().cancelled, [id.to_string()]);
}

#[test]
fn while_the_link_service_is_away_all_waits_and_then_goes_on() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let id = rig.take(&site.file("a", b"abc"), [9, 9, 9]);
    let mut pump = pump(&rig, &link);
    link.0.lock().unwrap().is_away = true;
    assert!(pump.round().is_err());
    assert_eq!(rig.state(id), "waiting");
    link.0.lock().unwrap().is_away = false;
    rounds(&mut pump, 1);
    assert_eq!(rig.state(id), "out");
    link.0.lock().unwrap().is_away = true;
    assert!(pump.round().is_err());
    rig.agent.cancel(id).unwrap();
    assert!(pump.round().is_err());
    link.0.lock().unwrap().is_away = false;
    rounds(&mut pump, 2);
    assert_eq!(link.0.lock().unwrap().cancelled, [id.to_string()]);
}

/// One of that topic.
fn take_of(rig: &Rig, site: &Site, topic: &str, ttl: [u64; 3]) -> Uuid {
    let mut words = words(ttl);
    words.topic = topic.to_owned();
    rig.agent.send_file(&site.file("a", b"a"), words).unwrap()
}

#[test]
fn what_the_link_service_does_not_take_holds_up_no_other_and_goes_when_it_is_taken() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    link.0.lock().unwrap().refused = Some("bad");
    // As many as are tried in a round, and more.
    let bad = [0; 20].map(|_| take_of(&rig, &site, "bad", [9_000, 9, 9]));
    let good = take_of(&rig, &site, "good", [0, 9_000, 9]);
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    assert_eq!(link.came(), [good.to_string()]);
    assert_eq!(rig.state(bad[0]), "waiting");
    // Nothing of what is refused is left in the outbox.
    assert_eq!(link.bundles().len(), 1);
    link.is(&good.to_string(), Standing::Done);
    link.0.lock().unwrap().refused = None;
    rig.later(60);
    rounds(&mut pump, 1);
    assert_eq!(link.came()[1..], [bad[0], bad[1]].map(|id| id.to_string()));
}

#[test]
fn what_is_refused_is_asked_for_more_and_more_seldom() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    link.0.lock().unwrap().refused = Some("bad");
    let id = take_of(&rig, &site, "bad", [9_000, 0, 0]);
    let mut pump = pump(&rig, &link);
    // Pauses of 5 s and 10 s, and the third one of 20 s.
    for seconds in [0, 5, 10] {
        rig.later(seconds);
        rounds(&mut pump, 1);
    }
    link.0.lock().unwrap().refused = None;
    rig.later(19);
    rounds(&mut pump, 3);
    assert_eq!(rig.state(id), "waiting");
    rig.later(1);
    rounds(&mut pump, 1);
    assert_eq!(link.came(), [id.to_string()]);
}

#[test]
fn what_does_not_go_down_holds_up_no_other() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let ids = [0; 3].map(|_| rig.take(&site.file("a", b"a"), [99, 9, 9]).to_string());
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    link.is(&ids[0], Standing::Failed("LINK_ERROR: lost".to_owned()));
    rounds(&mut pump, 1);
    assert_eq!(link.came(), ids);
}

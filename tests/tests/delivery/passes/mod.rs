//! Some hundred files wait on board for passes that are too short for them, over a channel that
//! loses a twentieth of all frames; spacecraft and ground are killed. Each file is in its bucket
//! once.

mod load;
mod mission;

use std::collections::{BTreeMap, BTreeSet};
use std::env;

use link_client::LinkClient;
use serde_json::Value;

use crate::buckets::{Buckets, Found};
use crate::site::files;
use load::Class;
use mission::{Mission, until};

const IMAGES: &str = "s3://images";
const OTHERS: &str = "s3://mission/all";
/// Shares of all files with which the signal is lost, in hundredths.
const LOSSES_OF_SIGNAL: [usize; 4] = [20, 40, 60, 80];
/// So many are to be in the test; a soak says another number.
const FILES: usize = 200;
const FILES_OF_SOAK: &str = "HELIOGRAPH_SOAK_FILES";

/// A file that was handed over.
struct Sent {
    /// Its place among all of them.
    number: usize,
    topic: &'static str,
    class: Class,
    sha256: String,
    token: String,
}

#[test]
fn each_file_is_in_its_bucket_once_whatever_passes_loss_and_reboots_there_are() {
    let count = env::var(FILES_OF_SOAK).map_or(FILES, |count| count.parse().unwrap());
    let buckets = Buckets::start(&["images", "mission"]);
    let mut mission = Mission::start(&buckets);
    let (sent, first) = hand_over(&mission, count);
    for (pass, share) in LOSSES_OF_SIGNAL.into_iter().enumerate() {
        mission.aos();
        let wanted = count * share / 100;
        if pass == 1 {
            mission.wait_for_deliveries(wanted - count / 10);
            mission.lose_the_ground();
        }
        mission.wait_for_deliveries(wanted);
        mission.los_amid_a_file();
        until("the pass has its manifest", || {
            (manifests(&buckets).len() > pass).then_some(())
        });
        if pass == 0 {
            mission.lose_the_spacecraft();
        }
    }
    mission.aos();
    let arrive: BTreeSet<&String> = ids(&sent, |of| of.class.stage.is_some());
    until("all receipts are on board", || {
        (mission.in_state("delivered").len() == arrive.len()).then_some(())
    });
    is_gone_on_board(&mission, &ids(&sent, |of| of.class.stage.is_none()));
    until("the ground is rid of all of it", || {
        files(&mission.site.path("ground")).is_empty().then_some(())
    });
    mission.los();

    let receipts = mission.site.receipts(arrive.iter().copied());
    assert_eq!(receipts.len(), arrive.len());
    let found = [IMAGES, OTHERS].map(|url| (url, buckets.list(url)));
    let delivered = delivered(&found);
    assert_eq!(delivered.keys().copied().collect::<BTreeSet<_>>(), arrive);
    for (id, (url, object)) in &delivered {
        let (of, receipt) = (&sent[*id], &receipts[*id]);
        assert_eq!(*url, if of.topic == "images" { IMAGES } else { OTHERS });
        assert_eq!(object.says["topic"], of.topic);
        assert_eq!(object.says["token"], of.token);
        assert_eq!(sha256(&object.octets), of.sha256, "{id}");
        assert_eq!(
            (&object.says["sha256"], &receipt.sha256),
            (&of.sha256, &of.sha256)
        );
        assert_eq!((&*receipt.bucket, &receipt.key), (*url, &object.key));
    }
    is_listed_once(&buckets, &arrive);
    is_in_order(&mission, &sent, &first);
    mission.say_what_it_took(count);
}

fn ids(sent: &BTreeMap<String, Sent>, which: impl Fn(&Sent) -> bool) -> BTreeSet<&String> {
    let those = sent.iter().filter(|(_, of)| which(of));
    those.map(|(id, _)| id).collect()
}

/// Hands all over while there is no contact, and waits until their times have moved them on:
/// what there is, and what the link service has of it already.
fn hand_over(mission: &Mission, count: usize) -> (BTreeMap<String, Sent>, BTreeSet<String>) {
    let mut sent = BTreeMap::new();
    for file in load::files(count) {
        let options = file.options();
        let site = &mission.site;
        let id = site.hand_over_with(&file.name, file.topic, &file.octets, &options);
        let of = Sent {
            number: sent.len(),
            topic: file.topic,
            class: file.class,
            sha256: sha256(&file.octets),
            token: file.name,
        };
        assert!(sent.insert(id, of).is_none());
    }
    let first = until("each is in the stage of its times", || {
        let items = mission.items();
        let is_settled = |(id, item): (&String, &Value)| match sent[id].class.stage {
            Some(stage) => item["stage"] == stage,
            None => item["state"] == "expired",
        };
        items.iter().all(is_settled).then_some(())?;
        let is_out = |item: &Value| item["state"] == "out";
        let out = items.into_iter().filter(|(_, item)| is_out(item));
        Some(out.map(|(id, _)| id).collect())
    });
    assert!(mission.in_state("delivered").is_empty());
    (sent, first)
}

/// What is in the buckets and is no manifest: by its identifier, each once.
fn delivered<'f>(
    found: &'f [(&'f str, Vec<Found>); 2],
) -> BTreeMap<&'f String, (&'f str, &'f Found)> {
    let mut delivered = BTreeMap::new();
    for (url, objects) in found {
        for object in objects.iter().filter(|of| of.says["topic"] != "manifest") {
            let twice = delivered.insert(&object.says["uuid"], (*url, object));
            assert!(twice.is_none(), "{}", object.key);
        }
    }
    delivered
}

fn manifests(buckets: &Buckets) -> Vec<Value> {
    let found = buckets.list(OTHERS).into_iter();
    let manifests = found.filter(|of| of.says["topic"] == "manifest");
    manifests
        .map(|manifest| serde_json::from_slice(&manifest.octets).unwrap())
        .collect()
}

/// Each is in one manifest, once.
fn is_listed_once(buckets: &Buckets, arrive: &BTreeSet<&String>) {
    let listed = until("the last manifest is there", || {
        let mut listed = Vec::new();
        for manifest in manifests(buckets) {
            let files = manifest["files"].as_array().unwrap();
            listed.extend(
                files
                    .iter()
                    .map(|file| file["uuid"].as_str().unwrap().to_owned()),
            );
        }
        (listed.len() >= arrive.len()).then_some(listed)
    });
    assert_eq!(listed.len(), arrive.len());
    assert_eq!(listed.iter().collect::<BTreeSet<_>>(), *arrive);
}

/// In the order in which the link service was asked, what is urgent comes before what is bulk
/// before what is surplus, and what was never moved on is first in, first out in its topic. What
/// the link service had before all had been handed over, is in no order.
fn is_in_order(mission: &Mission, sent: &BTreeMap<String, Sent>, first: &BTreeSet<String>) {
    let client = LinkClient::connect(mission.site.path("apps/oort/link.sock"));
    let asked = client.list(false).unwrap();
    // Those that were tried again have another tracking id then.
    let asked = asked.iter().map(|link| &link.tracking_id);
    let asked: Vec<&String> = asked
        .filter(|id| sent.contains_key(*id) && !first.contains(*id))
        .collect();
    let expected: usize = ids(sent, |of| of.class.stage.is_some()).len();
    let early = first.iter().filter(|id| sent[*id].class.stage.is_some());
    assert_eq!(asked.len(), expected - early.count());
    let of = |id: &String| sent[id].class.stage.unwrap();
    let rank = |id: &String| {
        ["urgent", "bulk", "surplus"]
            .iter()
            .position(|it| *it == of(id))
    };
    let stages: Vec<&str> = asked.iter().map(|id| of(id)).collect();
    assert!(asked.is_sorted_by_key(|id| rank(id)), "{stages:?}");
    let mut last = BTreeMap::new();
    for id in asked.iter().filter(|id| !sent[**id].class.is_demoted) {
        let place = sent[*id].number;
        let before = last.insert((sent[*id].topic, sent[*id].class.name), place);
        assert!(before < Some(place), "{id}: {before:?} before {place}");
    }
}

/// Sources and what was queued are gone, and what was to expire has.
fn is_gone_on_board(mission: &Mission, expire: &BTreeSet<&String>) {
    let expired = mission.in_state("expired");
    assert_eq!(expired.iter().collect::<BTreeSet<_>>(), *expire);
    for folder in ["payload", "work/transfers", "apps/oort/outbox"] {
        until("nothing is left", || {
            let left = files(&mission.site.path(folder));
            // Of the service's own.
            let mut left = left.into_keys().filter(|name| !name.starts_with('.'));
            left.next().is_none().then_some(())
        });
    }
}

fn sha256(octets: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(Sha256::digest(octets))
}

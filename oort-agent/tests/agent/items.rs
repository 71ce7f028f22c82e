//! How an item stands, and what may be done about it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use delivery_receipt::{Receipt, SigningKey};
use oort_agent::agent::{AgentSettings, End};
use oort_agent::item::Uuid;
use oort_agent::queue::Stage;
use serde_json::{Value, json};

use crate::rig::{Answer, NOW, Rig, Site, settings, words};

/// What a collector does.
fn collect(site: &Site, id: Uuid) {
    for suffix in ["data", "meta"] {
        let name = format!("{id}.{suffix}.oort");
        let from = site.work.join("transfers").join(&name);
        fs::rename(from, site.payload.join(&name)).unwrap();
    }
}

fn status(rig: &Rig, id: Uuid) -> Value {
    rig.get(&format!("/sdk/v2/files/{id}")).body
}

#[test]
fn an_item_goes_through_its_stages_by_its_times_and_expires() {
    let site = Site::new();
    let rig = site.start();
    let id = rig.take(&site.file("a", b"abc"), [10, 20, 30]);
    let said = status(&rig, id);
    assert_eq!(
        (&said["state"], &said["stage"]),
        (&json!("waiting"), &json!("urgent"))
    );
    assert_eq!(said["stage_until"], NOW + 10);
    assert_eq!(
        (&said["size"], &said["handed_over"]),
        (&json!(3), &json!(NOW))
    );
    rig.later(10);
    assert_eq!(status(&rig, id)["stage"], "bulk");
    rig.later(20);
    assert_eq!(status(&rig, id)["stage"], "surplus");
    rig.later(30);
    let said = status(&rig, id);
    assert_eq!(
        (&said["state"], &said["ended"]),
        (&json!("expired"), &json!(NOW + 60))
    );
    assert_eq!(site.names("transfers"), Vec::<String>::new());
}

#[test]
fn after_a_restart_an_item_is_as_old_as_it_is() {
    let site = Site::new();
    let rig = site.start();
    let id = rig.take(&site.file("a", b"abc"), [10, 20, 30]);
    drop(rig);
    let rig = site.start_at(site.store(), settings(), NOW + 15, None);
    assert_eq!(status(&rig, id)["stage"], "bulk");
    drop(rig);
    // A clock that was never set says nothing: no item expires by it.
    let rig = site.start_at(site.store(), settings(), 9, None);
    assert_eq!(status(&rig, id)["stage"], "urgent");
    drop(rig);
    let rig = site.start_at(site.store(), settings(), NOW + 60, None);
    rig.later(0);
    assert_eq!(rig.state(id), "expired");
}

#[test]
fn items_of_one_second_are_first_in_first_out_after_a_restart_too() {
    let site = Site::new();
    let rig = site.start();
    let ids = (0..30).map(|number: u8| {
        let name = number.to_string();
        let id = rig.take(&site.file(&name, &name), [9, 9, 9]);
        // The clock of files goes on in steps.
        std::thread::sleep(std::time::Duration::from_millis(5));
        id
    });
    let ids: Vec<Uuid> = ids.collect();
    drop(rig);
    let rig = site.start();
    let order = std::iter::from_fn(|| rig.agent.next_out());
    let order: Vec<Uuid> = order.map(|item| item.meta.file_info.id).collect();
    assert_eq!(order, ids);
}

#[test]
fn what_somebody_renames_out_of_transfers_is_collected() {
    let site = Site::new();
    let rig = site.start();
    let id = rig.take(&site.file("a", b"a"), [9, 9, 9]);
    let other = rig.take(&site.file("b", b"b"), [9, 9, 9]);
    collect(&site, id);
    // Nothing has to be waited for.
    assert_eq!(rig.state(id), "collected");
    let half = site.work.join(format!("transfers/{other}.data.oort"));
    fs::rename(half, site.payload.join("half")).unwrap();
    rig.agent.tick();
    assert_eq!(rig.state(other), "collected");
    assert_eq!(rig.agent.queued_ids(), []);
}

#[test]
fn a_cancelled_item_is_gone_and_one_that_has_ended_cannot_be_cancelled() {
    let site = Site::new();
    let rig = site.start();
    let id = rig.take(&site.file("a", b"a"), [9, 9, 9]);
    let path = format!("/sdk/v2/files/{id}/cancel");
    let answer = rig.post_octets(&path, b"", &[]);
    assert_eq!(
        (answer.status, &answer.body["state"]),
        (200, &json!("cancelled"))
    );
    assert_eq!(site.names("transfers"), Vec::<String>::new());
    rig.post_octets(&path, b"", &[])
        .is_refused(409, "has ended: cancelled");
    let unknown = Uuid::of_random([9; 16]);
    rig.post_octets(&format!("/sdk/v2/files/{unknown}/cancel"), b"", &[])
        .is_refused(404, "no item");
    rig.get("/sdk/v2/files/..%2Fx").is_refused(404, "no item");
}

#[test]
fn a_stage_that_was_chosen_holds_after_a_restart_too() {
    let site = Site::new();
    let rig = site.start();
    let id = rig.take(&site.file("a", b"a"), [0, 20, 30]);
    let path = format!("/sdk/v2/files/{id}/priority");
    let answer = rig.post(&path, &json!({"stage": "urgent"}));
    assert_eq!(
        (answer.status, &answer.body["stage"]),
        (200, &json!("urgent"))
    );
    assert_eq!(answer.body["stage_until"], NOW + 9000);
    rig.post(&path, &json!({"stage": "soon"}))
        .is_refused(400, "Bad request");
    drop(rig);
    let rig = site.start_at(site.store(), settings(), NOW + 8999, None);
    assert_eq!(status(&rig, id)["stage"], "urgent");
    rig.later(1);
    assert_eq!(status(&rig, id)["stage"], "bulk");
    rig.later(20);
    assert_eq!(status(&rig, id)["stage"], "surplus");
}

#[test]
fn a_stage_that_was_chosen_twice_is_followed_by_the_same_before_and_after_a_restart() {
    for restarts in [false, true] {
        let site = Site::new();
        let mut rig = site.start();
        let id = rig.take(&site.file("a", b"a"), [10, 20, 30]);
        rig.agent.set_stage(id, Stage::Surplus).unwrap();
        if restarts {
            drop(rig);
            rig = site.start();
        }
        rig.agent.set_stage(id, Stage::Urgent).unwrap();
        if restarts {
            drop(rig);
            rig = site.start();
        }
        let mut stages = Vec::new();
        for seconds in [0, 10, 20, 29] {
            rig.later(seconds);
            stages.push(rig.agent.status(id).unwrap().stage);
        }
        let wanted = [Stage::Urgent, Stage::Bulk, Stage::Surplus, Stage::Surplus];
        assert_eq!(stages, wanted.map(Some));
        rig.later(1);
        assert_eq!(rig.state(id), "expired");
    }
}

#[test]
fn what_has_ended_is_remembered_after_a_restart_and_what_was_put_back_is_queued_again() {
    let site = Site::new();
    let rig = site.start();
    let [a, b, c] = ["a", "b", "c"].map(|name| rig.take(&site.file(name, name), [9, 9, 9]));
    collect(&site, a);
    rig.agent.cancel(b).unwrap();
    rig.agent.tick();
    // As if the power had been cut before its files were removed.
    fs::write(site.work.join(format!("transfers/{b}.data.oort")), b"b").unwrap();
    let meta = rig.agent.store().meta(c).unwrap();
    let mut of_b = meta.clone();
    of_b.file_info.id = b;
    let path = site.work.join(format!("transfers/{b}.meta.oort"));
    fs::write(path, serde_json::to_vec(&of_b).unwrap()).unwrap();
    drop(rig);
    let rig = site.start();
    assert_eq!(
        [a, b, c].map(|id| rig.state(id)),
        ["collected", "cancelled", "waiting"]
    );
    assert_eq!(site.names("transfers").len(), 2);
    for suffix in ["data", "meta"] {
        let name = format!("{a}.{suffix}.oort");
        fs::rename(
            site.payload.join(&name),
            site.work.join("transfers").join(&name),
        )
        .unwrap();
    }
    drop(rig);
    let rig = site.start();
    assert_eq!(rig.state(a), "waiting");
}

#[test]
fn a_list_has_pages_that_name_each_item_once() {
    let site = Site::new();
    let rig = site.start();
    let mut wanted = BTreeSet::new();
    for number in 0..25 {
        let name = number.to_string();
        let id = rig.take(&site.file(&name, &name), [9, 9, 9]);
        if number % 3 == 0 {
            rig.agent.cancel(id).unwrap();
        }
        wanted.insert(id.to_string());
    }
    let pages = |filter: &str| {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = rig
                .get(&format!("/sdk/v2/files?limit=4{filter}{cursor}"))
                .body;
            let files = page["files"].as_array().unwrap();
            assert!(files.len() <= 4);
            found.extend(
                files
                    .iter()
                    .map(|file| file["uuid"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    };
    let all = pages("");
    assert_eq!(all.len(), 25);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(pages("&state=cancelled").len(), 9);
    assert_eq!(pages("&state=waiting&topic=images").len(), 16);
    assert_eq!(pages("&topic=logs").len(), 0);
    for bad in [
        "?state=lost",
        "?limit=0",
        "?cursor=x",
        "?page=1",
        "?topic=a.b",
    ] {
        assert_eq!(rig.get(&format!("/sdk/v2/files{bad}")).status, 400, "{bad}");
    }
}

#[test]
fn a_request_with_a_key_is_done_once_whatever_became_of_the_item() {
    let site = Site::new();
    let rig = site.start();
    let send = |rig: &Rig, path: &str, key: &str| -> Answer {
        let body = json!({"destination": "ground", "filepath": path, "topic": "images"});
        let octets = body.to_string();
        rig.post_octets(
            "/sdk/v1/send_file",
            octets.as_bytes(),
            &[("Idempotency-Key", key)],
        )
    };
    let path = site.file("a", b"a");
    // One that failed is none.
    send(&rig, &format!("{path}-not"), "k").is_refused(400, "No such file");
    let id = send(&rig, &path, "k").id();
    assert_eq!(send(&rig, &path, "k").id(), id);
    let other = site.file("b", b"b");
    send(&rig, &other, "k").is_refused(409, "of another request");
    send(&rig, &other, "a b").is_refused(400, "Idempotency-Key");
    send(&rig, &other, &"k".repeat(129)).is_refused(400, "Idempotency-Key");
    drop(rig);
    let rig = site.start();
    assert_eq!(send(&rig, &path, "k").id(), id);
    rig.agent.cancel(id).unwrap();
    assert_eq!(send(&rig, &path, "k").id(), id);
    drop(rig);
    let rig = site.start();
    assert_eq!(send(&rig, &path, "k").id(), id);
    assert_eq!(site.names("transfers"), Vec::<String>::new());
}

#[test]
fn a_long_body_that_comes_again_is_read_and_compared_before_it_is_answered() {
    let site = Site::new();
    let rig = site.start();
    let mut octets = vec![7; 20 << 20];
    let path = "/sdk/v2/files?topic=images";
    let key = [("Idempotency-Key", "k")];
    let id = rig.post_octets(path, &octets, &key).id();
    for _ in 0..3 {
        assert_eq!(rig.post_octets(path, &octets, &key).id(), id);
    }
    octets[9] = 8;
    rig.post_octets(path, &octets, &key)
        .is_refused(409, "other octets");
    let other = "/sdk/v2/files?topic=logs";
    rig.post_octets(other, &octets, &key)
        .is_refused(409, "of another request");
    assert_eq!(rig.agent.queued_ids(), [id]);
    assert_eq!(rig.agent.counts().refused["key"], 2);
    // Also once it has ended, and over a restart.
    rig.agent.cancel(id).unwrap();
    drop(rig);
    let rig = site.start();
    rig.post_octets(path, &octets, &key)
        .is_refused(409, "other octets");
    octets[9] = 7;
    assert_eq!(rig.post_octets(path, &octets, &key).id(), id);
}

#[test]
fn whoever_asks_before_it_sends_is_not_invited_to_what_is_refused() {
    let site = Site::new();
    let rig = site.start();
    let asks = |rest: &str| {
        let address = rig.url("").trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /sdk/v2/files?topic=images HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\
             Expect: 100-continue\r\nConnection: close\r\nIdempotency-Key: {rest}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        (String::from_utf8(first.to_vec()).unwrap(), stream)
    };
    let (first, mut stream) = asks("a");
    assert_eq!(first, "HTTP/1.1 100");
    // While the first one with this key is not done.
    assert_eq!(asks("a").0, "HTTP/1.1 409");
    stream.write_all(b"abc").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_body_is_a_file_and_one_that_breaks_off_is_none() {
    let site = Site::new();
    let rig = site.start();
    let octets: Vec<u8> = (0..1_000_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    let options = "%7B%22tags%22%3A%7B%22token%22%3A%22x%22%7D%7D";
    let path = format!("/sdk/v2/files?topic=images&name=a.raw&options={options}");
    let id = rig.post_octets(&path, &octets, &[]).id();
    let meta = status(&rig, id)["meta"].clone();
    assert_eq!(meta["file_info"]["path"], "/a.raw");
    assert_eq!(meta["send_options"]["tags"]["token"], "x");
    let data = site.work.join(format!("transfers/{id}.data.oort"));
    assert_eq!(fs::read(data).unwrap(), octets);
    // In chunks.
    let address = rig.url("").trim_start_matches("http://").to_owned();
    let head = "POST /sdk/v2/files?topic=images HTTP/1.1\r\nHost: a\r\n";
    let chunked =
        format!("{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n");
    let mut whole = TcpStream::connect(&address).unwrap();
    whole
        .write_all(format!("{chunked}0\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    whole.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // One that breaks off.
    for begun in [chunked, format!("{head}Content-Length: 9\r\n\r\nabc")] {
        let mut broken = TcpStream::connect(&address).unwrap();
        broken.write_all(begun.as_bytes()).unwrap();
        drop(broken);
    }
    let has_ended = || site.names(".agent/intake").is_empty();
    let waited = std::time::Instant::now();
    while !has_ended() && waited.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(has_ended());
    assert_eq!(rig.agent.queued_ids().len(), 2);
    for (bad, status) in [
        ("", 400),
        ("?topic=a.b", 400),
        ("?topic=a&name=a/b", 400),
        ("?topic=a&name=..", 400),
        ("?topic=a&options=7", 400),
    ] {
        let refused = rig.post_octets(&format!("/sdk/v2/files{bad}"), b"x", &[]);
        assert_eq!(refused.status, status, "{refused:?}");
    }
}

#[test]
fn a_receipt_of_the_ground_ends_an_item_and_no_other_does() {
    let site = Site::new();
    let key = || SigningKey::of(&[7; 32]);
    let settings = AgentSettings {
        receipt_key: Some(key().public_key()),
        ..settings()
    };
    let rig = site.start_with(site.store(), settings);
    let id = rig.take(&site.file("a", b"abc"), [9, 9, 9]);
    let path = format!("/sdk/v2/files/{id}/receipt");
    rig.get(&path).is_refused(404, "there is no receipt");
    assert_eq!(rig.agent.next_out().unwrap().meta.file_info.id, id);
    rig.agent.sent(id);
    assert_eq!(rig.state(id), "out");
    let sha256 = rig.agent.meta(id).unwrap().extra["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    let receipt = Receipt {
        uuid: id.to_string(),
        sha256,
        size: 3,
        bucket: "images".to_owned(),
        key: "HELIO-1/a".to_owned(),
        time: 7,
        ..Receipt::default()
    };
    let foreign = SigningKey::of(&[8; 32]);
    let of_others = Receipt {
        size: 4,
        ..receipt.clone()
    };
    for bad in [
        receipt.clone(),
        foreign.signed(receipt.clone()),
        key().signed(of_others),
    ] {
        assert!(rig.agent.accept_receipt(bad).is_err());
    }
    assert_eq!(rig.state(id), "out");
    rig.agent.accept_receipt(key().signed(receipt)).unwrap();
    assert_eq!(rig.state(id), "delivered");
    assert_eq!(rig.get(&path).body["key"], "HELIO-1/a");
    assert_eq!(site.names("transfers"), Vec::<String>::new());
    drop(rig);
    assert_eq!(site.start().get(&path).body["bucket"], "images");
}

#[test]
fn the_counters_add_up() {
    let site = Site::new();
    let rig = site.start();
    let old = rig.take(&site.file("old", b"old"), [9, 9, 9]);
    drop(rig);
    let rig = site.start();
    let take = |name: &str, ttl| rig.take(&site.file(name, name), ttl);
    let collected = take("a", [0, 0, 9]);
    let cancelled = take("b", [0, 0, 9]);
    take("c", [0, 0, 1]);
    take("d", [0, 0, 9]);
    collect(&site, collected);
    rig.agent.cancel(cancelled).unwrap();
    rig.later(2);
    let next = rig.agent.next_out().unwrap().meta.file_info.id;
    assert_eq!(next, old);
    rig.agent.sent(next);
    let failed = rig.agent.next_out().unwrap().meta.file_info.id;
    rig.agent.fail(failed, "for a test");
    take("e", [9, 9, 9]);
    take("f", [9, 9, 9]);
    rig.agent.next_out().unwrap();
    rig.send("relative").is_refused(400, "not absolute");
    let counts = rig.agent.counts();
    let ended: u64 = End::ALL
        .iter()
        .filter_map(|end| counts.ended.get(end))
        .sum();
    assert_eq!(counts.accepted(), 7);
    assert_eq!(counts.accepted(), counts.waiting + counts.out + ended);
    assert_eq!((counts.waiting, counts.out, ended), (1, 1, 5));
    assert_eq!(counts.refused["no_file"], 1);
    let page = rig.get("/metrics");
    assert!(page.kind.starts_with("text/plain"));
    let page = page.body.as_str().unwrap().to_owned();
    for line in [
        "oort_items_accepted_total{how=\"handed_over\"} 6",
        "oort_items_accepted_total{how=\"found_at_start\"} 1",
        "oort_items{state=\"out\"} 1",
        "oort_items_ended_total{how=\"failed\"} 1",
    ] {
        assert!(page.contains(line), "{page}");
    }
    assert_eq!(rig.agent.depth(Stage::Urgent).0, 2);
}

#[test]
fn each_refusal_is_counted_once_by_its_reason() {
    let site = Site::new();
    let rig = site.start();
    let path = site.file("a", b"abc");
    let zeros = json!({"TTLParams": {"urgent": 0, "bulk": 0, "surplus": 0}});
    rig.send_with(&path, &zeros).is_refused(400, "TTLParams");
    let body = json!({"destination": "ground", "filepath": path, "topic": "images"}).to_string();
    let headers = [("Idempotency-Key", "")];
    rig.post_octets("/sdk/v1/send_file", body.as_bytes(), &headers)
        .is_refused(400, "Idempotency-Key");
    rig.post_octets("/sdk/v2/files?topic=images", b"abc", &headers)
        .is_refused(400, "Idempotency-Key");
    rig.post_octets("/sdk/v2/files?topic=a%20b", b"abc", &[])
        .is_refused(400, "Topic a b");
    let counts = rig.agent.counts();
    let refused: Vec<(&str, u64)> = counts.refused.into_iter().collect();
    assert_eq!(refused, [("key", 2), ("options", 1), ("topic", 1)]);
}

#[test]
fn the_document_describes_every_path() {
    let site = Site::new();
    let rig = site.start();
    let document = rig.get("/sdk/v2/openapi.json");
    assert_eq!(document.kind, "application/json");
    let paths: BTreeSet<&str> = document.body["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let wanted = BTreeSet::from([
        "/sdk/v1/send_file",
        "/sdk/v1/query_available_files/{topic}",
        "/sdk/v1/retrieve_file",
        "/sdk/v1/adcs",
        "/sdk/v1/tfrs",
        "/collector/v1/ping",
        "/collector/v1/info",
        "/collector/v1/meta/{uuid}",
        "/sdk/v2/files",
        "/sdk/v2/files/{uuid}",
        "/sdk/v2/files/{uuid}/cancel",
        "/sdk/v2/files/{uuid}/priority",
        "/sdk/v2/files/{uuid}/receipt",
        "/metrics",
    ]);
    assert_eq!(paths, wanted);
    // What it says of methods is what there is: each other one is refused as such.
    for (path, item) in document.body["paths"].as_object().unwrap() {
        let path = path.replace("{topic}", "t").replace("{uuid}", "0");
        let get = rig.get(&path).status;
        assert_eq!(get != 405, item.get("get").is_some(), "GET {path}");
        let post = rig.post(&path, &json!({})).status;
        assert_eq!(post != 405, item.get("post").is_some(), "POST {path}");
    }
    assert!(words([0, 0, 0]).key.is_none());
}

#[test]
fn a_pair_that_is_put_back_while_the_agent_runs_is_queued_again_and_the_cleaner_leaves_it() {
    let site = Site::new();
    let settings = AgentSettings {
        cleanup_age: Duration::ZERO,
        ..settings()
    };
    let rig = site.start_with(site.store(), settings);
    let id = rig.take(&site.file("a", b"a"), [9, 9, 9]);
    let failed = rig.take(&site.file("b", b"b"), [9, 9, 9]);
    let move_pair = |id, from: &str, to: &str| {
        for suffix in ["data", "meta"] {
            let name = format!("{id}.{suffix}.oort");
            let path = |directory: &str| site.work.join(directory).join(&name);
            fs::rename(path(from), path(to)).unwrap();
        }
    };
    move_pair(id, "transfers", "upgrades");
    rig.agent.tick();
    rig.agent.fail(failed, "a test");
    assert_eq!((rig.state(id), rig.state(failed)), ("collected", "failed"));
    move_pair(id, "upgrades", "transfers");
    move_pair(failed, "dead", "transfers");
    // Before anybody looks.
    assert_eq!(rig.agent.clean(), 0);
    rig.agent.tick();
    assert_eq!(rig.agent.counts().waiting, 2);
    assert_eq!((rig.state(id), rig.state(failed)), ("waiting", "waiting"));
    assert_eq!(rig.agent.queued_ids().len(), 2);
    assert_eq!(rig.agent.clean(), 0);
    let counts = rig.agent.counts();
    let ended: u64 = counts.ended.values().sum();
    assert_eq!(counts.accepted(), counts.waiting + counts.out + ended);
    assert!(rig.agent.next_out().is_some());
    // What is not to be sent any more is not, though its files should be there again.
    let copy = fs::read(site.work.join(format!("transfers/{id}.meta.oort"))).unwrap();
    rig.agent.cancel(id).unwrap();
    fs::write(site.work.join(format!("transfers/{id}.meta.oort")), copy).unwrap();
    fs::write(site.work.join(format!("transfers/{id}.data.oort")), b"a").unwrap();
    rig.agent.tick();
    assert_eq!(rig.state(id), "cancelled");
    assert_eq!(rig.agent.clean(), 0);
}

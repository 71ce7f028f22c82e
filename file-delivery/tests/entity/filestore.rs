//! What a receiver does with its files because a transaction asks for it.

use file_delivery::entity::PutRequest;
use file_delivery::pdu::TransactionId;
use file_delivery::pdu::tlv::{FilestoreRequest, FilestoreStatus, Lv};
use file_delivery::store::FileStore;

use crate::rig::{GROUND, LONG, Rig, SATELLITE, content, id, name};

use FilestoreStatus::{
    FirstMissing, NotAllowed, NotPerformed, SecondExists, SecondMissing, Successful,
};

const BYTES: usize = 500;

fn lv(name: &'static str) -> Lv<'static> {
    Lv::new(name.as_bytes()).expect("a name")
}

/// A satellite with files, and the ground asks for something to be done with them after
/// the file that it sends.
fn ask(requests: &[FilestoreRequest<'_>]) -> (Rig, TransactionId) {
    ask_in(Rig::new(), requests)
}

fn ask_in(mut rig: Rig, requests: &[FilestoreRequest<'_>]) -> (Rig, TransactionId) {
    for file in ["a", "b", "full/inside"] {
        rig.sides[SATELLITE].disk.put(&name(file), file.as_bytes());
    }
    let created = FilestoreRequest::CreateDirectory(lv("empty"));
    let store = rig.sides[SATELLITE].entity.store();
    assert_eq!(store.perform(&created), Successful);
    let file = name("up.bin");
    rig.sides[GROUND].disk.put(&file, &content(BYTES));
    let mut put = PutRequest::file(id(SATELLITE), file.clone(), file);
    for request in requests {
        put = put.with_filestore_request(request).expect("it fits");
    }
    let transaction = rig.put(put);
    (rig, transaction)
}

/// What became of each, as both ends have it.
#[track_caller]
fn done(rig: &mut Rig, transaction: TransactionId) -> Vec<FilestoreStatus> {
    let [ground, satellite] = rig.run_to_the_end(transaction);
    assert!(ground.is_success() && satellite.is_success());
    assert_eq!(ground.responses, satellite.responses);
    rig.assert_arrived("up.bin", BYTES);
    ground.responses
}

fn file(rig: &Rig, file: &str) -> Option<Vec<u8>> {
    rig.sides[SATELLITE].disk.file(&name(file))
}

fn directories(rig: &mut Rig) -> Vec<String> {
    let names = rig.sides[SATELLITE].entity.store().list(None).unwrap();
    let is_directory = |name: &String| name.ends_with('/');
    names.into_iter().filter(is_directory).collect()
}

#[test]
fn each_action_is_done() {
    let requests = [
        FilestoreRequest::CreateFile(lv("new")),
        FilestoreRequest::AppendFile {
            first: lv("a"),
            second: lv("b"),
        },
        FilestoreRequest::RenameFile {
            old: lv("b"),
            new: lv("c"),
        },
        FilestoreRequest::ReplaceFile {
            first: lv("c"),
            second: lv("up.bin"),
        },
        FilestoreRequest::DenyFile(lv("full/inside")),
        FilestoreRequest::DenyFile(lv("full/inside")),
        FilestoreRequest::RemoveDirectory(lv("full")),
        FilestoreRequest::DenyDirectory(lv("empty")),
        FilestoreRequest::DenyDirectory(lv("empty")),
        FilestoreRequest::CreateDirectory(lv("made")),
        FilestoreRequest::DeleteFile(lv("new")),
    ];
    let (mut rig, transaction) = ask(&requests);
    let done = done(&mut rig, transaction);
    assert_eq!(done, [Successful; 11]);
    assert_eq!(file(&rig, "a").as_deref(), Some(&b"ab"[..]));
    assert_eq!(file(&rig, "b"), None);
    assert_eq!(file(&rig, "c"), Some(content(BYTES)));
    assert_eq!(file(&rig, "new"), None);
    assert_eq!(directories(&mut rig), ["made/"]);
}

#[test]
fn what_cannot_be_done_is_reported_and_the_file_stays() {
    for (request, status) in [
        (FilestoreRequest::CreateFile(lv("a")), NotAllowed),
        (FilestoreRequest::DeleteFile(lv("nothing")), FirstMissing),
        (
            FilestoreRequest::RenameFile {
                old: lv("a"),
                new: lv("b"),
            },
            SecondExists,
        ),
        (
            FilestoreRequest::AppendFile {
                first: lv("a"),
                second: lv("nothing"),
            },
            SecondMissing,
        ),
        (
            FilestoreRequest::ReplaceFile {
                first: lv("nothing"),
                second: lv("a"),
            },
            FirstMissing,
        ),
        (FilestoreRequest::CreateDirectory(lv("empty")), NotAllowed),
        (FilestoreRequest::RemoveDirectory(lv("full")), NotAllowed),
        (FilestoreRequest::DenyFile(lv("../outside")), NotAllowed),
        (FilestoreRequest::DenyDirectory(lv("full")), NotAllowed),
    ] {
        let (mut rig, transaction) = ask(&[request]);
        let done = done(&mut rig, transaction);
        assert_eq!(done, [status], "{request:?}");
        assert_eq!(file(&rig, "a").as_deref(), Some(&b"a"[..]));
        assert_eq!(file(&rig, "b").as_deref(), Some(&b"b"[..]));
    }
}

#[test]
fn nothing_is_done_for_an_entity_that_may_not_ask() {
    let rig = Rig::with(|_, peer| peer.may_ask = false);
    let requests = [
        FilestoreRequest::DeleteFile(lv("a")),
        FilestoreRequest::CreateFile(lv("new")),
    ];
    let (mut rig, transaction) = ask_in(rig, &requests);
    let done = done(&mut rig, transaction);
    assert_eq!(done, [NotAllowed, NotPerformed]);
    assert!(file(&rig, "a").is_some() && file(&rig, "new").is_none());
}

#[test]
fn after_a_failure_the_rest_is_not_done() {
    let requests = [
        FilestoreRequest::CreateFile(lv("first")),
        FilestoreRequest::DeleteFile(lv("nothing")),
        FilestoreRequest::CreateFile(lv("third")),
        FilestoreRequest::DeleteFile(lv("a")),
    ];
    let (mut rig, transaction) = ask(&requests);
    let done = done(&mut rig, transaction);
    assert_eq!(done, [Successful, FirstMissing, NotPerformed, NotPerformed]);
    assert!(file(&rig, "first").is_some());
    assert_eq!(file(&rig, "third"), None);
    assert!(file(&rig, "a").is_some());
}

#[test]
fn nothing_is_done_for_a_file_that_does_not_come() {
    let (mut rig, transaction) = ask(&[FilestoreRequest::DeleteFile(lv("a"))]);
    rig.lose(|passing| passing.from == GROUND && passing.number > 1);
    rig.run_until(LONG, |rig| rig.passed > 4);
    rig.lose(|_| false);
    let now = rig.now;
    let cancelled = rig.sides[GROUND].entity.cancel(now, transaction);
    cancelled.expect("it is under way");
    rig.run_to_the_end(transaction);
    assert!(file(&rig, "a").is_some());
}

/// Each would show if it were done twice.
fn appends() -> [FilestoreRequest<'static>; 3] {
    ["b", "full/inside", "up.bin"].map(|second| FilestoreRequest::AppendFile {
        first: lv("a"),
        second: lv(second),
    })
}

#[test]
fn each_is_done_once_wherever_the_power_is_cut() {
    let all = {
        let (mut rig, transaction) = ask(&appends());
        done(&mut rig, transaction);
        rig.run_until(LONG, |rig| rig.reports().is_empty());
        rig.sides[SATELLITE].disk.counts().changes
    };
    let begun = ask(&appends()).0.sides[SATELLITE].disk.counts().changes;
    let mut interrupted = 0;
    for change in 0..all - begun {
        let (mut rig, transaction) = ask(&appends());
        rig.sides[SATELLITE].disk.fail_after(change);
        rig.run_until(LONG, |rig| rig.reports().is_empty());
        assert_eq!(rig.sides[SATELLITE].cuts, 1, "cut at {change}");
        rig.assert_arrived("up.bin", BYTES);
        let outcome = rig.outcome(GROUND, transaction).expect("it ended");
        let responses = outcome.responses;
        let good = responses.iter().take_while(|status| **status == Successful);
        let good = good.count();
        let rest = &responses[good..];
        assert_eq!(rest, &[NotPerformed; 3][good..], "cut at {change}");
        interrupted += usize::from(!rest.is_empty());
        // The one that was interrupted may have been done; none after it was.
        let whole = content(BYTES);
        let parts: [&[u8]; 4] = [b"a", b"b", b"full/inside", &whole];
        let a = file(&rig, "a").expect("it is there");
        let may_be = [good, (good + 1).min(3)].map(|count| parts[..=count].concat());
        assert!(may_be.contains(&a), "cut at {change}: {}", a.len());
    }
    assert!(interrupted > 0);
}

// One that the journal did not have as begun was done all the same, and again after a cut.
#[test]
fn none_is_done_twice_where_the_journal_fails_for_a_moment_and_then_the_power_is_cut() {
    let all = {
        let (mut rig, transaction) = ask(&appends());
        done(&mut rig, transaction);
        rig.run_until(LONG, |rig| rig.reports().is_empty());
        rig.sides[SATELLITE].entity.counts().commits
    };
    for commit in 0..all {
        for cut in [false, true] {
            let (mut rig, transaction) = ask(&appends());
            rig.sides[SATELLITE].commits_left.set(Some(commit));
            if cut {
                rig.run_until(LONG, |rig| {
                    rig.sides[SATELLITE].commits_left.get().is_none()
                });
                let now = rig.now;
                rig.sides[SATELLITE].cut(now);
            }
            rig.run_until(LONG, |rig| rig.reports().is_empty());
            let at = format!("commit {commit} failed, cut: {cut}");
            assert_eq!(rig.reports(), [""; 0], "{at}");
            let a = file(&rig, "a").expect("it is there");
            let whole = content(BYTES);
            let parts: [&[u8]; 4] = [b"a", b"b", b"full/inside", &whole];
            let done = (0..4).find(|last| parts[..=*last].concat() == a);
            let done = done.unwrap_or_else(|| panic!("{at}: {} octets", a.len()));
            let outcome = rig.outcome(GROUND, transaction).expect("it ended");
            let told = outcome.responses.iter();
            let told = told.take_while(|status| **status == Successful).count();
            assert!(told <= done, "{at}: {told} told of {done} done");
        }
    }
}

//! What is known over restarts.

use std::fs;

use payload_controller::core::*;
use payload_controller::journal::Journal;

fn app(name: &str) -> AppRecord {
    AppRecord {
        name: name.parse().unwrap(),
        is_wanted: true,
        sessions: 3,
        session: Some(SessionRecord {
            number: 3,
            at: 1_800_000_000,
            restart_when_ill: true,
            version: (1, 1, 1),
        }),
        process: Some(Process { pid: 7, began: 99 }),
        rung: Some((Rung::Kill, 5)),
        boots: vec![1, 2],
        quarantines: 1,
        quarantined_until: None,
        streams: vec![StreamRecord {
            kind: StreamKind::EpsVoltage,
            correlation_id: 4,
            period_ms: 1000,
        }],
        copies: vec![CopyRecord {
            peer: "radar".parse().unwrap(),
            correlation_id: 8,
            files: vec![CopiedFile {
                name: "a/b".to_owned(),
                result: Some(true),
            }],
        }],
    }
}

fn run(id: u64, state: RunState) -> RunRecord {
    RunRecord {
        id: RunId(id),
        app: "camera".parse().unwrap(),
        sequence: "A".to_owned(),
        params: "{}".to_owned(),
        state,
        correlation_id: 5,
        asked: 6,
        within_ms: 7,
        session: 3,
        percent: 50,
        ended: None,
        done_after: None,
        text: "half".to_owned(),
        result: vec![0, 255],
    }
}

fn file(id: u64) -> FileRecord {
    FileRecord {
        id: FileId(id),
        app: "camera".parse().unwrap(),
        path: "a/b".to_owned(),
        priority: FilePriority::High,
        band: FileBand::XBand,
        state: FileState::Accepted,
        asked: 6,
        correlation_id: 5,
        session: 3,
        attempts: 1,
        mark: Some("m".to_owned()),
        bytes: 1000,
    }
}

#[test]
fn the_last_record_of_each_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let (mut journal, recovered) = Journal::open(&path).unwrap();
    assert_eq!(recovered, Recovered::default());
    let device = DeviceRecord {
        id: 134,
        is_on: true,
        at: 9,
    };
    let records = [
        Record::App(Box::new(app("camera"))),
        Record::Run(Box::new(run(1, RunState::Asked))),
        Record::Run(Box::new(run(1, RunState::Done { late: true }))),
        Record::Run(Box::new(run(2, RunState::Accepted))),
        Record::Run(Box::new(run(3, RunState::Lost))),
        Record::File(Box::new(file(1))),
        Record::File(Box::new(file(2))),
        Record::Device(device),
    ];
    journal.commit(&records).unwrap();
    let forgotten = [
        Record::RunForgotten(RunId(3)),
        Record::FileForgotten(FileId(2)),
    ];
    journal.commit(&forgotten).unwrap();
    drop(journal);
    let (_, recovered) = Journal::open(&path).unwrap();
    let expected = Recovered {
        apps: vec![app("camera")],
        runs: vec![
            run(1, RunState::Done { late: true }),
            run(2, RunState::Accepted),
        ],
        files: vec![file(1)],
        devices: vec![device],
        windows: vec![],
    };
    assert_eq!(recovered, expected);
}

#[test]
fn two_controllers_do_not_share_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let (_journal, _) = Journal::open(&path).unwrap();
    let error = Journal::open(&path).unwrap_err().to_string();
    assert!(error.contains("another process has"), "{error}");
}

#[test]
fn a_damaged_journal_is_kept_aside_and_a_new_one_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    fs::write(&path, "no database").unwrap();
    let (_, recovered) = Journal::open(&path).unwrap();
    assert_eq!(recovered, Recovered::default());
    assert!(folder.path().join("journal.redb.damaged-1").exists());
}

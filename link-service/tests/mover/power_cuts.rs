//! The power is cut, or the process ends, at every change of the disk.

use link_service::code::Code;
use link_service::folders::Side;
use link_service::folders::memory::{Fault, MemoryDisk};
use link_service::record::{Outcome, Phase, Transfer};
use link_service::request::LinkRequest;

use crate::rig::{
    accept, app, apps, disk, inbox, mover, nothing_is_left, octets, outbox, put, request, run,
    run_to_end,
};

/// Whether the power is cut or the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Power,
    Process,
}

/// A request, and what is there before.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) request: LinkRequest,
    /// In the inbox of each recipient.
    pub(crate) old: Option<&'static [u8]>,
    pub(crate) code: Code,
}

const OLD: &[u8] = b"an older file";
/// Three chunks, of which the last is not full.
const BYTES: usize = 40;

impl Scenario {
    pub(crate) fn all() -> Vec<Scenario> {
        let scenario = |name, change: &dyn Fn(&mut Scenario)| {
            let mut scenario = Scenario {
                name,
                request: request(&["image"]),
                old: None,
                code: Code::Ok,
            };
            change(&mut scenario);
            scenario
        };
        vec![
            scenario("one file", &|_| {}),
            scenario("a file in the place of another", &|s| {
                s.request.overwrite = true;
                s.old = Some(OLD);
            }),
            scenario("a file that is there already", &|s| {
                s.old = Some(OLD);
                s.code = Code::AlreadyExists;
            }),
            scenario("a file that stays", &|s| s.request.leave_source = true),
            scenario("a file in a subdirectory", &|s| {
                s.request.subdirectory = "raw/nir".parse().unwrap();
            }),
            scenario("two recipients", &|s| {
                s.request.recipients.push("archive".parse().unwrap());
            }),
            scenario("a batch", &|s| {
                s.request = request(&["image", "times", "notes"])
            }),
            scenario("a batch for two in a subdirectory", &|s| {
                s.request = request(&["image", "times"]);
                s.request.subdirectory = "raw".parse().unwrap();
                s.request.recipients.push("archive".parse().unwrap());
            }),
        ]
    }

    fn path(&self, file: &str) -> String {
        match self.request.subdirectory.is_empty() {
            true => file.to_string(),
            false => format!("{}/{file}", self.request.subdirectory),
        }
    }

    pub(crate) fn disk(&self, seed: u64) -> MemoryDisk {
        let disk = disk(seed);
        for file in &self.request.files {
            put(
                &disk,
                &self.path(file.as_str()),
                &octets(file.as_str(), BYTES),
            );
            if let Some(old) = self.old {
                for recipient in self.recipients() {
                    disk.put(
                        &app(&recipient),
                        Side::Inbox,
                        &self.path(file.as_str()),
                        old,
                    );
                }
            }
        }
        disk
    }

    fn recipients(&self) -> Vec<String> {
        let recipients = self.request.recipients.iter();
        recipients.map(ToString::to_string).collect()
    }

    /// Where the files arrive, with what they are to hold.
    fn arrivals(&self) -> Vec<(String, Vec<u8>)> {
        let names = self.request.files.iter().map(|file| file.as_str());
        let arrival = |name: &str| match self.request.files.len() {
            1 => (self.path(name), octets(name, BYTES)),
            _ => (
                self.path(&format!("camera.pass-7.batch/{name}")),
                octets(name, BYTES),
            ),
        };
        names.map(arrival).collect()
    }

    /// What has a final name is the old file or the new one, whole; of a batch all or none.
    pub(crate) fn is_old_or_new(&self, disk: &MemoryDisk) {
        for recipient in self.recipients() {
            let found = self.arrivals().into_iter().map(|(path, new)| {
                let found = inbox(disk, &recipient, &path);
                let is_new = found.as_ref() == Some(&new);
                assert!(is_new || found.as_deref() == self.old, "{path}: {found:?}");
                is_new
            });
            let found: Vec<bool> = found.collect();
            assert!(found.iter().all(|is_new| *is_new == found[0]), "{found:?}");
        }
    }

    /// All files are somewhere: with each recipient, or with the sender.
    fn is_not_lost(&self, disk: &MemoryDisk) {
        for (file, (path, new)) in self.request.files.iter().zip(self.arrivals()) {
            let mut recipients = self.recipients().into_iter();
            let has_it = |of: String| inbox(disk, &of, &path).as_ref() == Some(&new);
            let sender = app("camera");
            let has_source = disk.paths(&sender, Side::Outbox).iter().any(|path| {
                path.ends_with(file.as_str())
                    && disk.file(&sender, Side::Outbox, path).as_ref() == Some(&new)
            });
            assert!(has_source || recipients.all(has_it), "{file} is lost");
        }
    }

    /// It ended as it is to end.
    pub(crate) fn is_over(&self, disk: &MemoryDisk, outcome: &Outcome) {
        let count = self.request.recipients.len();
        assert_eq!(
            (outcome.code, &outcome.legs),
            (self.code, &vec![self.code; count])
        );
        let is_delivered = self.code == Code::Ok;
        for recipient in self.recipients() {
            for (path, new) in self.arrivals() {
                let wanted = if is_delivered { Some(&*new) } else { self.old };
                assert_eq!(inbox(disk, &recipient, &path).as_deref(), wanted);
            }
        }
        let is_there = !is_delivered || self.request.leave_source;
        for file in &self.request.files {
            let source = outbox(disk, &self.path(file.as_str()));
            assert_eq!(source, is_there.then(|| octets(file.as_str(), BYTES)));
        }
        assert_eq!(
            disk.paths(&app("camera"), Side::Outbox).is_empty(),
            !is_there
        );
        nothing_is_left(disk);
    }
}

fn end(disk: &MemoryDisk, how: End) {
    match how {
        End::Power => disk.power_cut(),
        End::Process => disk.restart(),
    }
}

/// Whatever the journal knows.
fn recover(disk: &MemoryDisk) -> Vec<Transfer> {
    let recovered = mover(disk).recover(&apps()).unwrap();
    assert_eq!(recovered.left, Vec::<String>::new());
    assert_eq!(recovered.files_returned, 0);
    recovered.transfers
}

/// Accepts and runs until the disk fails, or it is over: whether it was accepted, and the
/// outcome that was told.
fn until_it_fails(scenario: &Scenario, disk: &MemoryDisk) -> (bool, Option<Outcome>) {
    let mover = mover(disk);
    let Ok(mut transfer) = accept(&mover, 1, &scenario.request) else {
        return (false, None);
    };
    while !disk.has_failed() {
        run(&mover, &mut transfer);
        if let Phase::Ended(outcome) = transfer.phase {
            return (true, Some(outcome));
        }
    }
    (true, None)
}

/// Fails at a change, and perhaps at another one of the next process.
fn cut_at(scenario: &Scenario, seed: u64, changes: u64, how: End, again: Option<u64>) -> bool {
    let disk = scenario.disk(seed);
    disk.fail_after(changes);
    cut(scenario, &disk, how, again)
}

/// The disk fails at a change, perhaps after another thing went wrong, and perhaps at
/// another change of the next process. Whether it did.
fn cut(scenario: &Scenario, disk: &MemoryDisk, how: End, again: Option<u64>) -> bool {
    let (is_accepted, mut told) = until_it_fails(scenario, disk);
    let has_failed = disk.has_failed();
    end(disk, how);
    scenario.is_old_or_new(disk);
    scenario.is_not_lost(disk);
    if let Some(changes) = again {
        disk.fail_after(changes);
        if let Ok(recovered) = mover(disk).recover(&apps()) {
            for mut transfer in recovered.transfers {
                while !disk.has_failed() && transfer.outcome().is_none() {
                    run(&mover(disk), &mut transfer);
                }
                let outcome = transfer.outcome().cloned();
                assert!(told.is_none() || outcome.is_none() || told == outcome);
                told = told.or(outcome);
            }
        }
        end(disk, how);
        scenario.is_old_or_new(disk);
        scenario.is_not_lost(disk);
    }
    let transfers = recover(disk);
    if transfers.is_empty() {
        assert!(!is_accepted, "accepted and forgotten");
        return has_failed;
    }
    for mut transfer in transfers {
        let outcome = run_to_end(&mover(disk), &mut transfer);
        assert!(
            told.is_none() || told.as_ref() == Some(&outcome),
            "two outcomes"
        );
        scenario.is_over(disk, &outcome);
        // What was told is durable.
        disk.power_cut();
        recover(disk);
        for mut transfer in recover(disk) {
            assert_eq!(run_to_end(&mover(disk), &mut transfer), outcome);
        }
        scenario.is_over(disk, &outcome);
    }
    has_failed
}

fn sweep(how: End, seeds: u64) {
    for scenario in Scenario::all() {
        for changes in 0.. {
            let mut has_failed = false;
            for seed in 0..seeds {
                let again = (seed % 2 == 1).then_some(seed * 7 % 23);
                let context =
                    std::panic::AssertUnwindSafe(|| cut_at(&scenario, seed, changes, how, again));
                has_failed |= std::panic::catch_unwind(context).unwrap_or_else(|_| {
                    panic!("{}, {how:?} at {changes}, seed {seed}", scenario.name)
                });
            }
            if !has_failed {
                assert!(changes > 7, "{}: {changes} changes", scenario.name);
                break;
            }
        }
    }
}

#[test]
fn w7_w8_a_power_cut_at_any_change_leaves_one_outcome_and_no_file_lost_or_in_part() {
    sweep(End::Power, 24);
}

#[test]
fn a_process_that_ends_at_any_change_leaves_one_outcome_and_no_file_lost_or_in_part() {
    sweep(End::Process, 8);
}

#[test]
fn a_fault_at_any_change_leaves_one_outcome_and_no_file_lost_or_in_part() {
    for scenario in Scenario::all() {
        for fault in Fault::ALL {
            for changes in 0.. {
                let disk = scenario.disk(changes);
                disk.fault_after(changes, fault);
                let mover = mover(&disk);
                let context = format!("{}, {fault:?} at {changes}", scenario.name);
                let Ok(mut transfer) = accept(&mover, 1, &scenario.request) else {
                    continue;
                };
                let outcome = run_to_end(&mover, &mut transfer);
                let is_over = !disk.has_fault_to_come();
                disk.restart();
                scenario.is_old_or_new(&disk);
                scenario.is_not_lost(&disk);
                assert_eq!(run_to_end(&mover, &mut transfer), outcome, "{context}");
                disk.power_cut();
                for mut transfer in recover(&disk) {
                    let again = run_to_end(&mover, &mut transfer);
                    assert_eq!(
                        (again.code, again.legs),
                        (outcome.code, outcome.legs.clone())
                    );
                }
                scenario.is_old_or_new(&disk);
                scenario.is_not_lost(&disk);
                nothing_is_left(&disk);
                // Only another file system is for ever.
                if fault != Fault::OtherFileSystem {
                    assert_eq!(outcome.code, scenario.code, "{context}: {outcome:?}");
                }
                if !is_over {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_fault_and_then_a_power_cut_leave_one_outcome_and_no_file_lost_or_in_part() {
    for scenario in Scenario::all() {
        for (fault, seed) in [(Fault::Io, 1), (Fault::Io, 2), (Fault::NoSpace, 3)] {
            for changes in 0..40 {
                for changes_then in (changes + 1)..(changes + 24) {
                    let disk = scenario.disk(seed * 1000 + changes * 40 + changes_then);
                    disk.fault_after(changes, fault);
                    disk.fail_after(changes_then);
                    let how = match changes_then % 2 {
                        0 => End::Power,
                        _ => End::Process,
                    };
                    let context = std::panic::AssertUnwindSafe(|| cut(&scenario, &disk, how, None));
                    std::panic::catch_unwind(context).unwrap_or_else(|_| {
                        let name = scenario.name;
                        panic!("{name}, {fault:?} at {changes}, {how:?} at {changes_then}, {seed}")
                    });
                }
            }
        }
    }
}

#[test]
fn an_accepted_request_survives_a_power_cut_though_the_app_synced_nothing() {
    for seed in 0..200 {
        let disk = disk(seed);
        let mut wanted = request(&["image", "times"]);
        wanted.subdirectory = "raw/nir".parse().unwrap();
        for file in &wanted.files {
            let path = format!("raw/nir/{file}");
            disk.write(
                &app("camera"),
                Side::Outbox,
                &path,
                &octets(file.as_str(), BYTES),
            );
        }
        accept(&mover(&disk), 1, &wanted).unwrap();
        disk.power_cut();
        let mut transfer = recover(&disk).remove(0);
        let outcome = run_to_end(&mover(&disk), &mut transfer);
        assert_eq!(outcome.code, Code::Ok, "seed {seed}: {}", outcome.text);
        for file in &wanted.files {
            let path = format!("raw/nir/camera.pass-7.batch/{file}");
            let arrived = inbox(&disk, "analyser", &path);
            assert_eq!(arrived, Some(octets(file.as_str(), BYTES)), "seed {seed}");
        }
    }
}

#[test]
fn a_source_that_cannot_be_made_durable_is_not_accepted() {
    for changes in 0..2 {
        let disk = disk(1);
        put(&disk, "image", &octets("image", BYTES));
        disk.fault_after(changes, Fault::Io);
        let refused = accept(&mover(&disk), 1, &request(&["image"])).unwrap_err();
        assert_eq!(refused.code, Code::IoError, "{refused}");
        assert_eq!(recover(&disk), []);
    }
}

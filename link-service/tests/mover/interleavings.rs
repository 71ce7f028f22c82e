//! Several transfers in any order, stopped and gone on with, while apps write and remove
//! files, the disk fails and the power is cut: beside a model of what may be.

use std::collections::{BTreeMap, BTreeSet};

use link_service::code::Code;
use link_service::folders::Side;
use link_service::folders::memory::{Fault, MemoryDisk};
use link_service::mover::Ran;
use link_service::record::{Outcome, Transfer, TransferId};
use link_service::request::LinkRequest;
use proptest::prelude::*;

use crate::rig::{
    CHUNK, MemoryMover, accept, app, apps, disk, inbox, mover, nothing_is_left, octets, outbox,
    put, request,
};

const NAMES: [&str; 3] = ["image", "times", "notes"];
const RECIPIENTS: [&str; 2] = ["analyser", "archive"];

#[derive(Clone, Debug)]
enum Op {
    /// The sender writes a file.
    Put { name: usize, chunks: usize },
    /// It asks for files to be sent.
    Accept(Asked),
    /// A transfer runs for so many chunks.
    Run { transfer: usize, chunks: usize },
    /// A transfer is given up.
    GiveUp { transfer: usize },
    /// A recipient removes what it got.
    Take { recipient: usize },
    /// The disk fails after so many changes.
    FailAfter(u64),
    /// Something goes wrong once.
    FaultAfter(u64, usize),
    /// The power is cut, or the process ends; and starts again.
    End { is_power: bool },
}

#[derive(Clone, Debug)]
struct Asked {
    names: Vec<usize>,
    recipients: usize,
    overwrite: bool,
    leave_source: bool,
    subdirectory: bool,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let names = prop_oneof![
        4 => (0..NAMES.len()).prop_map(|name| vec![name]),
        1 => Just(vec![0, 2]),
    ];
    let asked = (
        names,
        0..3_usize,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let asked = asked.prop_map(
        |(names, recipients, overwrite, leave, subdirectory)| Asked {
            names,
            recipients,
            overwrite,
            leave_source: leave,
            subdirectory,
        },
    );
    let op = prop_oneof![
        3 => (0..NAMES.len(), 0..5_usize).prop_map(|(name, chunks)| Op::Put { name, chunks }),
        4 => asked.prop_map(Op::Accept),
        8 => (0..6_usize, 0..9_usize)
            .prop_map(|(transfer, chunks)| Op::Run { transfer, chunks }),
        1 => (0..6_usize).prop_map(|transfer| Op::GiveUp { transfer }),
        1 => (0..RECIPIENTS.len()).prop_map(|recipient| Op::Take { recipient }),
        1 => (0..24_u64).prop_map(Op::FailAfter),
        1 => (0..12_u64, 0..3_usize).prop_map(|(after, fault)| Op::FaultAfter(after, fault)),
        2 => any::<bool>().prop_map(|is_power| Op::End { is_power }),
    ];
    proptest::collection::vec(op, 1..60)
}

/// What was accepted.
struct Accepted {
    /// Where the disk failed, it may be accepted without anybody being told.
    is_told: bool,
    request: LinkRequest,
    /// What its files held then.
    contents: Vec<Vec<u8>>,
    told: Option<(Code, Vec<Code>)>,
}

struct World {
    disk: MemoryDisk,
    mover: MemoryMover,
    transfers: Vec<Transfer>,
    accepted: BTreeMap<TransferId, Accepted>,
    next_id: u64,
    next_content: u64,
    /// What its sender itself replaced.
    destroyed: BTreeSet<Vec<u8>>,
    /// What each recipient ever had.
    seen: BTreeMap<String, BTreeSet<Vec<u8>>>,
    /// What was told to be with a recipient, and was not removed.
    kept: BTreeMap<(String, String), Vec<u8>>,
}

fn path(request: &LinkRequest, name: &str) -> String {
    match request.subdirectory.is_empty() {
        true => name.to_string(),
        false => format!("{}/{name}", request.subdirectory),
    }
}

fn arrival(request: &LinkRequest, name: &str) -> String {
    match request.files.len() {
        1 => path(request, name),
        _ => path(
            request,
            &format!("camera.{}.batch/{name}", request.request_id),
        ),
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let disk = disk(seed);
        World {
            mover: mover(&disk),
            disk,
            transfers: Vec::new(),
            accepted: BTreeMap::new(),
            next_id: 1,
            next_content: 1,
            destroyed: BTreeSet::new(),
            seen: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    fn perform(&mut self, op: &Op) {
        match op {
            Op::Put { name, chunks } => {
                for directory in ["", "raw/"] {
                    let path = format!("{directory}{}", NAMES[*name]);
                    self.destroyed.extend(outbox(&self.disk, &path));
                    // No two are the same.
                    let mut content = self.next_content.to_be_bytes().to_vec();
                    content.extend(octets(
                        &path,
                        chunks * CHUNK + self.next_content as usize % 3,
                    ));
                    put(&self.disk, &path, &content);
                    self.next_content += 1;
                }
            }
            Op::Accept(asked) => self.accept(asked),
            Op::Run { transfer, chunks } => {
                let left = std::cell::Cell::new(*chunks);
                let go_on = || {
                    let goes_on = left.get() > 0;
                    left.set(left.get().saturating_sub(1));
                    goes_on
                };
                self.with(*transfer, |mover, transfer| mover.run(transfer, &go_on));
            }
            Op::GiveUp { transfer } => self.with(*transfer, |mover, transfer| {
                mover.give_up(transfer, Code::Cancelled, "as was asked")
            }),
            Op::Take { recipient } => self.take(RECIPIENTS[*recipient]),
            Op::FailAfter(changes) => self.disk.fail_after(*changes),
            Op::FaultAfter(changes, fault) => {
                let faults = [Fault::Io, Fault::NoSpace, Fault::ShortWrite];
                self.disk.fault_after(*changes, faults[*fault]);
            }
            Op::End { is_power } => self.end(*is_power),
        }
        self.look();
    }

    fn accept(&mut self, asked: &Asked) {
        let names: Vec<&str> = asked.names.iter().map(|name| NAMES[*name]).collect();
        let mut wanted = request(&names);
        wanted.recipients = match asked.recipients {
            2 => RECIPIENTS.map(|name| name.parse().unwrap()).to_vec(),
            one => vec![RECIPIENTS[one].parse().unwrap()],
        };
        wanted.overwrite = asked.overwrite;
        wanted.leave_source = asked.leave_source;
        wanted.request_id = format!("request-{}", self.next_id);
        if asked.subdirectory {
            wanted.subdirectory = "raw".parse().unwrap();
        }
        let contents = names
            .iter()
            .map(|name| outbox(&self.disk, &path(&wanted, name)));
        let contents: Option<Vec<Vec<u8>>> = contents.collect();
        let accepted = accept(&self.mover, self.next_id, &wanted);
        if let Some(contents) = contents {
            let accepted = Accepted {
                is_told: accepted.is_ok(),
                request: wanted,
                contents,
                told: None,
            };
            self.accepted.insert(TransferId(self.next_id), accepted);
        }
        self.transfers.extend(accepted);
        self.next_id += 1;
    }

    fn with(&mut self, index: usize, run: impl FnOnce(&MemoryMover, &mut Transfer) -> Ran) {
        let count = self.transfers.len().max(1);
        let Some(transfer) = self.transfers.get_mut(index % count) else {
            return;
        };
        let id = transfer.id;
        if let Ran::Ended(outcome) = run(&self.mover, transfer) {
            self.look();
            self.tell(id, &outcome);
        }
    }

    fn tell(&mut self, id: TransferId, outcome: &Outcome) {
        let accepted = self.accepted.get_mut(&id).expect("it was asked for");
        let told = (outcome.code, outcome.legs.clone());
        match &accepted.told {
            Some(before) => assert_eq!(*before, told, "two outcomes"),
            None => accepted.told = Some(told),
        }
        let accepted = &self.accepted[&id];
        let files = accepted.request.files.iter().zip(&accepted.contents);
        for (name, content) in files {
            for (recipient, code) in accepted.request.recipients.iter().zip(&outcome.legs) {
                if *code == Code::Ok {
                    let recipient = recipient.to_string();
                    assert!(
                        self.seen[&recipient].contains(content),
                        "told, but never there"
                    );
                    let path = arrival(&accepted.request, name.as_str());
                    if inbox(&self.disk, &recipient, &path).as_ref() == Some(content) {
                        self.kept.insert((recipient, path), content.clone());
                    }
                }
            }
        }
    }

    fn take(&mut self, recipient: &str) {
        let paths = self.disk.paths(&app(recipient), Side::Inbox);
        let path = paths.into_iter().find(|path| !path.starts_with(".link/"));
        if let Some(path) = path {
            self.disk.take(&app(recipient), Side::Inbox, &path);
            self.kept.remove(&(recipient.to_string(), path));
        }
    }

    fn end(&mut self, is_power: bool) {
        match is_power {
            true => self.disk.power_cut(),
            false => self.disk.restart(),
        }
        self.mover = mover(&self.disk);
        let recovered = self.mover.recover(&apps()).unwrap();
        assert_eq!((recovered.files_returned, recovered.left.len()), (0, 0));
        self.transfers = recovered.transfers;
        let transfers = &self.transfers;
        self.accepted.retain(|id, accepted| {
            let is_known = transfers.iter().any(|transfer| transfer.id == *id);
            assert!(is_known || !accepted.is_told, "accepted and forgotten");
            is_known
        });
    }

    /// What must be at any time.
    fn look(&mut self) {
        let contents = self.accepted.values();
        let contents = contents.flat_map(|accepted| accepted.contents.clone());
        let contents: BTreeSet<Vec<u8>> = contents.collect();
        for recipient in RECIPIENTS {
            for path in self.disk.paths(&app(recipient), Side::Inbox) {
                if path.starts_with(".link/") {
                    continue;
                }
                let found = inbox(&self.disk, recipient, &path).unwrap();
                assert!(contents.contains(&found), "{path} is no whole file");
                self.seen
                    .entry(recipient.to_string())
                    .or_default()
                    .insert(found);
            }
        }
        for ((recipient, path), content) in &self.kept {
            let found = inbox(&self.disk, recipient, path);
            let may_replace = |accepted: &Accepted| {
                let files = accepted.request.files.iter().zip(&accepted.contents);
                let mut files = files.filter(|(name, content)| {
                    arrival(&accepted.request, name.as_str()) == *path
                        && found.as_ref() == Some(*content)
                });
                accepted.request.overwrite && files.next().is_some()
            };
            let is_replaced = self.accepted.values().any(may_replace);
            let is_kept = found.as_ref() == Some(content) || is_replaced;
            assert!(is_kept, "{path} of {recipient} was told, and is gone");
        }
        if !self.disk.has_failed() {
            self.nothing_is_lost();
        }
    }

    fn nothing_is_lost(&self) {
        let camera = app("camera");
        let there = self.disk.paths(&camera, Side::Outbox).into_iter();
        let there = there.filter_map(|path| outbox(&self.disk, &path));
        let there: BTreeSet<Vec<u8>> = there.collect();
        for content in self
            .accepted
            .values()
            .flat_map(|accepted| &accepted.contents)
        {
            let has_all = |accepted: &Accepted| {
                let mut recipients = accepted.request.recipients.iter();
                accepted.contents.contains(content)
                    && recipients.all(|recipient| {
                        let seen = self.seen.get(&recipient.to_string());
                        seen.is_some_and(|seen| seen.contains(content))
                    })
            };
            let is_somewhere = there.contains(content)
                || self.destroyed.contains(content)
                || self.accepted.values().any(has_all);
            assert!(is_somewhere, "lost");
        }
    }

    /// Everything comes to an end.
    fn finish(&mut self) {
        self.end(true);
        self.look();
        for index in 0..self.transfers.len() {
            for _ in 0..4 {
                self.with(index, |mover, transfer| mover.run(transfer, &|| true));
            }
            let transfer = &self.transfers[index];
            assert!(
                transfer.outcome().is_some(),
                "it does not end: {transfer:?}"
            );
        }
        self.end(true);
        for index in 0..self.transfers.len() {
            self.with(index, |mover, transfer| mover.run(transfer, &|| true));
        }
        self.look();
        for (id, accepted) in &self.accepted {
            assert!(accepted.told.is_some(), "{id} has no outcome");
        }
        nothing_is_left(&self.disk);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_is_lost_or_in_part_and_each_has_one_outcome(
        ops in ops(),
        seed in any::<u64>(),
    ) {
        let mut world = World::new(seed);
        for op in &ops {
            world.perform(op);
            if world.disk.has_failed() {
                world.end(seed % 4 != 0);
            }
        }
        world.finish();
    }
}

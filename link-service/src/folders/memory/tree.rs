//! Names in memory, and which of their changes a cut of the power leaves.
//!
//! Each change of names is there as a whole or not at all. It needs those before it that
//! were of one of its names, and those that made the directories it is in, and to remove a
//! directory, those that emptied it. Otherwise the order of changes is nobody's promise.

use std::collections::{BTreeMap, BTreeSet};

use super::octets::Octets;
use crate::folders::Kind;

/// An inode.
pub(super) type Number = u64;

/// What has a name.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) what: What,
    pub(super) owner: u32,
    pub(super) modified: i128,
    pub(super) changed: i128,
    /// Octets that are reserved.
    pub(super) reserved_bytes: u64,
}

#[derive(Debug)]
pub(super) enum What {
    File(Octets),
    Directory,
    Other,
}

type Names = BTreeMap<(Number, String), Number>;

#[derive(Debug)]
struct Change {
    /// What has which name from then on; nothing where the name is gone.
    names: Vec<((Number, String), Option<Number>)>,
    /// The directory that it makes.
    makes: Option<Number>,
    /// What it takes the only name of; of a directory, that is empty.
    removes: Option<Number>,
}

/// All that there is.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: BTreeMap<Number, Node>,
    last_number: Number,
    live: Names,
    durable: Names,
    not_synced: Vec<Change>,
    now: i128,
}

impl Node {
    pub(super) fn kind(&self) -> Kind {
        match self.what {
            What::File(_) => Kind::File,
            What::Directory => Kind::Directory,
            What::Other => Kind::Other,
        }
    }

    fn bytes(&self) -> u64 {
        match &self.what {
            What::File(octets) => self.reserved_bytes.max(octets.live().len() as u64),
            _ => 0,
        }
    }
}

impl Tree {
    /// A node that has no name yet.
    pub(super) fn make(&mut self, what: What, owner: u32) -> Number {
        self.last_number += 1;
        let now = self.tick();
        let node = Node {
            what,
            owner,
            modified: now,
            changed: now,
            reserved_bytes: 0,
        };
        self.nodes.insert(self.last_number, node);
        self.last_number
    }

    pub(super) fn tick(&mut self) -> i128 {
        self.now += 1;
        self.now
    }

    pub(super) fn find(&self, within: Number, name: &str) -> Option<Number> {
        self.live.get(&(within, name.to_string())).copied()
    }

    pub(super) fn names(&self, within: Number) -> impl Iterator<Item = (&str, Number)> {
        let names = self.live.range((within, String::new())..);
        let names = names.take_while(move |((directory, _), _)| *directory == within);
        names.map(|((_, name), number)| (name.as_str(), *number))
    }

    pub(super) fn links(&self, number: Number) -> u64 {
        self.live.values().filter(|named| **named == number).count() as u64
    }

    /// Octets of all files that have a name.
    pub(super) fn bytes(&self) -> u64 {
        let named: BTreeSet<&Number> = self.live.values().collect();
        let nodes = named
            .into_iter()
            .filter_map(|number| self.nodes.get(number));
        nodes.map(Node::bytes).sum()
    }

    /// Gives and takes names, all at once.
    pub(super) fn change(&mut self, names: &[(Number, &str, Option<Number>)]) {
        let now = self.tick();
        let mut change = Change {
            names: Vec::new(),
            makes: None,
            removes: None,
        };
        for (within, name, number) in names {
            let of = (*within, (*name).to_string());
            let before = self.live.get(&of).copied();
            for touched in [*number, before].into_iter().flatten() {
                if let Some(node) = self.nodes.get_mut(&touched) {
                    node.changed = now;
                }
            }
            change.names.push((of, *number));
        }
        let is_new = |number: &Number| {
            let node = self.nodes.get(number);
            node.is_some_and(|node| node.kind() == Kind::Directory) && self.links(*number) == 0
        };
        let made = names.iter().filter_map(|(_, _, number)| *number);
        change.makes = made.into_iter().find(is_new);
        if let [(within, name, None)] = names {
            change.removes = self.find(*within, name);
        }
        apply(&change, &mut self.live);
        self.not_synced.push(change);
    }

    /// Makes the last change durable, with all that it needs.
    pub(super) fn sync_last(&mut self) {
        if let Some(last) = self.not_synced.len().checked_sub(1) {
            self.make_durable(&BTreeSet::from([last]));
        }
    }

    /// Makes the names in a directory durable. One that has itself no durable name gains
    /// nothing by it.
    pub(super) fn sync(&mut self, directory: Number) {
        let changes = self.not_synced.iter();
        if changes
            .clone()
            .any(|change| change.makes == Some(directory))
        {
            return;
        }
        let is_here = |change: &Change| {
            change
                .names
                .iter()
                .any(|((within, _), _)| *within == directory)
        };
        let here = changes.enumerate().filter(|(_, change)| is_here(change));
        let here: BTreeSet<usize> = here.map(|(index, _)| index).collect();
        self.make_durable(&here);
    }

    /// Of what was not synced, each change is there or not.
    pub(super) fn lose(&mut self, random: &mut fastrand::Rng) {
        let mut kept = BTreeSet::new();
        for index in 0..self.not_synced.len() {
            if random.bool() && self.needs(index).is_subset(&kept) {
                kept.insert(index);
            }
        }
        self.make_durable(&kept);
        self.not_synced.clear();
        self.live = self.durable.clone();
        for node in self.nodes.values_mut() {
            if let What::File(octets) = &mut node.what {
                octets.lose(random);
            }
        }
    }

    /// The changes that this one needs itself.
    fn needs(&self, index: usize) -> BTreeSet<usize> {
        let Some(change) = self.not_synced.get(index) else {
            return BTreeSet::new();
        };
        let is_needed = |before: &Change| {
            let mut names = before.names.iter();
            let empties = names.any(|((within, _), _)| Some(*within) == change.removes);
            let is_same = |of: &(Number, String)| {
                let same = before.names.iter().any(|(name, _)| name == of);
                same || before.makes == Some(of.0)
            };
            empties || change.names.iter().any(|(of, _)| is_same(of))
        };
        let before = self.not_synced.iter().take(index).enumerate();
        let needed = before.filter(|(_, before)| is_needed(before));
        needed.map(|(index, _)| index).collect()
    }

    fn make_durable(&mut self, changes: &BTreeSet<usize>) {
        let mut all = changes.clone();
        let mut open: Vec<usize> = changes.iter().copied().collect();
        while let Some(index) = open.pop() {
            for needed in self.needs(index) {
                if all.insert(needed) {
                    open.push(needed);
                }
            }
        }
        let not_synced = std::mem::take(&mut self.not_synced);
        for (index, change) in not_synced.into_iter().enumerate() {
            match all.contains(&index) {
                true => apply(&change, &mut self.durable),
                false => self.not_synced.push(change),
            }
        }
    }
}

fn apply(change: &Change, to: &mut Names) {
    for (of, number) in &change.names {
        match number {
            Some(number) => drop(to.insert(of.clone(), *number)),
            None => drop(to.remove(of)),
        }
    }
}

//! Who speaks with whom in AX.25 frames, and what of it is for us.

use std::collections::BTreeMap;

use radio_hal::ax25::{self, UiFrame};
use radio_hal::framing::N1_BYTES_MAX;
use radio_hal::{Ax25Config, Callsign, FrameDrop};

use super::finding::{Finding, of_all};
use crate::config::GroundLinkConfig;
use crate::direction::Direction;

/// The AX.25 frames among those heard.
#[derive(Debug, Default)]
pub(super) struct Stations<'a> {
    /// Frames in all.
    all: usize,
    ui: Vec<UiFrame<'a>>,
    /// Who speaks with whom: by destination and source.
    pairs: BTreeMap<(Callsign, Callsign), Pair>,
    /// Why the others are no UI frames that could carry a packet.
    others: BTreeMap<&'static str, usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    frames: usize,
    /// Of them, those whose packets say that they go to the ground.
    down: usize,
}

impl Pair {
    fn goes_down(self) -> bool {
        2 * self.down > self.frames
    }
}

impl<'a> Stations<'a> {
    /// Those among `frames` that `link` could have heard.
    pub(super) fn in_frames(frames: &'a [Vec<u8>], link: &GroundLinkConfig) -> Self {
        let mut stations = Stations {
            all: frames.len(),
            ..Stations::default()
        };
        for frame in frames {
            match UiFrame::new_checked(frame, usize::MAX) {
                Ok(ui) => {
                    let pair = stations.pairs.entry(pair_of(&ui)).or_default();
                    pair.frames += 1;
                    let down = Direction::of(link, ui.info()) == Direction::Down;
                    pair.down += usize::from(down);
                    stations.ui.push(ui);
                }
                Err(error) => {
                    let reason = FrameDrop::from(&error).as_str();
                    *stations.others.entry(reason).or_default() += 1;
                }
            }
        }
        stations
    }

    /// The packets that concern us: those for us; else those of the most frequent
    /// pair of callsigns that is no uplink, since ours may be configured wrongly.
    pub(super) fn packets(&self, ours: Option<&Ax25Config>) -> Vec<&'a [u8]> {
        let for_us = |frame: &&UiFrame<'_>| ours.is_some_and(|ours| is_for(ours, frame));
        let any_for_us = self.ui.iter().any(|frame| for_us(&frame));
        let pair = self.most_frequent(|(destination, source), pair| {
            let uplink =
                ours.is_some_and(|ours| source == ours.callsign || destination == ours.peer);
            !uplink || pair.goes_down()
        });
        let concerns_us = |frame: &&UiFrame<'_>| match any_for_us {
            true => for_us(frame),
            false => Some(pair_of(frame)) == pair,
        };
        let frames = self.ui.iter().filter(concerns_us);
        let packets = frames.map(|frame| frame.info());
        packets.filter(|packet| !packet.is_empty()).collect()
    }

    fn most_frequent(
        &self,
        among: impl Fn((Callsign, Callsign), Pair) -> bool,
    ) -> Option<(Callsign, Callsign)> {
        let pairs = self
            .pairs
            .iter()
            .filter(|(between, pair)| among(**between, **pair));
        let most = pairs.max_by_key(|(_, pair)| pair.frames);
        most.map(|(between, _)| *between)
    }

    /// What suggests the table `ax25`, where there is none.
    pub(super) fn suggestion(&self) -> String {
        match self.most_frequent(|_, _| true) {
            Some((destination, source)) => {
                format!("ax25 = {{ callsign = \"{destination}\", peer = \"{source}\" }}")
            }
            None => "ax25 = { callsign = …, peer = … }".to_owned(),
        }
    }

    /// Why frames are not for us.
    pub(super) fn findings(&self, ours: &Ax25Config) -> Vec<Finding> {
        let mut findings = Vec::new();
        for ((destination, source), pair) in &self.pairs {
            let what = of_all(pair.frames, self.all, "frame");
            if *source == ours.callsign {
                let swapped = *destination == ours.peer && pair.goes_down();
                findings.push(own(ours, *destination, pair.frames, &what, swapped));
            } else if !is_to(ours, *destination) {
                findings.push(foreign(ours, *destination, *source, pair.frames, &what));
            }
        }
        findings.extend(self.too_long(ours));
        findings.extend(self.not_repeated(ours));
        for (reason, count) in &self.others {
            let what = of_all(*count, self.all, "frame");
            let evidence = format!("{what} are no AX.25 UI frames with PID F0: {reason}");
            findings.push(Finding::new(*count, evidence));
        }
        findings
    }

    fn too_long(&self, ours: &Ax25Config) -> Option<Finding> {
        let (count, longest) = self
            .ui
            .iter()
            .map(|frame| frame.info().len())
            .filter(|bytes| *bytes > ours.n1)
            .fold((0, 0), |(count, longest), bytes| {
                (count + 1, longest.max(bytes))
            });
        if count == 0 {
            return None;
        }
        let what = of_all(count, self.all, "frame");
        let n1 = ours.n1;
        let evidence = format!("{what} have up to {longest} octets of information; n1 is {n1}");
        let finding = Finding::new(count, evidence);
        Some(match longest <= N1_BYTES_MAX {
            true => finding.with_change(format!(
                "[link.radio] ax25.n1 = {longest}, or what the satellite has"
            )),
            false => finding,
        })
    }

    fn not_repeated(&self, ours: &Ax25Config) -> Option<Finding> {
        let mut by = BTreeMap::new();
        for frame in self.ui.iter().filter(|frame| is_for(ours, frame)) {
            let next = frame.digipeaters().find(|next| !next.repeated);
            if let Some(next) = next {
                *by.entry(next.callsign).or_insert(0_usize) += 1;
            }
        }
        let (callsign, count) = by.into_iter().max_by_key(|(_, count)| *count)?;
        let what = of_all(count, self.all, "frame");
        let evidence = format!(
            "{what} have still to be repeated by {callsign}: they are taken when it sends them"
        );
        Some(Finding::new(count, evidence))
    }

    /// A word on whom we send to, which is no reason to hear nothing.
    pub(super) fn remark(&self, ours: &Ax25Config) -> Option<String> {
        let mut for_us = self.ui.iter().filter(|frame| is_for(ours, frame));
        let source = for_us.next()?.source();
        let one = for_us.all(|frame| frame.source() == source);
        (one && source != ours.peer).then(|| {
            format!(
                "remark: all frames for us come from {source}, and we send to {} → \
                 [link.radio] ax25.peer = \"{source}\", if that is the satellite",
                ours.peer
            )
        })
    }
}

/// Whether `frame` is AX.25 of any type.
pub(super) fn is_ax25(frame: &[u8]) -> bool {
    ax25::addresses(frame).is_ok()
}

fn pair_of(frame: &UiFrame<'_>) -> (Callsign, Callsign) {
    (frame.destination(), frame.source())
}

fn is_to(ours: &Ax25Config, destination: Callsign) -> bool {
    destination == ours.callsign || ours.broadcast.contains(&destination)
}

fn is_for(ours: &Ax25Config, frame: &UiFrame<'_>) -> bool {
    is_to(ours, frame.destination()) && frame.source() != ours.callsign
}

fn own(
    ours: &Ax25Config,
    destination: Callsign,
    count: usize,
    what: &str,
    swapped: bool,
) -> Finding {
    let (callsign, peer) = (ours.callsign, ours.peer);
    if swapped {
        let evidence =
            format!("{what} come down from {callsign} to {peer}: the callsigns are swapped");
        let change = format!("[link.radio] ax25 callsign = \"{peer}\", peer = \"{callsign}\"");
        return Finding::new(count, evidence).with_change(change);
    }
    let evidence = format!(
        "{what} are from {callsign}, which is us, to {destination}: we hear our own transmitter, \
         or a digipeater that repeats it"
    );
    Finding::new(count, evidence)
}

fn foreign(
    ours: &Ax25Config,
    destination: Callsign,
    source: Callsign,
    count: usize,
    what: &str,
) -> Finding {
    if destination == ours.peer {
        let evidence = format!(
            "{what} go up to {destination}, our peer, from {source}: another ground station"
        );
        return Finding::new(count, evidence);
    }
    let evidence = format!(
        "{what} are AX.25 from {source}, but addressed to {destination}; your callsign is {}",
        ours.callsign
    );
    Finding::new(count, evidence).with_change(format!(
        "[link.radio] ax25.callsign = \"{destination}\", or ax25.broadcast = [\"{destination}\"]"
    ))
}

//! Why nothing gets through: what was heard is read in every way there is, and
//! the ways that make sense are held against the configuration.
//!
//! | step | asks |
//! |---|---|
//! | `delivery` | what does the link as configured make of it? |
//! | `framing`, `borders` | which framing finds frames? is AX.25 in them? |
//! | `stations` | who speaks with whom, and is it for us? |
//! | `packets` | which format, error control and APID map read the packets? |
//!
//! No I/O, no clock; the same octets give the same findings.

mod borders;
mod delivery;
mod finding;
mod framing;
mod heard;
mod packets;
mod stations;

use std::fmt;

use radio_hal::FramingError;

use crate::config::GroundLinkConfig;
use crate::output::counted;

pub(crate) use heard::{HEARD_BYTES_MAX, Heard};

use delivery::Delivery;
use finding::Finding;
use framing::Explained;
use heard::Cut;
use packets::best_reading;
use stations::Stations;

/// Findings that are shown; a busy channel has one for each pair of callsigns.
const FINDINGS_SHOWN_MAX: usize = 20;

/// Why nothing gets through, or that everything does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Diagnosis {
    /// Those that explain the most come first.
    pub(crate) findings: Vec<Finding>,
    /// What is no reason, but worth a look.
    remark: Option<String>,
    frames: usize,
    delivered: usize,
}

impl Diagnosis {
    /// Whether everything heard is delivered.
    pub(crate) fn all_is_well(&self) -> bool {
        self.findings.is_empty()
    }
}

/// A line for each finding.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.findings.iter().take(FINDINGS_SHOWN_MAX) {
            writeln!(f, "{finding}")?;
        }
        let more = self.findings.len().saturating_sub(FINDINGS_SHOWN_MAX);
        if more > 0 {
            writeln!(f, "and {} of less weight", counted(more, "finding"))?;
        }
        if let Some(remark) = &self.remark {
            writeln!(f, "{remark}")?;
        }
        let (delivered, frames) = (self.delivered, self.frames);
        match self.all_is_well() {
            true => write!(
                f,
                "all is well: {delivered} of {}",
                delivered_of(frames, "packet")
            ),
            false => write!(
                f,
                "as configured, {delivered} of {}",
                delivered_of(frames, "frame")
            ),
        }
    }
}

fn delivered_of(count: usize, thing: &str) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb} delivered", counted(count, thing))
}

/// Says why `link` does not deliver what was heard.
///
/// # Errors
/// [`FramingError`] if the link's framing is not sound.
pub(crate) fn diagnose(heard: &Heard, link: &GroundLinkConfig) -> Result<Diagnosis, FramingError> {
    let framing = heard.framing(link);
    let delivery = Delivery::of(heard, &framing, link)?;
    let mut diagnosis = Diagnosis {
        findings: foreign_sources(heard),
        remark: None,
        frames: delivery.frames_heard(),
        delivered: delivery.delivered(),
    };
    if heard.bytes() == 0 {
        if diagnosis.findings.is_empty() {
            diagnosis.findings.push(nothing_heard(heard, link));
        }
        return Ok(diagnosis);
    }
    let best = Explained::best(heard, &framing, link)?;
    let frames = &best.decoded.frames;
    if !best.is_something() {
        diagnosis.findings.push(nothing_known(heard, frames.len()));
        return Ok(diagnosis);
    }
    let findings = &mut diagnosis.findings;
    findings.extend(best.finding(heard, &framing, link));
    findings.extend(best.residue());
    let packets = if best.has_ax25 {
        let stations = Stations::in_frames(frames, link);
        if let Some(ours) = &framing.ax25 {
            findings.extend(stations.findings(ours));
            diagnosis.remark = stations.remark(ours);
        }
        stations.packets(framing.ax25.as_ref())
    } else {
        frames.iter().map(Vec::as_slice).collect()
    };
    findings.extend(packets::findings(link, &packets));
    let (reading, _) = best_reading(link, &packets);
    findings.extend(delivery::findings(&reading, link, &packets));
    if findings.is_empty() && delivery.delivered() < delivery.frames_heard() {
        findings.push(unexplained(&delivery));
    }
    // Stable, so that equal ones stay in the order of the way of a byte.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.explains));
    Ok(diagnosis)
}

fn foreign_sources(heard: &Heard) -> Vec<Finding> {
    if heard.foreign_sources == 0 {
        return Vec::new();
    }
    let what = counted(heard.foreign_sources, "datagram");
    let evidence = format!("{what} came from another address than that of `peer`");
    let explains = usize::try_from(heard.foreign_sources).unwrap_or(usize::MAX);
    vec![Finding::new(explains, evidence).with_change("[link.radio] peer")]
}

fn nothing_heard(heard: &Heard, link: &GroundLinkConfig) -> Finding {
    let transport = link.radio.transport();
    let evidence = match heard.time {
        Some(time) => format!(
            "nothing was heard in {} s {transport}: look at power, cable, antenna, frequency, \
             squelch and baud rate, and at whether the satellite is above the horizon and sends",
            time.as_secs_f64().ceil()
        ),
        None => "there is no octet in it".to_owned(),
    };
    Finding::new(0, evidence)
}

fn nothing_known(heard: &Heard, frames: usize) -> Finding {
    let bytes = counted(heard.bytes(), "octet");
    let evidence = match heard.cut {
        Cut::Stream => format!(
            "no framing finds anything known in {bytes}: noise, another baud rate or modem, or \
             encrypted"
        ),
        _ => format!(
            "{} in {bytes}, but neither AX.25 nor packets of a known format: encrypted, or not of \
             this satellite",
            counted(frames, "frame")
        ),
    };
    Finding::new(frames, evidence)
}

/// There must be a reason: the counters know it.
fn unexplained(delivery: &Delivery) -> Finding {
    let frames = delivery
        .frames
        .drops()
        .map(|(reason, count)| (reason.as_str(), count));
    let packets = delivery.packets.packets_in.dropped.iter();
    let packets = packets.map(|(reason, count)| (reason.as_str(), count));
    let reasons: Vec<_> = frames
        .chain(packets)
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    Finding::new(0, format!("dropped: {}", reasons.join(", ")))
}

#[cfg(test)]
mod tests;

//! What is missing, and when it is asked for.

use std::ops::Range;
use std::time::Duration;

use super::{Phase, Receiver};
use crate::entity::config::Peer;
use crate::entity::sent::Sent;
use crate::pdu::{BuildError, Nak, Pdu, SegmentRequest, SegmentRequests};

/// The list of what is missing that is being sent.
#[derive(Default)]
pub(super) struct NakList {
    pub(super) is_due: bool,
    /// Where its next PDU goes on.
    pub(super) cursor: u64,
    /// The last octet that was asked for lies before this.
    pub(super) asked_until: Option<u64>,
    /// The sender waits for it, though nothing may be missing.
    pub(super) is_prompted: bool,
    /// When the last PDU of it left.
    pub(super) left_at: Option<Duration>,
    /// Something that it asked for came.
    pub(super) is_being_answered: bool,
}

impl NakList {
    /// Whether there is nothing yet of what was asked for, and still may be.
    pub(super) fn waits(&self, contact: Duration, timeout: Duration) -> bool {
        let is_on_its_way = |left_at: Duration| contact < left_at + timeout;
        self.is_due || (!self.is_being_answered && self.left_at.is_some_and(is_on_its_way))
    }
}

impl<Staged> Receiver<Staged> {
    /// The sender wants to hear.
    pub(in crate::entity) fn handle_prompt(
        &mut self,
        wants_nak: bool,
        contact: Duration,
        peer: &Peer,
    ) {
        self.hear(contact, peer);
        match wants_nak {
            true if self.is_acknowledged() && self.phase == Phase::Receiving => {
                self.nak.is_due = true;
                self.nak.is_prompted = true;
                self.nak.cursor = 0;
            }
            true => {}
            false => self.keep_alive_due = self.is_acknowledged(),
        }
    }

    /// Whether something is missing that can be asked for.
    pub(super) fn misses_something(&self) -> bool {
        let mut holes = self.extents.holes(0..self.scope_end());
        self.about.is_none() || holes.next().is_some()
    }

    /// What is known to have been sent ends here.
    pub(super) fn scope_end(&self) -> u64 {
        let end = self.eof.as_ref().map_or(0, |(_, end)| end.size);
        end.max(self.extents.end())
    }

    pub(super) fn ask_if_needed(&mut self) {
        let may_ask = self.is_acknowledged() && self.phase == Phase::Receiving;
        if may_ask && self.misses_something() {
            self.nak.is_due = true;
            self.nak.cursor = 0;
            self.nak.left_at = None;
            self.nak.is_being_answered = false;
        }
    }

    /// There is little room for further ranges: asks for what is missing, unless that was
    /// just done. What is asked for comes before the rest of the file does.
    pub(super) fn ask_while_it_comes(
        &mut self,
        range: &Range<u64>,
        was_end: u64,
        contact: Duration,
        peer: &Peer,
    ) {
        let is_further = range.start >= was_end;
        let timeout = match self.round_trip.is_measured() {
            true => self.round_trip.timeout(peer.round_trip_guess),
            false => peer.nak_timeout,
        };
        let waits = self.nak.waits(contact, timeout);
        if is_further && !waits {
            self.ask_if_needed();
        }
    }

    /// What was asked for comes, perhaps.
    pub(super) fn note_answer(&mut self, range: &Range<u64>, contact: Duration) {
        let is_answer = self.nak.asked_until.is_some_and(|end| range.start < end);
        if !is_answer || self.nak.is_being_answered {
            return;
        }
        self.nak.is_being_answered = true;
        if let Some(left_at) = self.nak.left_at {
            self.round_trip.measure(contact.saturating_sub(left_at));
        }
    }

    /// The next PDU of the list of what is missing: as many requests as it holds.
    pub(super) fn build_nak(
        &mut self,
        pdu_bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<Sent>, BuildError> {
        let requests_max = Nak::requests_max(&self.header, pdu_bytes_max).max(1);
        let (start, end) = (self.nak.cursor, self.scope_end());
        let asks_for_metadata = self.about.is_none() && start == 0;
        let metadata = asks_for_metadata.then_some(SegmentRequest::METADATA);
        let mut holes = self.extents.holes(start..end).peekable();
        let listed = holes
            .by_ref()
            .take(requests_max - usize::from(asks_for_metadata));
        let listed = listed.map(|hole| SegmentRequest {
            start: hole.start,
            end: hole.end,
        });
        let requests: Vec<SegmentRequest> = metadata.into_iter().chain(listed).collect();
        let is_last = holes.peek().is_none();
        let last_end = requests.last().map_or(start, |last| last.end);
        let is_prompted = std::mem::take(&mut self.nak.is_prompted);
        if requests.is_empty() && !is_prompted {
            self.nak.is_due = false;
            return Ok(None);
        }
        let nak = Nak {
            start_of_scope: start,
            end_of_scope: if is_last { end } else { last_end },
            requests: SegmentRequests::of(&requests),
        };
        Pdu::build(&self.header, &Pdu::Nak(nak), out)?;
        self.nak.is_due = !is_last;
        self.nak.cursor = last_end;
        if is_last && !requests.is_empty() {
            self.nak.asked_until = Some(last_end);
        }
        Ok(Some(Sent::Nak { is_last }))
    }

    pub(in crate::entity) fn holes(&self) -> usize {
        self.extents.holes(0..self.scope_end()).count()
    }
}

//! An answer that arrived in part: its segments, and where they belong.
//!
//! The segments of one message have consecutive counts on their APID, and all but
//! the last are of the same size, so the count tells the place. The first carries
//! fewer octets of the payload, by its headers. When the first was lost, places are
//! counted from the message before, or, once the size of the answer is known, back
//! from the last; where neither is there, nothing but the first is taken to be lost.

use std::time::Instant;

use super::COUNT_MODULO;
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::message::Head;
use crate::packet::AnswerLayout;

/// Counts further back than this are ahead.
const HALF: u16 = COUNT_MODULO / 2;

#[derive(Debug)]
pub(crate) struct Part {
    /// None: the first segment was lost.
    pub(crate) head: Option<Head>,
    /// The payload from its beginning, as far as nothing misses.
    prefix: Option<HeldBytes>,
    prefix_packets: u16,
    /// The count after the prefix; without one, the count that the first segment
    /// must have had, where there was a message before it.
    base: Option<u16>,
    pieces: Vec<Piece>,
    pub(crate) packets: u64,
    pub(crate) last_packet_at: Instant,
}

#[derive(Debug)]
struct Piece {
    count: u16,
    last: bool,
    octets: HeldBytes,
}

impl Part {
    /// Of a message that is whole up to the segment before count `next`.
    pub(super) fn after(
        head: Head,
        prefix: HeldBytes,
        packets: u64,
        next: u16,
        last_packet_at: Instant,
    ) -> Part {
        Part {
            head: Some(head),
            prefix: Some(prefix),
            prefix_packets: u16::try_from(packets).unwrap_or(u16::MAX),
            base: Some(next),
            pieces: Vec::new(),
            packets,
            last_packet_at,
        }
    }

    /// Of a message whose first segment was lost, and had perhaps count `first`.
    pub(super) fn without_first(first: Option<u16>, now: Instant) -> Part {
        Part {
            head: None,
            prefix: None,
            prefix_packets: 0,
            base: first,
            pieces: Vec::new(),
            packets: 0,
            last_packet_at: now,
        }
    }

    /// Adds a further segment.
    pub(super) fn add(
        &mut self,
        now: Instant,
        count: u16,
        last: bool,
        octets: HeldBytes,
    ) -> Result<(), DropReason> {
        let base = self.base.filter(|_| self.head.is_some());
        let is_before = base.is_some_and(|base| ahead(count, base) >= HALF);
        if is_before || self.pieces.iter().any(|piece| piece.count == count) {
            return Err(DropReason::Duplicate);
        }
        self.packets += 1;
        self.last_packet_at = now;
        self.pieces.push(Piece {
            count,
            last,
            octets,
        });
        Ok(())
    }

    /// Octets held, as payload.
    pub(super) fn bytes(&self) -> usize {
        let pieces = self.pieces.iter().map(|piece| piece.octets.len());
        self.prefix.as_ref().map_or(0, |prefix| prefix.len()) + pieces.sum::<usize>()
    }

    /// What belongs where in the payload, given the payload's size where that is
    /// known. None as long as that cannot be told.
    pub(crate) fn placed(
        &self,
        layout: &AnswerLayout,
        total_bytes: Option<usize>,
    ) -> Option<Vec<(usize, &[u8])>> {
        let mut placed: Vec<(usize, &[u8])> = Vec::new();
        placed.extend(self.prefix.iter().map(|prefix| (0, prefix.as_slice())));
        for piece in &self.pieces {
            let offset = self.offset_of(piece, layout, total_bytes)?;
            placed.push((offset, piece.octets.as_slice()));
        }
        Some(placed)
    }

    /// Size of the payload, where the last segment and its place are known.
    pub(crate) fn total_bytes(&self, layout: &AnswerLayout) -> Option<usize> {
        self.head?;
        let last = self.pieces.iter().find(|piece| piece.last)?;
        let offset = self.offset_of(last, layout, None)?;
        (offset + last.octets.len()).checked_sub(layout.trailer_bytes)
    }

    /// How many octets of payload the first segment has, if that was lost.
    pub(crate) fn first_bytes(&self, layout: &AnswerLayout) -> Option<usize> {
        self.segment_bytes(layout)?.checked_sub(layout.header_bytes)
    }

    fn segment_bytes(&self, layout: &AnswerLayout) -> Option<usize> {
        if let Some(prefix) = &self.prefix {
            let (octets, packets) = (prefix.len() + layout.header_bytes, self.prefix_packets);
            let packets = usize::from(packets).max(1);
            return (octets % packets == 0).then_some(octets / packets);
        }
        let further = self.pieces.iter().filter(|piece| !piece.last);
        further.map(|piece| piece.octets.len()).max()
    }

    /// The count of the first segment, with no message before it to tell: of the
    /// beginning, most likely nothing else was lost. The hash of the answer decides.
    fn likely_base(&self) -> Option<u16> {
        let oldest = self.pieces.first()?;
        Some((oldest.count + COUNT_MODULO - 1) % COUNT_MODULO)
    }

    fn offset_of(
        &self,
        piece: &Piece,
        layout: &AnswerLayout,
        total_bytes: Option<usize>,
    ) -> Option<usize> {
        if let Some(prefix) = &self.prefix {
            let segments = usize::from(ahead(piece.count, self.base?));
            return Some(prefix.len() + segments * self.segment_bytes(layout)?);
        }
        let total_bytes = total_bytes?;
        if let Some(last) = self.pieces.iter().find(|piece| piece.last) {
            let end = total_bytes + layout.trailer_bytes;
            let last_offset = end.checked_sub(last.octets.len())?;
            let segments = usize::from(ahead(last.count, piece.count));
            let before = match segments {
                0 => 0,
                segments => segments * self.segment_bytes(layout)?,
            };
            return last_offset.checked_sub(before);
        }
        let base = self.base.or_else(|| self.likely_base())?;
        let segments = usize::from(ahead(piece.count, base));
        (segments * self.segment_bytes(layout)?).checked_sub(layout.header_bytes)
    }
}

/// How far `count` is ahead of `from`.
fn ahead(count: u16, from: u16) -> u16 {
    (count + COUNT_MODULO - from) % COUNT_MODULO
}

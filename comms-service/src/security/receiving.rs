//! Opening what came: which association, authentic, not seen before, durable.

use std::time::Instant;

use super::cipher::{Covered, TRAILER_BYTES, open};
use super::control::SecurityControl;
use super::spi::EVERYBODY;
use super::window::{Seen, Window};
use super::{Key, Security, Spi};
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::message::{End, Head, PayloadType, SecurityHeader};

/// So far ahead of the highest number accepted is the one on durable storage. After
/// a loss of power so many numbers may be refused though they were not used.
pub const LEAD_MESSAGES: u64 = 256;

/// A message that may be believed.
#[derive(Debug)]
pub(crate) enum Opened {
    /// To be passed on now.
    Now,
    /// To be passed on once [`Security::may_pass`] says so.
    Later,
    /// It was for the security layer.
    Taken,
}

impl Security {
    /// Whether `head.security` names an association that could be: anything else
    /// is not worth any memory.
    pub(crate) fn may_begin(&self, head: &Head) -> Result<(), DropReason> {
        let header = head.security.ok_or(DropReason::NoSecurity)?;
        if header.spi == 0 {
            let control = head.payload_type == PayloadType::LinkControl;
            return control.then_some(()).ok_or(DropReason::NoSecurity);
        }
        self.expected(header).map(drop)
    }

    fn expected(&self, header: SecurityHeader) -> Result<Spi, DropReason> {
        let spi = Spi::read(header.spi).filter(|spi| {
            let station = match self.end {
                End::Satellite => (1..=self.station).contains(&spi.station),
                End::Ground => spi.station == self.station || spi.station == EVERYBODY,
            };
            station && spi.direction == self.receives() && self.keys.has(spi.generation)
        });
        spi.ok_or(DropReason::UnknownAssociation)
    }

    /// Checks a whole message on `apid`, and strips it of its trailer.
    ///
    /// # Errors
    /// Why it is to be dropped, without a sign on the air.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        apid: u16,
        head: &Head,
        payload: &mut HeldBytes,
    ) -> Result<Opened, DropReason> {
        self.may_begin(head)?;
        let header = head.security.ok_or(DropReason::NoSecurity)?;
        if self.closed {
            return Err(DropReason::Shutdown);
        }
        if header.spi == 0 {
            let control = SecurityControl::decode(payload).ok_or(DropReason::NoSecurity)?;
            return self.handle_clear(now, control);
        }
        let spi = self.expected(header)?;
        let covered = Covered::new(self.receives(), apid, header, head);
        self.authenticate(now, spi, &covered, head, payload)?;

        let durable = self.limit(header.spi).durable;
        let window = self.windows.entry(header.spi);
        let window = window.or_insert_with(|| Window::new(durable));
        if window.look(header.sequence) != Seen::Fresh {
            return Err(DropReason::Replay);
        }
        let jumps = header.sequence.saturating_sub(window.next()) >= LEAD_MESSAGES / 2;
        window.mark(header.sequence);
        if jumps && self.end == End::Satellite {
            self.jump_ahead_of(spi.station);
        }
        let limit = self.limit(header.spi);
        let ahead = header.sequence.saturating_add(LEAD_MESSAGES);
        if ahead.saturating_sub(limit.wanted) >= LEAD_MESSAGES / 2 {
            self.want(header.spi, ahead);
        }
        self.note_heard(now, spi);
        if head.payload_type == PayloadType::LinkControl
            && let Some(SecurityControl::ResyncDone(done)) = SecurityControl::decode(payload)
            && self.end == End::Ground
        {
            self.handle_resync_done(&done);
            return Ok(Opened::Taken);
        }
        Ok(match header.sequence < limit.durable {
            true => Opened::Now,
            false => Opened::Later,
        })
    }

    /// Whether a message that had to wait may be passed on.
    ///
    /// # Errors
    /// Its association is gone, or the end is closed.
    pub(crate) fn may_pass(&self, header: SecurityHeader) -> Result<bool, DropReason> {
        let limit = self.limits.get(&header.spi);
        let limit = limit.filter(|_| !self.closed).ok_or(DropReason::NotSaved)?;
        Ok(header.sequence < limit.durable)
    }

    /// Under the keys of now; on the ground also under those of a resync whose
    /// success is told so.
    fn authenticate(
        &mut self,
        now: Instant,
        spi: Spi,
        covered: &Covered,
        head: &Head,
        payload: &mut HeldBytes,
    ) -> Result<(), DropReason> {
        let key = self.key(spi);
        let has_key = key.is_some();
        if let Some(key) = key
            && self.opens(&key, covered, payload)
        {
            return Ok(());
        }
        let may_be_news = self.end == End::Ground
            && head.payload_type == PayloadType::LinkControl
            && spi.station == self.station;
        if may_be_news {
            for pending in self.state.pending.clone() {
                let key = self.keys.derive(self.mode, spi, &pending.salt());
                if key.is_some_and(|key| self.opens(&key, covered, payload)) {
                    self.adopt(now, spi.generation, &pending);
                    return Ok(());
                }
            }
        }
        Err(match has_key {
            true => DropReason::BadMac,
            false => DropReason::NotInSync,
        })
    }

    /// Whether `payload` with its trailer is authentic; if so the trailer is gone.
    fn opens(&self, key: &Key, covered: &Covered, payload: &mut HeldBytes) -> bool {
        let octets = payload.as_mut_slice();
        let Some((payload_octets, trailer)) = octets.split_last_chunk_mut::<TRAILER_BYTES>() else {
            return false;
        };
        let authentic = open(self.mode, key, covered, payload_octets, trailer).is_ok();
        if authentic {
            let bytes = payload.len() - TRAILER_BYTES;
            payload.truncate(bytes);
        }
        authentic
    }

    fn note_heard(&mut self, now: Instant, spi: Spi) {
        self.heard.insert(spi.station, now);
        if self.end == End::Ground {
            return;
        }
        if let Some(station) = self.state.stations.get_mut(&spi.station)
            && station.generation != spi.generation
        {
            station.generation = spi.generation;
            self.version += 1;
        }
    }
}

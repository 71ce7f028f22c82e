//! Receipts on their way up, so many at once: one whose order ended without success is ordered
//! again, after a pause that grows.

use std::collections::BTreeMap;
use std::fs;

use delivery_receipt::Receipt;
use jiff::Timestamp;

use super::APP;
use super::counts::Counts;
use super::deliverer::{Deliverer, Undone};
use super::journal::{Ordered, Record};
use super::step::Step;

/// After an order failed, it is made again so long later, then twice as long, up to the longest.
const PAUSE_SECONDS: i64 = 5;
const PAUSE_SECONDS_MAX: i64 = 3600;
/// How often a receipt is ordered: some days, with these pauses. Then the item on board waits
/// for the end of its time.
const TRIES_MAX: u32 = 100;

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is under way.
    UnderWay,
    /// The satellite has it.
    Arrived,
    /// It has ended without that, or nobody knows it any more: why.
    Failed(String),
}

impl Deliverer {
    /// Looks what became of receipts, and orders those that are due.
    pub(super) fn follow_receipts(&mut self, now: Timestamp) {
        let receipts = self.receipts.take();
        match receipts.map_or_else(|| self.parts.journal.receipts(), Ok) {
            Ok(mut receipts) => {
                if let Err(Undone::Later(why)) = self.follow(&mut receipts, now) {
                    log::warn!("receipts: {why}");
                }
                self.receipts = Some(receipts);
            }
            Err(why) => log::warn!("receipts: {why}"),
        }
    }

    fn follow(
        &mut self,
        receipts: &mut BTreeMap<String, Ordered>,
        now: Timestamp,
    ) -> Result<(), Undone> {
        let under_way = receipts.iter().filter(|(_, ordered)| ordered.due.is_none());
        let (uuids, keys): (Vec<String>, Vec<&str>) = under_way
            .map(|(uuid, ordered)| (uuid.clone(), ordered.key.as_str()))
            .unzip();
        if !keys.is_empty() {
            let fates = self.parts.ground.fates(&keys);
            for (uuid, fate) in uuids.into_iter().zip(fates) {
                match fate {
                    Fate::UnderWay => {}
                    Fate::Arrived => {
                        self.parts.journal.note_receipt(&uuid, None, |_| {})?;
                        receipts.remove(&uuid);
                    }
                    Fate::Failed(why) => self.failed(receipts, &uuid, &why, now)?,
                }
            }
        }
        let under_way = receipts.values().filter(|ordered| ordered.due.is_none());
        let room = self.parts.receipts_max.saturating_sub(under_way.count());
        let is_due = |ordered: &Ordered| ordered.due.is_some_and(|due| due <= now.as_second());
        let due = receipts.iter().filter(|(_, ordered)| is_due(ordered));
        let due = due.take(room).map(|(uuid, _)| uuid.clone());
        for uuid in due.collect::<Vec<_>>() {
            self.order(receipts, &uuid, now)?;
        }
        Ok(())
    }

    fn failed(
        &mut self,
        receipts: &mut BTreeMap<String, Ordered>,
        uuid: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<(), Undone> {
        let Some(ordered) = receipts.get_mut(uuid) else {
            return Ok(());
        };
        let pause = pause(ordered.tries);
        if ordered.tries >= TRIES_MAX {
            log::error!("{uuid}: its receipt did not go up {TRIES_MAX} times: {why}");
            receipts.remove(uuid);
        } else {
            log::warn!("{uuid}: its receipt did not go up, and goes again in {pause} s: {why}");
            ordered.due = Some(now.as_second().saturating_add(pause));
        }
        let noted = receipts.get(uuid);
        let count = |counts: &mut Counts| counts.receipts_failed += 1;
        Ok(self.parts.journal.note_receipt(uuid, noted, count)?)
    }

    /// # Errors
    /// It cannot be ordered now, and so cannot others.
    fn order(
        &mut self,
        receipts: &mut BTreeMap<String, Ordered>,
        uuid: &str,
        now: Timestamp,
    ) -> Result<(), Undone> {
        let Some(mut record) = self.parts.journal.find(uuid)? else {
            // So much came since that it is forgotten.
            self.parts.journal.note_receipt(uuid, None, |_| {})?;
            receipts.remove(uuid);
            return Ok(());
        };
        let Some(ordered) = receipts.get_mut(uuid) else {
            return Ok(());
        };
        match self.order_receipt(&record) {
            Ok(Some(key)) => {
                (self.parts.at_step)(Step::Ordered);
                record.receipts = record.receipts.saturating_add(1);
                let tries = ordered.tries.saturating_add(1);
                *ordered = Ordered {
                    key,
                    tries,
                    due: None,
                };
                let journal = &mut self.parts.journal;
                journal.change(&record, Some(ordered), |counts| counts.receipts += 1)?;
            }
            // There is no key of receipts any more.
            Ok(None) => {
                self.parts.journal.note_receipt(uuid, None, |_| {})?;
                receipts.remove(uuid);
            }
            Err(why) => {
                ordered.due = Some(now.as_second().saturating_add(pause(ordered.tries)));
                return Err(why);
            }
        }
        Ok(())
    }

    /// Orders the receipt of a file up: the key of the order, or none where no receipts are
    /// signed.
    fn order_receipt(&self, record: &Record) -> Result<Option<String>, Undone> {
        let Some(signing) = &self.parts.signing else {
            return Ok(None);
        };
        let object = &record.object;
        let receipt = signing.signed(Receipt {
            uuid: object.uuid.clone(),
            topic: object.topic.clone(),
            sha256: object.sha256.clone(),
            size: object.size,
            crc32: object.crc32.clone(),
            bucket: record.place.clone(),
            key: record.key.clone(),
            satellite: object.satellite.clone(),
            time: record.time,
            signature: String::new(),
        });
        let octets = serde_json::to_vec(&receipt).map_err(|error| error.to_string())?;
        fs::create_dir_all(&self.parts.receipts)?;
        let local = self.parts.receipts.join(format!("{}.json", object.uuid));
        fs::write(&local, octets)?;
        // The same where it is ordered again after a crash.
        let drawn = blake3::hash(format!("{}/{}", object.uuid, record.receipts).as_bytes());
        let key = hex::encode(drawn.as_bytes().get(..16).unwrap_or_default());
        let remote = format!("app:{APP}/receipts");
        let ordered = self.parts.ground.order_up(&key, &local, &remote);
        ordered.map_err(|why| Undone::Later(format!("its receipt cannot go up: {why}")))?;
        // It is copied where it is sent from.
        fs::remove_file(&local)?;
        Ok(Some(key))
    }
}

/// After so many tries.
fn pause(tries: u32) -> i64 {
    let doubled = PAUSE_SECONDS.checked_shl(tries.saturating_sub(1));
    let pause = doubled.filter(|pause| (1..PAUSE_SECONDS_MAX).contains(pause));
    pause.unwrap_or(PAUSE_SECONDS_MAX)
}

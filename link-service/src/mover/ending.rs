//! What is left once each recipient has it, or never gets it: the source is released or
//! given back, and the transfer has its outcome.

use super::places;
use super::step::Step;
use super::stop::Stop;
use super::{Mover, Ran};
use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::record::{LegPhase, Outcome, Phase, Transfer};
use crate::request::Recipient;

impl<F: Folders, J: Journal> Mover<F, J> {
    /// Changes a leg, and with it what else is known then; durable when it returns. The
    /// last leg that is over ends the transfer by the same record.
    pub(super) fn journal_leg(
        &self,
        transfer: &mut Transfer,
        index: usize,
        change: impl FnOnce(&mut Transfer) -> LegPhase,
    ) -> Result<(), Stop> {
        let mut next = transfer.clone();
        let phase = change(&mut next);
        if let Some(leg) = next.legs.get_mut(index) {
            leg.phase = phase;
            if phase.code().is_some() {
                leg.ended_at = (self.wall)();
            }
        }
        if next.code().is_some() {
            next.phase = Phase::Ending;
        }
        self.journal.put(&next)?;
        *transfer = next;
        if let Some(at_leg) = &self.at_leg {
            at_leg(transfer);
        }
        Ok(())
    }

    /// A recipient never gets it; durable when it returns.
    pub(super) fn fail_leg(
        &self,
        transfer: &mut Transfer,
        index: usize,
        code: Code,
        text: &str,
    ) -> Result<(), Stop> {
        self.journal_leg(transfer, index, |transfer| {
            if let Some(leg) = transfer.legs.get_mut(index) {
                leg.text = text.to_string();
            }
            LegPhase::Failed(code)
        })?;
        self.steps.done(Step::LegJournaled);
        Ok(())
    }

    /// Does what is left, and tells the outcome. Done again, it finds it done.
    pub(super) fn end(&self, transfer: &mut Transfer) -> Result<Ran, Stop> {
        let Some(code) = transfer.code() else {
            return Ok(Ran::Elsewhere);
        };
        let mut text = failure(transfer).to_owned();
        let returned = match self.leave_nothing(transfer, code) {
            // An app made something else of what is the service's own: that is no reason
            // not to end.
            Err(Stop::Final(_, error)) => {
                let beside = if text.is_empty() { "" } else { "; " };
                text = format!("{text}{beside}the source is left where it is: {error}");
                Vec::new()
            }
            left => left?,
        };
        let mut next = transfer.clone();
        next.phase = Phase::Ended(self.outcome(transfer, code, text, returned));
        // A crash before that is durable ends it again, in the same way.
        self.journal.note(&next)?;
        *transfer = next;
        self.steps.done(Step::Ended);
        Ok(Ran::of_phase(&transfer.phase))
    }

    /// Ends a transfer whose legs are over though its source, or a part of a staging, cannot
    /// be cleared: `why`. What is left is left where it is, and cleared at the next start.
    pub fn end_uncleared(&self, transfer: &mut Transfer, why: &str) -> Ran {
        let Some(code) = transfer.code() else {
            return Ran::Elsewhere;
        };
        let beside = match failure(transfer) {
            "" => String::new(),
            text => format!("{text}; "),
        };
        let text = format!("{beside}its source is not cleared before the next start: {why}");
        let mut next = transfer.clone();
        next.phase = Phase::Ended(self.outcome(transfer, code, text, Vec::new()));
        // Durable, as a crash would perhaps end it in another way.
        match self.journal.put(&next) {
            Ok(()) => {
                *transfer = next;
                Ran::of_phase(&transfer.phase)
            }
            Err(error) => Ran::Retry(Code::IoError, error.to_string()),
        }
    }

    fn outcome(
        &self,
        transfer: &Transfer,
        code: Code,
        text: String,
        returned: Vec<String>,
    ) -> Outcome {
        let codes = transfer.legs.iter().filter_map(|leg| leg.phase.code());
        Outcome {
            code,
            text,
            legs: codes.collect(),
            returned,
            ended_at: (self.wall)(),
        }
    }

    /// Nothing of a transfer that is over is on its way any more.
    pub(super) fn leave_nothing(
        &self,
        transfer: &Transfer,
        code: Code,
    ) -> Result<Vec<String>, Stop> {
        for leg in &transfer.legs {
            if let (Recipient::App(app), LegPhase::Failed(_)) = (&leg.recipient, leg.phase) {
                let discarded = places::discard_staging(&self.folders, app, transfer.id);
                discarded.map_err(Stop::of_own)?;
                self.steps.done(Step::Discarded);
            }
        }
        match code {
            Code::Ok => self.release(transfer).map(|()| Vec::new()),
            _ => self.give_back(transfer),
        }
    }
}

/// Why the first recipient that did not get it did not.
fn failure(transfer: &Transfer) -> &str {
    let mut legs = transfer.legs.iter();
    let failed = legs.find(|leg| leg.phase.code() != Some(Code::Ok));
    failed.map_or("", |leg| &leg.text)
}

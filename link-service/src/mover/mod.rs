//! How files get from an outbox to inboxes.
//!
//! The protocol, each step of which finds itself done where it was:
//!
//! 1. the source is opened: a regular file of the sender's own, through no link
//! 2. the source and its name are synced, and the transfer is in the journal: it is accepted
//! 3. the source is renamed to its place among the claims
//! 4. quota and free space are looked at, and room is taken
//! 5. the octets are copied to the inbox's own file system, and hashed
//! 6. the file is synced
//! 7. it is read again and compared with the hash; the source is as it was
//! 8. the journal has the hash: meanwhile, as it takes as long as 6; a run that finds it there
//!    does 6 and 7 again
//! 9. once all of that is done, the file gets its name, in the place of none but where that
//!    was asked for
//! 10. the directories are synced
//! 11. the journal has it as committed; the source is removed; the outcome is told
//!
//! So whenever the power is cut, there is the source or what was delivered or both, and
//! never a part of a file under its name. The claim, and its removal, need no sync of their
//! own: the next run looks in both places.

mod arrival;
mod arrived;
mod copy;
mod delivered;
mod ending;
mod kept;
mod leg;
mod places;
mod progress;
mod recovery;
mod room;
mod source;
mod staging;
mod step;
mod stop;

use std::time::Duration;

use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::names::AppId;
use crate::record::{FileRecord, Leg, LegPhase, Origin, Outcome, Phase, Transfer, TransferId};
use crate::request::{BATCH_FILES_MAX, LinkRequest, Priority, RECIPIENTS_MAX, Recipient};

pub use arrived::Expected;
pub use delivered::delivered_path;
pub use places::batch_name;
pub(crate) use places::{batch_name_of, make_beneath, open_or_make};
pub use recovery::{LEFT_MAX, Recovered};
pub use room::Quota;
pub use step::{AtStep, Step};

use kept::Kept;
use room::Rooms;
use step::Steps;
use stop::Stop;

/// Moves files. Several threads may run transfers with one, each another.
pub struct Mover<F: Folders, J: Journal> {
    folders: F,
    journal: J,
    limits: MoverLimits,
    quotas: Box<dyn Quotas>,
    rooms: Rooms,
    kept: Kept,
    steps: Steps,
    wall: Box<dyn Fn() -> Duration + Send + Sync>,
    at_leg: Option<AtLeg>,
    at_chunk: Option<AtChunk>,
    is_elsewhere: Box<dyn Fn(&AppId) -> bool + Send + Sync>,
}

/// Is told of a transfer when a leg of it is another.
pub type AtLeg = Box<dyn Fn(&Transfer) + Send + Sync>;

/// Is told how many octets for which leg of a transfer are there.
pub type AtChunk = Box<dyn Fn(TransferId, usize, u64) + Send + Sync>;

/// Limits of a [`Mover`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoverLimits {
    /// Octets that are copied at once; between two chunks, a run may be ended.
    pub chunk_bytes: usize,
    /// Octets of a file system that are left free.
    pub free_bytes_min: u64,
}

impl Default for MoverLimits {
    fn default() -> Self {
        MoverLimits {
            chunk_bytes: 256 << 10,
            free_bytes_min: 64 << 20,
        }
    }
}

/// What inboxes may hold.
pub trait Quotas: Send + Sync {
    /// What the inbox of an app may hold.
    fn of(&self, app: &AppId) -> Quota;

    /// Octets of a file system that files of a priority leave free, beyond
    /// [`MoverLimits::free_bytes_min`].
    fn kept_free_bytes(&self, _: Priority) -> u64 {
        0
    }
}

impl<Q: Fn(&AppId) -> Quota + Send + Sync> Quotas for Q {
    fn of(&self, app: &AppId) -> Quota {
        self(app)
    }
}

/// How a run of a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// Nothing more becomes of it.
    Ended(Outcome),
    /// It may be well another time.
    Retry(Code, String),
    /// It was to stop, and goes on another time where it is.
    Preempted,
    /// What is left are legs that lead elsewhere: their files are claimed. Once they are
    /// over, another run ends the transfer.
    Elsewhere,
}

/// Why a request was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code:?}: {text}")]
pub struct Refused {
    /// As what.
    pub code: Code,
    /// What there is to say beside it.
    pub text: String,
}

impl<F: Folders, J: Journal> Mover<F, J> {
    /// One with these boxes and this journal.
    #[must_use]
    pub fn new(folders: F, journal: J, limits: MoverLimits, quotas: impl Quotas + 'static) -> Self {
        Mover {
            folders,
            journal,
            limits,
            quotas: Box::new(quotas),
            rooms: Rooms::default(),
            kept: Kept::default(),
            steps: Steps::default(),
            wall: Box::new(|| Duration::ZERO),
            at_leg: None,
            at_chunk: None,
            is_elsewhere: Box::new(|_| false),
        }
    }

    /// Calls `at_step` after each [`Step`] from now on: for tests, which end the process
    /// there.
    pub fn at_each_step(&mut self, at_step: AtStep) {
        self.steps.tell(at_step);
    }

    /// What `wall` says is when something ended: since 1970. Without it, nobody knows.
    pub fn tell_time(&mut self, wall: impl Fn() -> Duration + Send + Sync + 'static) {
        self.wall = Box::new(wall);
    }

    /// Calls `at_leg` from now on when a leg of a transfer that runs is another, and the
    /// journal knows it.
    pub fn at_each_leg(&mut self, at_leg: AtLeg) {
        self.at_leg = Some(at_leg);
    }

    /// Calls `at_chunk` from now on before each chunk that is copied.
    pub fn at_each_chunk(&mut self, at_chunk: AtChunk) {
        self.at_chunk = Some(at_chunk);
    }

    /// Leaves the inboxes of these apps to others from now on: a leg to one leads elsewhere.
    pub fn lead_elsewhere(&mut self, of: impl Fn(&AppId) -> bool + Send + Sync + 'static) {
        self.is_elsewhere = Box::new(of);
    }

    /// The boxes.
    pub fn folders(&self) -> &F {
        &self.folders
    }

    /// The journal.
    pub fn journal(&self) -> &J {
        &self.journal
    }

    /// Accepts a request: steps 1 and 2. Who may send what to whom was asked before.
    ///
    /// # Errors
    /// [`Refused`]: nothing has become of it.
    pub fn accept(
        &self,
        id: TransferId,
        sender: &AppId,
        request: LinkRequest,
        accepted_at: Duration,
    ) -> Result<Transfer, Refused> {
        self.accept_if(id, sender, request, accepted_at, |_| Ok(()))
    }

    /// The same, if files such as these may be sent.
    ///
    /// # Errors
    /// [`Refused`], that of `may_be_sent` among them: nothing has become of it.
    pub fn accept_if(
        &self,
        id: TransferId,
        sender: &AppId,
        request: LinkRequest,
        accepted_at: Duration,
        may_be_sent: impl Fn(&[FileRecord]) -> Result<(), Refused>,
    ) -> Result<Transfer, Refused> {
        let may_be_sent = |files: &mut [FileRecord]| may_be_sent(files);
        self.accept_from(id, (sender, None), request, accepted_at, may_be_sent)
    }

    fn accept_from(
        &self,
        id: TransferId,
        (sender, origin): (&AppId, Option<Origin>),
        request: LinkRequest,
        accepted_at: Duration,
        may_be_sent: impl Fn(&mut [FileRecord]) -> Result<(), Refused>,
    ) -> Result<Transfer, Refused> {
        let accept = || {
            is_sound(&request)?;
            let mut files = match &origin {
                Some(origin) => self.inspect(sender, origin.folder.split('/'), &request)?,
                None => self.inspect(sender, request.subdirectory.components(), &request)?,
            };
            may_be_sent(&mut files).map_err(|Refused { code, text }| Stop::Final(code, text))?;
            let legs = request.recipients.iter().map(|recipient| Leg {
                recipient: recipient.clone(),
                phase: LegPhase::Waiting,
                text: String::new(),
                ended_at: Duration::ZERO,
            });
            let mut transfer = Transfer {
                id,
                sender: sender.clone(),
                origin,
                legs: legs.collect(),
                request,
                accepted_at,
                files,
                bundle_hash: None,
                attempts: 0,
                phase: Phase::Accepted,
            };
            match transfer.origin {
                None => self.journal_and_sync(&mut transfer)?,
                // What came over a link is durable already.
                Some(_) => self.journal.put(&transfer)?,
            }
            self.steps.done(Step::Accepted);
            Ok(transfer)
        };
        accept().map_err(Refused::of)
    }

    /// The journal has the transfer, and the disk its source: both take as long as the disk
    /// does. Until both are there, nobody was told that it is accepted.
    fn journal_and_sync(&self, transfer: &mut Transfer) -> Result<(), Stop> {
        let mut synced = Ok(transfer.files.clone());
        let of = &*transfer;
        let journaled = self
            .journal
            .put_while(of, &mut || synced = self.sync_source(of));
        match synced {
            Ok(files) if files == transfer.files => Ok(journaled?),
            Ok(files) => {
                transfer.files = files;
                Ok(self.journal.put(transfer)?)
            }
            Err(stop) => {
                if let Err(error) = self.journal.remove(transfer.id) {
                    log::warn!("transfer {} is refused, and goes on: {error}", transfer.id);
                }
                Err(stop)
            }
        }
    }

    /// Runs a transfer, steps 3 to 11, from where it is. Between two chunks it asks
    /// whether to go on.
    pub fn run(&self, transfer: &mut Transfer, go_on: &dyn Fn() -> bool) -> Ran {
        transfer.attempts = transfer.attempts.saturating_add(1);
        let ran = self.try_run(transfer, go_on);
        ran.unwrap_or_else(Ran::of)
    }

    fn try_run(&self, transfer: &mut Transfer, go_on: &dyn Fn() -> bool) -> Result<Ran, Stop> {
        if let Phase::Ended(outcome) = &transfer.phase {
            return Ok(Ran::Ended(outcome.clone()));
        }
        if self.needs_source(transfer) {
            match self.claim(transfer) {
                Err(Stop::Final(code, text)) => self.fail_open_legs(transfer, code, &text)?,
                claimed => claimed?,
            }
        }
        let mut retry = None;
        for index in 0..transfer.legs.len() {
            let Some(recipient) = self.here(transfer, index) else {
                continue;
            };
            match self.deliver(transfer, index, &recipient, go_on) {
                Ok(()) => {}
                Err(Stop::Final(code, text)) => {
                    self.fail_leg(transfer, index, code, &text)?;
                }
                Err(Stop::Preempted) => return Err(Stop::Preempted),
                // Others need not wait for it.
                Err(stop) => retry = retry.or(Some(stop)),
            }
        }
        match retry {
            Some(stop) => Err(stop),
            // What comes of a failure is known to all legs, as that of a claim is.
            None => match self.hash_source(transfer, go_on) {
                Err(Stop::Final(code, text)) => {
                    self.fail_open_legs(transfer, code, &text)?;
                    self.end(transfer)
                }
                hashed => hashed.and_then(|()| self.end(transfer)),
            },
        }
    }

    /// Opens a file of a transfer that was run, for a leg that leads elsewhere: if it is still
    /// what was accepted. `index` is that of the file.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn open_source_of(&self, transfer: &Transfer, index: usize) -> Result<F::File, Refused> {
        let source = self.open_accepted(transfer, index);
        source.map(|source| source.file).map_err(Refused::of)
    }

    /// A leg that leads elsewhere is over: its recipient has the files, or never gets them.
    /// Durable when it returns. Another run ends the transfer, once that was the last.
    ///
    /// # Errors
    /// [`Refused`]: the journal does not have it.
    pub fn end_leg(
        &self,
        transfer: &mut Transfer,
        index: usize,
        ended: &Result<(), Refused>,
    ) -> Result<(), Refused> {
        let journaled = match ended {
            Ok(()) => self.journal_leg(transfer, index, |_| LegPhase::Committed),
            Err(Refused { code, text }) => self.fail_leg(transfer, index, *code, text),
        };
        journaled.map_err(Refused::of)
    }

    /// Ends a transfer that is not to be tried again: it was cancelled, its time is over,
    /// or it failed too often. Who has it already, has it.
    pub fn give_up(&self, transfer: &mut Transfer, code: Code, text: &str) -> Ran {
        let ran = self.try_give_up(transfer, code, text);
        ran.unwrap_or_else(Ran::of)
    }

    fn try_give_up(&self, transfer: &mut Transfer, code: Code, text: &str) -> Result<Ran, Stop> {
        if let Phase::Ended(outcome) = &transfer.phase {
            return Ok(Ran::Ended(outcome.clone()));
        }
        self.fail_open_legs(transfer, code, text)?;
        self.end(transfer)
    }

    fn fail_open_legs(&self, transfer: &mut Transfer, code: Code, text: &str) -> Result<(), Stop> {
        for index in 0..transfer.legs.len() {
            let phase = transfer.legs.get(index).map(|leg| leg.phase);
            match (phase, self.here(transfer, index)) {
                (None | Some(LegPhase::Committed | LegPhase::Failed(_)), _) => continue,
                (Some(LegPhase::Verified { boot }), Some(app))
                    if self.commit_renamed(transfer, index, &app, boot)? => {}
                _ => self.fail_leg(transfer, index, code, text)?,
            }
        }
        Ok(())
    }

    /// Whether a leg is still to be copied.
    fn needs_source(&self, transfer: &Transfer) -> bool {
        let mut legs = transfer.legs.iter();
        legs.any(|leg| matches!(leg.phase, LegPhase::Waiting | LegPhase::Copying { .. }))
    }

    /// Whom a leg leads to that is not over, and has its inbox in a directory here.
    fn here(&self, transfer: &Transfer, index: usize) -> Option<AppId> {
        let leg = transfer.legs.get(index)?;
        match (&leg.recipient, leg.phase.code()) {
            (Recipient::App(app), None) if !(self.is_elsewhere)(app) => Some(app.clone()),
            _ => None,
        }
    }
}

/// Whether a request is one at all.
fn is_sound(request: &LinkRequest) -> Result<(), Stop> {
    let refused = |text: &str| Err(Stop::finally(Code::InvalidArgument, text));
    if request.files.is_empty() {
        return refused("no file is named");
    }
    if request.files.len() > BATCH_FILES_MAX {
        return refused(&format!("more than {BATCH_FILES_MAX} files are named"));
    }
    if request.recipients.is_empty() {
        return refused("no recipient is named");
    }
    if request.recipients.len() > RECIPIENTS_MAX {
        return refused(&format!("more than {RECIPIENTS_MAX} recipients are named"));
    }
    if has_twice(&request.files) {
        return refused("a file is named twice");
    }
    if has_twice(&request.recipients) {
        return refused("a recipient is named twice");
    }
    Ok(())
}

fn has_twice<T: Ord>(all: &[T]) -> bool {
    let different: std::collections::BTreeSet<&T> = all.iter().collect();
    different.len() < all.len()
}

impl Refused {
    fn of(stop: Stop) -> Self {
        match stop {
            Stop::Final(code, text) | Stop::Retry(code, text) => Refused { code, text },
            Stop::Preempted => Refused {
                code: Code::Internal,
                text: "nothing ran".to_string(),
            },
        }
    }
}

impl Ran {
    fn of_phase(phase: &Phase) -> Self {
        match phase {
            Phase::Ended(outcome) => Ran::Ended(outcome.clone()),
            _ => Ran::Elsewhere,
        }
    }

    fn of(stop: Stop) -> Self {
        match stop {
            Stop::Retry(code, text) => Ran::Retry(code, text),
            // What is final ends legs; where it comes here, it is of the source's or the
            // staging's removal.
            Stop::Final(code, text) => Ran::Retry(code, text),
            Stop::Preempted => Ran::Preempted,
        }
    }
}

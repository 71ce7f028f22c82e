//! What is known of a transfer: from when it was accepted until it is forgotten.
//!
//! In the journal, the first octet is the version, the rest `postcard` of [`Transfer`].

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::names::AppId;
use crate::request::{LinkRequest, Priority, Recipient};

const VERSION: u8 = 2;

/// The number of a transfer; no two of a service have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransferId(pub u64);

/// A request that was accepted, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its number.
    pub id: TransferId,
    /// Who sends: an app; of a file that came over a link, who is at its other end.
    pub sender: AppId,
    /// Of a file that came over a link: from whom, and where it is.
    pub origin: Option<Origin>,
    /// What was asked for.
    pub request: LinkRequest,
    /// When it was accepted: since 1970, as the clock had it.
    pub accepted_at: Duration,
    /// The files, in the order of the request.
    pub files: Vec<FileRecord>,
    /// Of several files that go to another spacecraft: of the one that they go as, by BLAKE3.
    pub bundle_hash: Option<[u8; 32]>,
    /// One for each recipient, in the order of the request.
    pub legs: Vec<Leg>,
    /// How often it was tried.
    pub attempts: u32,
    /// How far it is as a whole.
    pub phase: Phase,
}

/// Of a file that came over a link: its outbox is the folder of that link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The ground, or the app of another spacecraft that sent it.
    pub from: Recipient,
    /// The directory beneath the outbox that it is in, with `/` between its components. It
    /// stays there until its recipients have it.
    pub folder: String,
}

/// What is known of a file that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Octets.
    pub size: u64,
    /// When it was changed last, in ns since 1970. With another size or time it is
    /// another file.
    pub modified_ns: i128,
    /// Its inode. Shares may give it another with each mount, so that one of another is not
    /// for that another file.
    pub number: u64,
    /// Of its octets, by BLAKE3; known once they were read.
    pub hash: Option<[u8; 32]>,
}

/// The delivery to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// To whom.
    pub recipient: Recipient,
    /// How far it is.
    pub phase: LegPhase,
    /// Why it failed; nothing where it did not.
    pub text: String,
    /// When it was over: since 1970, as the clock had it; zero before.
    pub ended_at: Duration,
}

/// How far a delivery to one recipient is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegPhase {
    /// Nothing was copied, as far as the journal knows.
    Waiting,
    /// It is being copied.
    Copying {
        /// Octets of all files that are there.
        done_bytes: u64,
    },
    /// All octets are on the recipient's disk, and are right; they get their name now.
    Verified {
        /// During which [boot](crate::folders::Folders::boot), where that is known.
        boot: Option<u128>,
    },
    /// The recipient has them.
    Committed,
    /// It does not get them.
    Failed(Code),
}

/// How far a transfer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It survives a power cut.
    Accepted,
    /// The files were taken out of the outbox, or are read there where they stay.
    Claimed,
    /// Each recipient has them, or never gets them. What is left is the source.
    Ending,
    /// Nothing more becomes of it.
    Ended(Outcome),
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// [`Code::Ok`] only if all recipients have all files.
    pub code: Code,
    /// What there is to say beside it, for whoever reads it: why the first of those that
    /// failed did.
    pub text: String,
    /// The code of each recipient, in the order of the request.
    pub legs: Vec<Code>,
    /// Where files are that could not go back to their place, as that was taken: beneath
    /// the outbox.
    pub returned: Vec<String>,
    /// When it ended: since 1970, as the clock had it.
    pub ended_at: Duration,
}

impl LegPhase {
    /// The code of a delivery that is over.
    #[must_use]
    pub fn code(self) -> Option<Code> {
        match self {
            LegPhase::Committed => Some(Code::Ok),
            LegPhase::Failed(code) => Some(code),
            LegPhase::Waiting | LegPhase::Copying { .. } | LegPhase::Verified { .. } => None,
        }
    }
}

impl Leg {
    /// Whether something may still become of it.
    pub(crate) fn is_open(&self) -> bool {
        self.phase.code().is_none()
    }
}

impl Transfer {
    /// How it ended, where it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// From whom it is, as people write it: `camera`, `ground`, `camera@helio-2`.
    #[must_use]
    pub fn from(&self) -> Recipient {
        match &self.origin {
            Some(origin) => origin.from.clone(),
            None => Recipient::App(self.sender.clone()),
        }
    }

    /// The directory beneath the outbox that the files are in before they are claimed: its
    /// components.
    pub(crate) fn source_folder(&self) -> impl Iterator<Item = &str> {
        let of_origin = self.origin.iter();
        let of_origin = of_origin.flat_map(|origin| origin.folder.split('/'));
        let of_request = match self.origin {
            Some(_) => None,
            None => Some(self.request.subdirectory.components()),
        };
        of_origin.chain(of_request.into_iter().flatten())
    }

    /// Whether the files are taken out of the outbox as long as they are on their way.
    pub(crate) fn is_claimed(&self) -> bool {
        !self.request.leave_source && self.origin.is_none()
    }

    /// Whether the files go as one over a link.
    #[must_use]
    pub fn is_bundled(&self) -> bool {
        let is_elsewhere = |leg: &Leg| !matches!(leg.recipient, Recipient::App(_));
        self.request.files.len() > 1 && self.legs.iter().any(is_elsewhere)
    }

    /// Of the one file that goes over a link, by BLAKE3; nothing before it is known.
    #[must_use]
    pub fn hash_elsewhere(&self) -> Option<[u8; 32]> {
        match self.is_bundled() {
            true => self.bundle_hash,
            false => self.files.first()?.hash,
        }
    }

    /// Octets of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let sizes = self.files.iter().map(|file| file.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// The code as a whole, once each recipient has one.
    pub(crate) fn code(&self) -> Option<Code> {
        let codes: Option<Vec<Code>> = self.legs.iter().map(|leg| leg.phase.code()).collect();
        let failed = codes?.into_iter().find(|code| *code != Code::Ok);
        Some(failed.unwrap_or(Code::Ok))
    }

    /// As octets, for a journal.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        encode(self)
    }

    /// What [`encode`](Self::encode) made.
    ///
    /// # Errors
    /// [`RecordError`]: of another version, or no record.
    pub fn decode(octets: &[u8]) -> Result<Self, RecordError> {
        decode(octets)
    }
}

/// What was asked of a transfer since it was accepted.
///
/// In the journal, the first octet is the version, the rest `postcard` of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// It is not to go on until it is let go.
    pub held: bool,
    /// It is not to be delivered.
    pub cancelled: bool,
    /// What it has in the place of the priority that it was handed in with.
    pub priority: Option<Priority>,
}

impl Order {
    /// As octets, for a journal.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        encode(self)
    }

    /// What [`encode`](Self::encode) made.
    ///
    /// # Errors
    /// [`RecordError`]: of another version, or no record.
    pub fn decode(octets: &[u8]) -> Result<Self, RecordError> {
        decode(octets)
    }
}

fn encode(record: &impl Serialize) -> Result<Vec<u8>, RecordError> {
    let octets = postcard::to_extend(record, vec![VERSION]);
    octets.map_err(|error| RecordError(error.to_string()))
}

fn decode<T: DeserializeOwned>(octets: &[u8]) -> Result<T, RecordError> {
    match octets.split_first() {
        Some((&VERSION, octets)) => {
            postcard::from_bytes(octets).map_err(|error| RecordError(error.to_string()))
        }
        Some((version, _)) => Err(RecordError(format!("it is of version {version}"))),
        None => Err(RecordError("it is empty".to_owned())),
    }
}

/// What is no record of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no record of a transfer: {0}")]
pub struct RecordError(pub String);

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl TransferId {
    /// The number that is [displayed](fmt::Display) so.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let id = TransferId(u64::from_str_radix(name, 16).ok()?);
        (id.to_string() == name).then_some(id)
    }
}

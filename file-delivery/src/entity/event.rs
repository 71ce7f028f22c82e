//! What an entity tells its user (the standard's indications, CCSDS 727.0-B-5 §3.4), and
//! what the user may ask for.

use crate::StoreName;
use crate::pdu::tlv::FilestoreStatus;
use crate::pdu::{
    ConditionCode, DeliveryCode, EntityId, FaultHandler, FileStatus, TransactionId,
    TransactionStatus, TransmissionMode,
};

/// A file, or what goes with none, that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRequest {
    /// Whom to.
    pub destination: EntityId,
    /// The file here and its name there; none sends the options alone.
    pub file: Option<(StoreName, StoreName)>,
    /// Acknowledged or not.
    pub mode: TransmissionMode,
    /// Whether the receiver tells what became of it, though it is not acknowledged.
    pub closure_requested: bool,
    /// Goes before those with a lower one; 0 is the usual.
    pub priority: u8,
    /// TLVs of the Metadata PDU, as they go over the link
    /// (CCSDS 727.0-B-5 §5.4): filestore requests, messages to the user.
    pub options: Vec<u8>,
}

impl PutRequest {
    /// An acknowledged transaction of a file.
    pub fn file(destination: EntityId, here: StoreName, there: StoreName) -> Self {
        PutRequest {
            destination,
            file: Some((here, there)),
            mode: TransmissionMode::Acknowledged,
            closure_requested: false,
            priority: 0,
            options: Vec::new(),
        }
    }
}

/// Which end of a transaction this entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It sends the file.
    Sender,
    /// It receives it.
    Receiver,
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why.
    pub condition: ConditionCode,
    /// Whether all of the file is there.
    pub delivery: DeliveryCode,
    /// What the receiver did with it.
    pub file_status: FileStatus,
    /// What became of the filestore requests, in their order.
    pub responses: Vec<FilestoreStatus>,
}

impl Outcome {
    /// Whether the file arrived and has its name.
    pub fn is_success(&self) -> bool {
        self.condition == ConditionCode::NoError && self.delivery == DeliveryCode::Complete
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Something of a transaction came for the first time.
    Started {
        /// Which.
        transaction: TransactionId,
    },
    /// What it is about came.
    MetadataReceived {
        /// Which.
        transaction: TransactionId,
        /// The file's name here; none without a file.
        name: Option<StoreName>,
        /// Its octets.
        size: u64,
        /// The transaction that this one answers: a file that was asked for with
        /// [`get`](super::Entity::get), for one.
        originating: Option<TransactionId>,
    },
    /// A transaction that came whole has a message for the user. Where a power cut
    /// interrupts the end of a transaction, this and what stands in its other messages
    /// may be told again.
    MessageToUser {
        /// Which.
        transaction: TransactionId,
        /// The message, at most 255 octets.
        octets: Vec<u8>,
    },
    /// How far the receiver is, which was asked with
    /// [`prompt`](super::Entity::prompt).
    Progress {
        /// Which.
        transaction: TransactionId,
        /// Octets of the file that it has, from the start on.
        octets: u64,
    },
    /// How the put ended that another entity was asked for.
    ProxyFinished {
        /// The transaction that asked for it.
        request: TransactionId,
        /// How it ended, as the other entity knows.
        outcome: Outcome,
    },
    /// The listing that was asked for came, or there is none.
    Listed {
        /// The transaction that asked for it.
        request: TransactionId,
        /// The file here with the names, one a line; none where there is no listing.
        listing: Option<StoreName>,
    },
    /// Another entity was asked to suspend or resume a transaction.
    RemoteSuspension {
        /// Who answers.
        entity: EntityId,
        /// Which.
        transaction: TransactionId,
        /// Whether it is suspended there now.
        is_suspended: bool,
        /// How it stands there.
        status: TransactionStatus,
    },
    /// Another entity was asked how a transaction stands.
    RemoteStatus {
        /// Who answers.
        entity: EntityId,
        /// Which.
        transaction: TransactionId,
        /// How it stands there.
        status: TransactionStatus,
        /// The file here with the report; none where there is none.
        report: Option<StoreName>,
    },
    /// It is over.
    Finished {
        /// Which.
        transaction: TransactionId,
        /// Which end this is.
        role: Role,
        /// How it ended.
        outcome: Outcome,
    },
    /// A fault, and what is done about it.
    Fault {
        /// Which.
        transaction: TransactionId,
        /// What is wrong.
        condition: ConditionCode,
        /// What is done.
        handler: FaultHandler,
        /// For people: what exactly.
        text: String,
    },
    /// The journal or the store failed; what depended on it is tried again.
    StorageFailed {
        /// What was tried, and what the system said.
        text: String,
    },
}

/// Why something that was asked for is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The thread that has the entity has ended.
    #[error(transparent)]
    Stopped(#[from] crate::agent::Stopped),
    /// The other entity is not known.
    #[error("entity {0} is not known here: add it to the peers")]
    UnknownPeer(EntityId),
    /// The transaction is not under way.
    #[error("there is no transaction {0} under way")]
    UnknownTransaction(TransactionId),
    /// A transaction that is not acknowledged has no such thing.
    #[error("transaction {0} is not acknowledged: its receiver answers nothing")]
    NotAcknowledged(TransactionId),
    /// As many transactions as may be are under way.
    #[error("{transactions_max} transactions are under way, the most there may be")]
    TooMany {
        /// The limit.
        transactions_max: usize,
    },
    /// The file cannot be sent.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// It could not be made durable.
    #[error(transparent)]
    Journal(#[from] crate::store::JournalError),
    /// The PDU cannot be built of it.
    #[error(transparent)]
    Build(#[from] crate::pdu::BuildError),
    /// The options are no TLVs of a Metadata PDU.
    #[error("the options: {0}")]
    Options(crate::pdu::PduError),
    /// The checksum that is set for the peer is not computed here.
    #[error("checksum {0} is not supported: set another one for the peer")]
    Checksum(crate::ChecksumType),
    /// PDUs to that entity are too small.
    #[error(
        "a PDU to that entity has {pdu_bytes_max} octets at most; the Metadata PDU has {metadata_bytes}"
    )]
    PduTooSmall {
        /// Octets of the largest PDU.
        pdu_bytes_max: usize,
        /// Octets of the Metadata PDU.
        metadata_bytes: usize,
    },
}

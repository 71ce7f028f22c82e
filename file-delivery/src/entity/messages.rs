//! The messages to the user of a transaction: what is asked for, what is answered, and
//! what is for the user (CCSDS 727.0-B-5 §6).

use super::options::options_of;
use crate::pdu::tlv::{
    DirectoryMessage, FilestoreStatus, Lv, MessageToUser, MetadataOption, MetadataOptions,
    ProxyMessage, RemoteMessage, ReservedMessage,
};
use crate::pdu::{
    BuildError, ConditionCode, DeliveryCode, EntityId, FileStatus, TransactionId,
    TransactionStatus, TransmissionMode,
};

/// Messages of a transaction that are handed to the user; the rest is counted.
const MESSAGES_MAX: usize = 64;

/// What another entity asks for. One thing a transaction: an answer names no more.
pub(super) enum Asked<'a> {
    Put(ProxyPut<'a>),
    CancelPut,
    List {
        directory: Lv<'a>,
        file: Lv<'a>,
    },
    Report {
        transaction: TransactionId,
        file: Lv<'a>,
    },
    Suspend(TransactionId),
    Resume(TransactionId),
}

/// A put that another entity asks for. Files here have no records, so segmentation
/// control has nothing to say.
pub(super) struct ProxyPut<'a> {
    pub(super) destination: EntityId,
    pub(super) source_name: Lv<'a>,
    pub(super) destination_name: Lv<'a>,
    pub(super) how: HowToPut,
}

/// What stands in the other messages of such a put.
pub(super) struct HowToPut {
    pub(super) mode: TransmissionMode,
    pub(super) closure_requested: bool,
    /// TLVs of the Metadata PDU.
    pub(super) options: Vec<u8>,
    /// Whether one of its messages would ask the receiver for something in the name of
    /// this entity.
    pub(super) speaks_for_us: bool,
}

impl Default for HowToPut {
    fn default() -> Self {
        HowToPut {
            mode: TransmissionMode::Acknowledged,
            closure_requested: false,
            options: Vec::new(),
            speaks_for_us: false,
        }
    }
}

/// What another entity answers.
pub(super) enum Answered {
    Put {
        condition: ConditionCode,
        delivery: DeliveryCode,
        file_status: FileStatus,
    },
    Listing {
        successful: bool,
    },
    Report {
        transaction: TransactionId,
        status: TransactionStatus,
        successful: bool,
    },
    Suspension {
        transaction: TransactionId,
        suspended: bool,
        status: TransactionStatus,
    },
}

/// All of a transaction.
pub(super) struct Messages<'a> {
    /// What is asked for.
    pub(super) asked: Option<Asked<'a>>,
    /// Whether more is asked for, which is not done.
    pub(super) asks_for_more: bool,
    /// What is answered.
    pub(super) answered: Option<Answered>,
    /// What became of filestore requests, with the answer to a put.
    pub(super) responses: Vec<FilestoreStatus>,
    /// The transaction that is answered, or whose put is cancelled.
    pub(super) originating: Option<TransactionId>,
    /// Those for the user.
    pub(super) others: Vec<&'a [u8]>,
    /// Those for the user that are too many.
    pub(super) surplus: u64,
    how: HowToPut,
}

impl<'a> Messages<'a> {
    /// Those of a Metadata PDU as it goes over the link.
    pub(super) fn of(metadata: &'a [u8]) -> Self {
        let mut messages = Messages {
            asked: None,
            asks_for_more: false,
            answered: None,
            responses: Vec::new(),
            originating: None,
            others: Vec::new(),
            surplus: 0,
            how: HowToPut::default(),
        };
        for option in options_of(metadata) {
            if let MetadataOption::MessageToUser(message) = option {
                messages.add(message);
            }
        }
        if let Some(Asked::Put(put)) = &mut messages.asked {
            std::mem::swap(&mut put.how, &mut messages.how);
        }
        messages
    }

    fn add(&mut self, message: MessageToUser<'a>) {
        match message.reserved() {
            Some(Ok(ReservedMessage::OriginatingTransaction(id))) => self.originating = Some(id),
            Some(Ok(ReservedMessage::Proxy(message))) => self.add_proxy(message),
            Some(Ok(ReservedMessage::Directory(message))) => self.add_directory(message),
            Some(Ok(ReservedMessage::Remote(message))) => self.add_remote(message),
            // Nothing that is known here: perhaps to the user.
            None | Some(Err(_)) if self.others.len() < MESSAGES_MAX => {
                self.others.push(message.0.octets());
            }
            None | Some(Err(_)) => self.surplus += 1,
        }
    }

    fn ask(&mut self, asked: Asked<'a>) {
        match self.asked {
            Some(_) => self.asks_for_more = true,
            None => self.asked = Some(asked),
        }
    }

    fn add_proxy(&mut self, message: ProxyMessage<'a>) {
        let option = match message {
            ProxyMessage::PutRequest {
                destination,
                source_name,
                destination_name,
            } => {
                return self.ask(Asked::Put(ProxyPut {
                    destination,
                    source_name,
                    destination_name,
                    how: HowToPut::default(),
                }));
            }
            ProxyMessage::PutCancel => return self.ask(Asked::CancelPut),
            ProxyMessage::PutResponse {
                condition,
                delivery,
                file_status,
            } => {
                self.answered = Some(Answered::Put {
                    condition,
                    delivery,
                    file_status,
                });
                return;
            }
            ProxyMessage::FilestoreResponse(response) => {
                return self.responses.push(response.status);
            }
            ProxyMessage::TransmissionMode(mode) => {
                self.how.mode = mode;
                return;
            }
            ProxyMessage::ClosureRequest(requested) => {
                self.how.closure_requested = requested;
                return;
            }
            ProxyMessage::SegmentationControl(_) => return,
            ProxyMessage::MessageToUser(octets) => {
                let message = MessageToUser(octets);
                self.how.speaks_for_us |= message.reserved().is_some();
                MetadataOption::MessageToUser(message)
            }
            ProxyMessage::FilestoreRequest(request) => MetadataOption::FilestoreRequest(request),
            ProxyMessage::FaultHandlerOverride(handler) => {
                MetadataOption::FaultHandlerOverride(handler)
            }
            ProxyMessage::FlowLabel(label) => MetadataOption::FlowLabel(label),
        };
        // It came in an LV, so it fits into a TLV.
        let _: Result<(), BuildError> = MetadataOptions::of(&[option]).put(&mut self.how.options);
    }

    fn add_directory(&mut self, message: DirectoryMessage<'a>) {
        match message {
            DirectoryMessage::ListingRequest { directory, file } => {
                self.ask(Asked::List { directory, file });
            }
            DirectoryMessage::ListingResponse { successful, .. } => {
                self.answered = Some(Answered::Listing { successful });
            }
        }
    }

    fn add_remote(&mut self, message: RemoteMessage<'a>) {
        match message {
            RemoteMessage::StatusReportRequest {
                transaction,
                report_file: file,
            } => self.ask(Asked::Report { transaction, file }),
            RemoteMessage::SuspendRequest(id) => self.ask(Asked::Suspend(id)),
            RemoteMessage::ResumeRequest(id) => self.ask(Asked::Resume(id)),
            RemoteMessage::StatusReportResponse {
                transaction,
                status,
                successful,
            } => {
                self.answered = Some(Answered::Report {
                    transaction,
                    status,
                    successful,
                });
            }
            RemoteMessage::SuspendResponse {
                transaction,
                suspended,
                status,
            }
            | RemoteMessage::ResumeResponse {
                transaction,
                suspended,
                status,
            } => {
                self.answered = Some(Answered::Suspension {
                    transaction,
                    suspended,
                    status,
                });
            }
        }
    }
}

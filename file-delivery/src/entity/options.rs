//! What goes with a file in its Metadata PDU: put into a request, and read again.

use super::event::PutRequest;
use crate::pdu::tlv::{
    FaultHandlerOverride, FilestoreRequest, Lv, MessageToUser, MetadataOption, MetadataOptions,
    ReservedMessage,
};
use crate::pdu::{
    BuildError, ConditionCode, EntityId, FaultHandler, Metadata, Pdu, TransactionId,
    TransmissionMode, Width, Widths,
};

impl PutRequest {
    /// Only what goes with a file, and no file; acknowledged.
    pub fn without_file(destination: EntityId) -> Self {
        PutRequest {
            destination,
            file: None,
            mode: TransmissionMode::Acknowledged,
            closure_requested: false,
            priority: 0,
            options: Vec::new(),
        }
    }

    /// The receiver is to do this with its files too, once the file is there, after what
    /// was asked for before.
    ///
    /// # Errors
    /// [`BuildError`] for names that are too long together.
    pub fn with_filestore_request(
        self,
        request: &FilestoreRequest<'_>,
    ) -> Result<Self, BuildError> {
        self.with(MetadataOption::FilestoreRequest(*request))
    }

    /// The receiver hands this on to its user; at most 255 octets. What begins with
    /// `cfdp` is for its entity (CCSDS 727.0-B-5 §6.1.2).
    ///
    /// # Errors
    /// [`BuildError`] for more octets.
    pub fn with_message(self, octets: &[u8]) -> Result<Self, BuildError> {
        let message = MessageToUser(Lv::new(octets)?);
        self.with(MetadataOption::MessageToUser(message))
    }

    /// What both ends do about a fault of this transaction.
    ///
    /// # Errors
    /// None, today.
    pub fn with_fault_handler(
        self,
        condition: ConditionCode,
        handler: FaultHandler,
    ) -> Result<Self, BuildError> {
        let handler = FaultHandlerOverride { condition, handler };
        self.with(MetadataOption::FaultHandlerOverride(handler))
    }

    /// A message that the standard defines.
    pub(super) fn with_reserved(self, message: &ReservedMessage<'_>) -> Result<Self, BuildError> {
        self.with_message(&encoded(message)?)
    }

    pub(super) fn with(mut self, option: MetadataOption<'_>) -> Result<Self, BuildError> {
        MetadataOptions::of(&[option]).put(&mut self.options)?;
        Ok(self)
    }
}

/// A message that the standard defines, as it goes over the link.
pub(super) fn encoded(message: &ReservedMessage<'_>) -> Result<Vec<u8>, BuildError> {
    let mut octets = Vec::new();
    message.build(widths_of(message), &mut octets)?;
    Ok(octets)
}

/// As few octets as hold the ids of a message.
fn widths_of(message: &ReservedMessage<'_>) -> Widths {
    use crate::pdu::tlv::RemoteMessage as Remote;
    let of = |id: TransactionId| Widths {
        entity_id: Width::for_value(id.source.0),
        transaction_seq: Width::for_value(id.number.0),
    };
    match *message {
        ReservedMessage::OriginatingTransaction(id) => of(id),
        ReservedMessage::Remote(
            Remote::SuspendRequest(transaction)
            | Remote::ResumeRequest(transaction)
            | Remote::StatusReportRequest { transaction, .. }
            | Remote::StatusReportResponse { transaction, .. }
            | Remote::SuspendResponse { transaction, .. }
            | Remote::ResumeResponse { transaction, .. },
        ) => of(transaction),
        // They grow with the ids.
        _ => Widths {
            entity_id: Width::ONE,
            transaction_seq: Width::ONE,
        },
    }
}

/// The options of a Metadata PDU as it goes over the link.
pub(super) fn options_of(metadata: &[u8]) -> impl Iterator<Item = MetadataOption<'_>> {
    let options = match Pdu::parse(metadata) {
        Ok((_, Pdu::Metadata(metadata))) => Some(metadata.options),
        _ => None,
    };
    options.into_iter().flat_map(|options| options.iter())
}

/// The filestore requests of a Metadata PDU, in their order.
pub(super) fn requests_of(metadata: &[u8]) -> impl Iterator<Item = FilestoreRequest<'_>> {
    options_of(metadata).filter_map(|option| match option {
        MetadataOption::FilestoreRequest(request) => Some(request),
        _ => None,
    })
}

/// The transaction that one with this Metadata PDU answers.
pub(super) fn originating_of(metadata: &Metadata<'_>) -> Option<TransactionId> {
    metadata.options.iter().find_map(|option| match option {
        MetadataOption::MessageToUser(message) => match message.reserved() {
            Some(Ok(ReservedMessage::OriginatingTransaction(id))) => Some(id),
            _ => None,
        },
        _ => None,
    })
}

/// What is done about a fault of a transaction with this Metadata PDU, where that says
/// so; of several the last holds.
pub(super) fn fault_handler_of(metadata: &[u8], condition: ConditionCode) -> Option<FaultHandler> {
    let overrides = options_of(metadata).filter_map(|option| match option {
        MetadataOption::FaultHandlerOverride(other) => Some(other),
        _ => None,
    });
    let of_condition = overrides.filter(|other| other.condition == condition);
    of_condition.last().map(|other| other.handler)
}

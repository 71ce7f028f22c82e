//! Headers and PDUs at random.

use file_delivery::ChecksumType;
use file_delivery::pdu::tlv::{
    FaultHandlerOverride, FilestoreAction, FilestoreRequest, FilestoreResponse, FilestoreStatus,
    Lv, MessageToUser, MetadataOption,
};
use file_delivery::pdu::{
    ConditionCode, DeliveryCode, EntityId, FaultHandler, FileStatus, Header, RecordContinuation,
    SegmentRequest, SegmentationControl, TransactionId, TransactionSeq, TransactionStatus,
    TransmissionMode, Width, Widths,
};
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn condition() -> impl Strategy<Value = ConditionCode> {
    select(ConditionCode::ALL)
}

pub(crate) fn mode() -> impl Strategy<Value = TransmissionMode> {
    select(TransmissionMode::ALL)
}

pub(crate) fn segmentation_control() -> impl Strategy<Value = SegmentationControl> {
    select(SegmentationControl::ALL)
}

pub(crate) fn record_continuation() -> impl Strategy<Value = RecordContinuation> {
    select(RecordContinuation::ALL)
}

pub(crate) fn delivery() -> impl Strategy<Value = DeliveryCode> {
    select(DeliveryCode::ALL)
}

pub(crate) fn file_status() -> impl Strategy<Value = FileStatus> {
    select(FileStatus::ALL)
}

pub(crate) fn transaction_status() -> impl Strategy<Value = TransactionStatus> {
    select(TransactionStatus::ALL)
}

pub(crate) fn checksum_type() -> impl Strategy<Value = ChecksumType> {
    (0..=15_u8).prop_map(|code| ChecksumType::of_code(code).unwrap())
}

fn width() -> impl Strategy<Value = Width> {
    (1..=8_u8).prop_map(|bytes| Width::of_bytes(bytes).unwrap())
}

pub(crate) fn widths() -> impl Strategy<Value = Widths> {
    (width(), width()).prop_map(|(entity_id, transaction_seq)| Widths {
        entity_id,
        transaction_seq,
    })
}

/// A number that `width` holds, often the largest.
fn number(width: Width) -> impl Strategy<Value = u64> {
    let max = u64::MAX >> (64 - 8 * u32::from(width.bytes()));
    prop_oneof![8 => 0..=max, 1 => Just(max), 1 => Just(0)]
}

pub(crate) fn entity_id(widths: Widths) -> impl Strategy<Value = EntityId> {
    number(widths.entity_id).prop_map(EntityId)
}

pub(crate) fn transaction(widths: Widths) -> impl Strategy<Value = TransactionId> {
    let number = number(widths.transaction_seq).prop_map(TransactionSeq);
    (entity_id(widths), number).prop_map(|(source, number)| TransactionId { source, number })
}

pub(crate) fn header() -> impl Strategy<Value = Header> {
    widths().prop_flat_map(|widths| {
        let flags = (mode(), any::<bool>(), any::<bool>());
        let ids = (transaction(widths), entity_id(widths));
        (flags, ids).prop_map(
            move |((mode, crc, large_file), (transaction, destination))| Header {
                mode,
                crc,
                large_file,
                widths,
                transaction,
                destination,
            },
        )
    })
}

/// A file size or offset that 64 bits hold; [`fitted`] to the header before use.
pub(crate) fn file_size() -> impl Strategy<Value = u64> {
    prop_oneof![4 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX)]
}

/// The file size as the header can say it.
pub(crate) fn fitted(file_size: u64, header: &Header) -> u64 {
    match header.large_file {
        true => file_size,
        false => file_size >> 32,
    }
}

pub(crate) fn fitted_range((a, b): (u64, u64), header: &Header) -> SegmentRequest {
    let (a, b) = (fitted(a, header), fitted(b, header));
    SegmentRequest {
        start: a.min(b),
        end: a.max(b),
    }
}

pub(crate) fn octets(bytes_max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=bytes_max)
}

pub(crate) fn lv(octets: &[u8]) -> Lv<'_> {
    Lv::new(octets).unwrap()
}

/// A filestore request that owns its names.
#[derive(Clone, Debug)]
pub(crate) struct OwnedRequest {
    action: FilestoreAction,
    first: Vec<u8>,
    second: Vec<u8>,
}

impl OwnedRequest {
    pub(crate) fn borrowed(&self) -> FilestoreRequest<'_> {
        let (first, second) = (lv(&self.first), lv(&self.second));
        match self.action {
            FilestoreAction::CreateFile => FilestoreRequest::CreateFile(first),
            FilestoreAction::DeleteFile => FilestoreRequest::DeleteFile(first),
            FilestoreAction::RenameFile => FilestoreRequest::RenameFile {
                old: first,
                new: second,
            },
            FilestoreAction::AppendFile => FilestoreRequest::AppendFile { first, second },
            FilestoreAction::ReplaceFile => FilestoreRequest::ReplaceFile { first, second },
            FilestoreAction::CreateDirectory => FilestoreRequest::CreateDirectory(first),
            FilestoreAction::RemoveDirectory => FilestoreRequest::RemoveDirectory(first),
            FilestoreAction::DenyFile => FilestoreRequest::DenyFile(first),
            FilestoreAction::DenyDirectory => FilestoreRequest::DenyDirectory(first),
        }
    }
}

pub(crate) fn request() -> impl Strategy<Value = OwnedRequest> {
    let names = (octets(80), octets(80));
    (select(FilestoreAction::ALL), names).prop_map(|(action, (first, second))| OwnedRequest {
        action,
        first,
        second,
    })
}

/// A filestore response that owns its names and message.
#[derive(Clone, Debug)]
pub(crate) struct OwnedResponse {
    request: OwnedRequest,
    status: FilestoreStatus,
    message: Vec<u8>,
}

impl OwnedResponse {
    pub(crate) fn borrowed(&self) -> FilestoreResponse<'_> {
        FilestoreResponse {
            request: self.request.borrowed(),
            status: self.status,
            message: lv(&self.message),
        }
    }
}

pub(crate) fn response() -> impl Strategy<Value = OwnedResponse> {
    request().prop_flat_map(|request| {
        let action = request.action;
        let occurring = FilestoreStatus::ALL
            .into_iter()
            .filter(|status| status.code(action).is_some());
        let status = select(occurring.collect::<Vec<_>>());
        (Just(request), status, octets(60)).prop_map(|(request, status, message)| OwnedResponse {
            request,
            status,
            message,
        })
    })
}

/// An option of Metadata that owns its octets.
#[derive(Clone, Debug)]
pub(crate) enum OwnedOption {
    Request(OwnedRequest),
    Message(Vec<u8>),
    Override(FaultHandlerOverride),
    FlowLabel(Vec<u8>),
}

impl OwnedOption {
    pub(crate) fn borrowed(&self) -> MetadataOption<'_> {
        match self {
            Self::Request(request) => MetadataOption::FilestoreRequest(request.borrowed()),
            Self::Message(message) => MetadataOption::MessageToUser(MessageToUser(lv(message))),
            Self::Override(handler) => MetadataOption::FaultHandlerOverride(*handler),
            Self::FlowLabel(label) => MetadataOption::FlowLabel(lv(label)),
        }
    }
}

pub(crate) fn fault_handler_override() -> impl Strategy<Value = FaultHandlerOverride> {
    (condition(), select(FaultHandler::ALL))
        .prop_map(|(condition, handler)| FaultHandlerOverride { condition, handler })
}

pub(crate) fn option() -> impl Strategy<Value = OwnedOption> {
    prop_oneof![
        request().prop_map(OwnedOption::Request),
        octets(255).prop_map(OwnedOption::Message),
        fault_handler_override().prop_map(OwnedOption::Override),
        octets(255).prop_map(OwnedOption::FlowLabel),
    ]
}

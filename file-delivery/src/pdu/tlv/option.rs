//! What a Metadata PDU may ask for beside the file (CCSDS 727.0-B-5 §5.2.5).

use super::fault_handler::FaultHandlerOverride;
use super::filestore_request::FilestoreRequest;
use super::message_to_user::MessageToUser;
use super::{Lv, Tlv, TlvType};
use crate::pdu::code::Code;
use crate::pdu::{BuildError, PduError};

/// A TLV of a Metadata PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataOption<'a> {
    /// Type 00: what the receiver is to do with its files.
    FilestoreRequest(FilestoreRequest<'a>),
    /// Type 02: what the receiver hands on to its user.
    MessageToUser(MessageToUser<'a>),
    /// Type 04: what is done about a fault.
    FaultHandlerOverride(FaultHandlerOverride),
    /// Type 05: means something to the entities (§5.4.5).
    FlowLabel(Lv<'a>),
}

impl<'a> Tlv<'a> for MetadataOption<'a> {
    fn read(kind: u8, value: Lv<'a>) -> Result<Self, PduError> {
        let octets = value.octets();
        match TlvType::of_code(kind) {
            Some(TlvType::FilestoreRequest) => {
                FilestoreRequest::read_value(octets).map(Self::FilestoreRequest)
            }
            Some(TlvType::MessageToUser) => Ok(Self::MessageToUser(MessageToUser(value))),
            Some(TlvType::FaultHandlerOverride) => {
                FaultHandlerOverride::read_value(octets).map(Self::FaultHandlerOverride)
            }
            Some(TlvType::FlowLabel) => Ok(Self::FlowLabel(value)),
            _ => Err(PduError::Value {
                part: crate::pdu::metadata::PART,
                field: TlvType::FIELD,
                value: u64::from(kind),
            }),
        }
    }

    fn kind(&self) -> TlvType {
        match self {
            Self::FilestoreRequest(_) => TlvType::FilestoreRequest,
            Self::MessageToUser(_) => TlvType::MessageToUser,
            Self::FaultHandlerOverride(_) => TlvType::FaultHandlerOverride,
            Self::FlowLabel(_) => TlvType::FlowLabel,
        }
    }

    fn put_value(&self, out: &mut Vec<u8>) -> Result<(), BuildError> {
        match self {
            Self::FilestoreRequest(request) => request.put(0, out),
            Self::MessageToUser(message) => out.extend_from_slice(message.0.octets()),
            Self::FaultHandlerOverride(handler) => handler.put(out),
            Self::FlowLabel(label) => out.extend_from_slice(label.octets()),
        }
        Ok(())
    }
}

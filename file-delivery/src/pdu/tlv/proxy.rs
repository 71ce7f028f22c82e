//! Proxy operations: one user asks another to send a file (CCSDS 727.0-B-5 §6.2).
//!
//! | type | is | after the type |
//! |---|---|---|
//! | 00 | put request | destination entity id, source and destination file name: LVs |
//! | 01 | message to user | an LV |
//! | 02 | filestore request | the TLV's value as an LV |
//! | 03 | fault handler override | condition code (4 bits), handler code (4 bits) |
//! | 04 | transmission mode | spare (7 bits), mode (1 bit) |
//! | 05 | flow label | an LV |
//! | 06 | segmentation control | spare (7 bits), 0 for boundaries preserved (1 bit): not as in a PDU header |
//! | 07 | put response | as octet 1 of a Finished PDU |
//! | 08 | filestore response | the TLV's value as an LV |
//! | 09 | put cancel | nothing |
//! | 0B | closure request | spare (7 bits), closure requested (1 bit) |

use super::Lv;
use super::entity_id::put_entity_id_lv;
use super::fault_handler::FaultHandlerOverride;
use super::filestore_request::FilestoreRequest;
use super::filestore_response::FilestoreResponse;
use super::message_to_user::unknown_type;
use crate::pdu::code::Code;
use crate::pdu::condition::ConditionCode;
use crate::pdu::fields::{Fields, put_lv, put_with_length};
use crate::pdu::finished::{DeliveryCode, FileStatus, status_octet};
use crate::pdu::header::{SegmentationControl, TransmissionMode};
use crate::pdu::id::{EntityId, Widths};
use crate::pdu::{BuildError, PduError};

/// A message of a proxy operation. All but the first three of its answer say more of the
/// put request that stands before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyMessage<'a> {
    /// Type 00: send a file.
    PutRequest {
        /// To which entity.
        destination: EntityId,
        /// The file's name at the sender, as it came; empty for no file.
        source_name: Lv<'a>,
        /// The file's name at the receiver, as it came; empty for no file.
        destination_name: Lv<'a>,
    },
    /// Type 01: a message to the user of the receiver.
    MessageToUser(Lv<'a>),
    /// Type 02: a filestore request to the receiver.
    FilestoreRequest(FilestoreRequest<'a>),
    /// Type 03: what is done about a fault.
    FaultHandlerOverride(FaultHandlerOverride),
    /// Type 04: acknowledged or not.
    TransmissionMode(TransmissionMode),
    /// Type 05: the flow label.
    FlowLabel(Lv<'a>),
    /// Type 06: whether to keep to records.
    SegmentationControl(SegmentationControl),
    /// Type 07, an answer: what became of the file.
    PutResponse {
        /// How the transaction ended.
        condition: ConditionCode,
        /// Whether all of the file came.
        delivery: DeliveryCode,
        /// Where the file is.
        file_status: FileStatus,
    },
    /// Type 08, an answer: what became of a filestore request.
    FilestoreResponse(FilestoreResponse<'a>),
    /// Type 09: cancel what the originating transaction asked for.
    PutCancel,
    /// Type 0B: whether a Finished PDU is asked for.
    ClosureRequest(bool),
}

impl<'a> ProxyMessage<'a> {
    /// The message type.
    pub fn message_type(&self) -> u8 {
        match self {
            Self::PutRequest { .. } => 0x00,
            Self::MessageToUser(_) => 0x01,
            Self::FilestoreRequest(_) => 0x02,
            Self::FaultHandlerOverride(_) => 0x03,
            Self::TransmissionMode(_) => 0x04,
            Self::FlowLabel(_) => 0x05,
            Self::SegmentationControl(_) => 0x06,
            Self::PutResponse { .. } => 0x07,
            Self::FilestoreResponse(_) => 0x08,
            Self::PutCancel => 0x09,
            Self::ClosureRequest(_) => 0x0B,
        }
    }

    pub(super) fn read(kind: u8, fields: &mut Fields<'a>) -> Result<Self, PduError> {
        Ok(match kind {
            0x00 => Self::PutRequest {
                destination: fields.entity_id_lv("destination entity id")?,
                source_name: fields.lv("source file name")?,
                destination_name: fields.lv("destination file name")?,
            },
            0x01 => Self::MessageToUser(fields.lv("message text")?),
            0x02 => {
                let request = fields.lv("filestore request")?;
                Self::FilestoreRequest(FilestoreRequest::read_value(request.octets())?)
            }
            0x03 => {
                let codes: [u8; 1] = fields.array("fault handler override")?;
                Self::FaultHandlerOverride(FaultHandlerOverride::read_value(&codes)?)
            }
            0x04 => {
                let mode = fields.u8(TransmissionMode::FIELD)? & 1;
                Self::TransmissionMode(TransmissionMode::read(fields, mode)?)
            }
            0x05 => Self::FlowLabel(fields.lv("flow label")?),
            0x06 => {
                let inverted = fields.u8(SegmentationControl::FIELD)? & 1;
                Self::SegmentationControl(SegmentationControl::read(fields, 1 - inverted)?)
            }
            0x07 => {
                let octet = fields.u8("put response")?;
                Self::PutResponse {
                    condition: ConditionCode::read(fields, octet >> 4)?,
                    delivery: DeliveryCode::read(fields, octet >> 2 & 1)?,
                    file_status: FileStatus::read(fields, octet & 0b11)?,
                }
            }
            0x08 => {
                let response = fields.lv("filestore response")?;
                Self::FilestoreResponse(FilestoreResponse::read_value(response.octets())?)
            }
            0x09 => Self::PutCancel,
            0x0B => Self::ClosureRequest(fields.u8("closure requested")? & 1 != 0),
            _ => return Err(unknown_type(fields, kind)),
        })
    }

    pub(super) fn put(&self, widths: Widths, out: &mut Vec<u8>) -> Result<(), BuildError> {
        out.push(self.message_type());
        match *self {
            Self::PutRequest {
                destination,
                source_name,
                destination_name,
            } => {
                put_entity_id_lv(destination, widths, "destination entity id", out)?;
                put_lv(source_name, out);
                put_lv(destination_name, out);
            }
            Self::MessageToUser(octets) | Self::FlowLabel(octets) => put_lv(octets, out),
            Self::FilestoreRequest(request) => {
                put_with_length("filestore request", out, |out| {
                    request.put(0, out);
                    Ok(())
                })?;
            }
            Self::FaultHandlerOverride(handler) => handler.put(out),
            Self::TransmissionMode(mode) => out.push(mode.code()),
            Self::SegmentationControl(control) => out.push(1 - control.code()),
            Self::PutResponse {
                condition,
                delivery,
                file_status,
            } => out.push(status_octet(condition, delivery, file_status)),
            Self::FilestoreResponse(response) => {
                put_with_length("filestore response", out, |out| response.put(out))?;
            }
            Self::PutCancel => {}
            Self::ClosureRequest(requested) => out.push(u8::from(requested)),
        }
        Ok(())
    }
}

//! Remote operations: status, suspension and resumption of a transaction at another
//! entity (CCSDS 727.0-B-5 §6.4 to §6.6).
//!
//! | type | is | after the type |
//! |---|---|---|
//! | 20 | status report request | transaction; report file name, an LV |
//! | 21 | status report response | transaction status (2 bits), spare (5 bits), 1 for a report (1 bit); transaction |
//! | 30 | suspend request | transaction |
//! | 31 | suspend response | suspended (1 bit), transaction status (2 bits), spare (5 bits); transaction |
//! | 38 | resume request | transaction |
//! | 39 | resume response | as 31 |
//!
//! A transaction is: reserved (1 bit), octets of an entity id less one (3 bits), reserved
//! (1 bit), octets of a sequence number less one (3 bits); source entity id; transaction
//! sequence number.

use super::Lv;
use super::message_to_user::unknown_type;
use crate::pdu::ack::TransactionStatus;
use crate::pdu::code::Code;
use crate::pdu::fields::{Fields, put_lv, put_transaction_id};
use crate::pdu::id::{TransactionId, Widths};
use crate::pdu::{BuildError, PduError};

/// A message of a remote operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteMessage<'a> {
    /// Type 20: tell how a transaction stands.
    StatusReportRequest {
        /// Which.
        transaction: TransactionId,
        /// The name that the file with the report is to have at whoever asks.
        report_file: Lv<'a>,
    },
    /// Type 21: how it stands.
    StatusReportResponse {
        /// Which.
        transaction: TransactionId,
        /// How it stands.
        status: TransactionStatus,
        /// Whether there is a report; it is then the file of the transaction.
        successful: bool,
    },
    /// Type 30: suspend a transaction.
    SuspendRequest(TransactionId),
    /// Type 31: what came of that.
    SuspendResponse {
        /// Which.
        transaction: TransactionId,
        /// Whether it is suspended now.
        suspended: bool,
        /// How it stands.
        status: TransactionStatus,
    },
    /// Type 38: resume a transaction.
    ResumeRequest(TransactionId),
    /// Type 39: what came of that.
    ResumeResponse {
        /// Which.
        transaction: TransactionId,
        /// Whether it is suspended now.
        suspended: bool,
        /// How it stands.
        status: TransactionStatus,
    },
}

impl<'a> RemoteMessage<'a> {
    /// The message type.
    pub fn message_type(&self) -> u8 {
        match self {
            Self::StatusReportRequest { .. } => 0x20,
            Self::StatusReportResponse { .. } => 0x21,
            Self::SuspendRequest(_) => 0x30,
            Self::SuspendResponse { .. } => 0x31,
            Self::ResumeRequest(_) => 0x38,
            Self::ResumeResponse { .. } => 0x39,
        }
    }

    pub(super) fn read(kind: u8, fields: &mut Fields<'a>) -> Result<Self, PduError> {
        Ok(match kind {
            0x20 => Self::StatusReportRequest {
                transaction: fields.transaction_id()?,
                report_file: fields.lv("report file name")?,
            },
            0x21 => {
                let octet = fields.u8("report response code")?;
                Self::StatusReportResponse {
                    status: TransactionStatus::read(fields, octet >> 6)?,
                    successful: octet & 1 == 1,
                    transaction: fields.transaction_id()?,
                }
            }
            0x30 => Self::SuspendRequest(fields.transaction_id()?),
            0x31 => {
                let (suspended, status) = read_suspension(fields)?;
                Self::SuspendResponse {
                    suspended,
                    status,
                    transaction: fields.transaction_id()?,
                }
            }
            0x38 => Self::ResumeRequest(fields.transaction_id()?),
            0x39 => {
                let (suspended, status) = read_suspension(fields)?;
                Self::ResumeResponse {
                    suspended,
                    status,
                    transaction: fields.transaction_id()?,
                }
            }
            _ => return Err(unknown_type(fields, kind)),
        })
    }

    pub(super) fn put(&self, widths: Widths, out: &mut Vec<u8>) -> Result<(), BuildError> {
        out.push(self.message_type());
        match self {
            Self::StatusReportRequest {
                transaction,
                report_file,
            } => {
                put_transaction_id(transaction, widths, out)?;
                put_lv(*report_file, out);
                Ok(())
            }
            Self::StatusReportResponse {
                transaction,
                status,
                successful,
            } => {
                out.push(status.code() << 6 | u8::from(*successful));
                put_transaction_id(transaction, widths, out)
            }
            Self::SuspendRequest(transaction) | Self::ResumeRequest(transaction) => {
                put_transaction_id(transaction, widths, out)
            }
            Self::SuspendResponse {
                transaction,
                suspended,
                status,
            }
            | Self::ResumeResponse {
                transaction,
                suspended,
                status,
            } => {
                out.push(u8::from(*suspended) << 7 | status.code() << 5);
                put_transaction_id(transaction, widths, out)
            }
        }
    }
}

fn read_suspension(fields: &mut Fields<'_>) -> Result<(bool, TransactionStatus), PduError> {
    let octet = fields.u8("suspension indicator")?;
    let status = TransactionStatus::read(fields, octet >> 5 & 0b11)?;
    Ok((octet >> 7 == 1, status))
}

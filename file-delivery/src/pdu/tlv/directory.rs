//! Directory operations: one user asks another for a listing (CCSDS 727.0-B-5 §6.3).
//!
//! | type | is | after the type |
//! |---|---|---|
//! | 10 | listing request | directory name, directory file name: LVs |
//! | 11 | listing response | 1 for no listing (1 bit), spare (7 bits); both names as they came |

use super::Lv;
use super::message_to_user::unknown_type;
use crate::pdu::PduError;
use crate::pdu::fields::{Fields, put_lv};

const LISTING_REQUEST: u8 = 0x10;
const LISTING_RESPONSE: u8 = 0x11;

/// A message of a directory operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectoryMessage<'a> {
    /// Type 10: send a listing.
    ListingRequest {
        /// Of which directory.
        directory: Lv<'a>,
        /// The name that the file with the listing is to have at whoever asks.
        file: Lv<'a>,
    },
    /// Type 11: whether there is a listing.
    ListingResponse {
        /// Whether there is one; it is then the file of the transaction.
        successful: bool,
        /// Of which directory.
        directory: Lv<'a>,
        /// The name of the file with the listing.
        file: Lv<'a>,
    },
}

impl<'a> DirectoryMessage<'a> {
    pub(super) fn read(kind: u8, fields: &mut Fields<'a>) -> Result<Self, PduError> {
        let successful = match kind {
            LISTING_REQUEST => None,
            LISTING_RESPONSE => Some(fields.u8("listing response code")? >> 7 == 0),
            _ => return Err(unknown_type(fields, kind)),
        };
        let directory = fields.lv("directory name")?;
        let file = fields.lv("directory file name")?;
        Ok(match successful {
            None => Self::ListingRequest { directory, file },
            Some(successful) => Self::ListingResponse {
                successful,
                directory,
                file,
            },
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let (directory, file) = match *self {
            Self::ListingRequest { directory, file } => {
                out.push(LISTING_REQUEST);
                (directory, file)
            }
            Self::ListingResponse {
                successful,
                directory,
                file,
            } => {
                out.extend_from_slice(&[LISTING_RESPONSE, u8::from(!successful) << 7]);
                (directory, file)
            }
        };
        put_lv(directory, out);
        put_lv(file, out);
    }
}

//! Filestore responses: what became of a filestore request (CCSDS 727.0-B-5 §5.4.2).
//!
//! ```text
//! octet 0     type 01
//!       1     length
//!       2     action code (4 bits), status code (4 bits)
//!       then  first file name, an LV
//!       then  with actions 2, 3 and 4: second file name, an LV
//!       then  filestore message, an LV
//! ```

use super::Lv;
use super::filestore_request::{FilestoreAction, FilestoreRequest};
use crate::pdu::fields::{Fields, put_lv};
use crate::pdu::{BuildError, PduError};

pub(crate) const PART: &str = "filestore response";

/// What became of a filestore request. Not every status occurs with every action:
/// [`code`](Self::code) says which do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FilestoreStatus {
    /// Done.
    Successful,
    /// There is no such file or directory; of two, the first.
    FirstMissing,
    /// There is no second file.
    SecondMissing,
    /// There is a file of the second name.
    SecondExists,
    /// The filestore does not allow it, or cannot.
    NotAllowed,
    /// An earlier request failed, or the file did not come.
    NotPerformed,
}

impl FilestoreStatus {
    /// Every status.
    pub const ALL: [FilestoreStatus; 6] = [
        Self::Successful,
        Self::FirstMissing,
        Self::SecondMissing,
        Self::SecondExists,
        Self::NotAllowed,
        Self::NotPerformed,
    ];

    /// The status code that stands for it with `action`, 4 bits; nothing where it does
    /// not occur (CCSDS 727.0-B-5 table 5-18).
    pub fn code(self, action: FilestoreAction) -> Option<u8> {
        use FilestoreAction as Action;
        match (self, action) {
            (Self::Successful, _) => Some(0),
            (Self::NotPerformed, _) => Some(15),
            (Self::NotAllowed, Action::CreateFile | Action::CreateDirectory) => Some(1),
            (Self::FirstMissing, Action::DeleteFile | Action::RemoveDirectory) => Some(1),
            (
                Self::NotAllowed,
                Action::DeleteFile
                | Action::RemoveDirectory
                | Action::DenyFile
                | Action::DenyDirectory,
            ) => Some(2),
            (Self::FirstMissing, Action::RenameFile | Action::AppendFile | Action::ReplaceFile) => {
                Some(1)
            }
            (Self::SecondExists, Action::RenameFile) => Some(2),
            (Self::SecondMissing, Action::AppendFile | Action::ReplaceFile) => Some(2),
            (Self::NotAllowed, Action::RenameFile | Action::AppendFile | Action::ReplaceFile) => {
                Some(3)
            }
            _ => None,
        }
    }

    /// What a status code stands for with `action`; nothing where it is reserved.
    pub fn of_code(action: FilestoreAction, code: u8) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|status| status.code(action) == Some(code))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::FirstMissing => "first file missing",
            Self::SecondMissing => "second file missing",
            Self::SecondExists => "second file exists",
            Self::NotAllowed => "not allowed",
            Self::NotPerformed => "not performed",
        }
    }
}

/// A filestore response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilestoreResponse<'a> {
    /// Which request, with its names.
    pub request: FilestoreRequest<'a>,
    /// What became of it.
    pub status: FilestoreStatus,
    /// What the filestore has to say; may be empty.
    pub message: Lv<'a>,
}

impl<'a> FilestoreResponse<'a> {
    /// Reads the value of a TLV.
    pub(super) fn read_value(value: &'a [u8]) -> Result<Self, PduError> {
        let mut fields = Fields::new(PART, value);
        let (request, code) = FilestoreRequest::read(&mut fields)?;
        let status = FilestoreStatus::of_code(request.action(), code);
        let response = FilestoreResponse {
            request,
            status: fields.known(status, "status code of its action", code)?,
            message: fields.lv("filestore message")?,
        };
        fields.end()?;
        Ok(response)
    }

    /// Writes the value of a TLV.
    pub(super) fn put(&self, out: &mut Vec<u8>) -> Result<(), BuildError> {
        let action = self.request.action();
        let code = self.status.code(action).ok_or(BuildError::Status {
            action: action.name(),
            status: self.status.name(),
        })?;
        self.request.put(code, out);
        put_lv(self.message, out);
        Ok(())
    }
}

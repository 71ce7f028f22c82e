//! Filestore requests: what the receiver is to do with its files once the transaction's
//! file is there (CCSDS 727.0-B-5 §5.4.1).
//!
//! ```text
//! octet 0     type 00
//!       1     length
//!       2     action code (4 bits), spare (4 bits)
//!       then  first file name, an LV
//!       then  with actions 2, 3 and 4: second file name, an LV
//! ```

use super::Lv;
use crate::pdu::PduError;
use crate::pdu::code::{Code, codes};
use crate::pdu::fields::{Fields, put_lv};

pub(crate) const PART: &str = "filestore request";

codes! {
    /// What is to be done, 4 bits (CCSDS 727.0-B-5 table 5-16).
    FilestoreAction: "action code" {
        /// Create a file without octets.
        CreateFile = 0,
        /// Delete a file.
        DeleteFile = 1,
        /// Give a file another name.
        RenameFile = 2,
        /// Append a file to another.
        AppendFile = 3,
        /// Replace the content of a file by that of another.
        ReplaceFile = 4,
        /// Create a directory.
        CreateDirectory = 5,
        /// Remove a directory.
        RemoveDirectory = 6,
        /// Delete a file if it is there.
        DenyFile = 7,
        /// Remove a directory if it is there.
        DenyDirectory = 8,
    }
}

impl FilestoreAction {
    /// How it is called in errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CreateFile => "create file",
            Self::DeleteFile => "delete file",
            Self::RenameFile => "rename file",
            Self::AppendFile => "append file",
            Self::ReplaceFile => "replace file",
            Self::CreateDirectory => "create directory",
            Self::RemoveDirectory => "remove directory",
            Self::DenyFile => "deny file",
            Self::DenyDirectory => "deny directory",
        }
    }
}

/// A filestore request. Names are as they came; [`StoreName`](crate::StoreName) says
/// which are to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilestoreRequest<'a> {
    /// Create a file without octets.
    CreateFile(Lv<'a>),
    /// Delete a file.
    DeleteFile(Lv<'a>),
    /// Give a file another name.
    RenameFile {
        /// Its name so far.
        old: Lv<'a>,
        /// Its name from now on, which no other file has.
        new: Lv<'a>,
    },
    /// Append a file to another.
    AppendFile {
        /// What is made longer.
        first: Lv<'a>,
        /// What is appended, and stays.
        second: Lv<'a>,
    },
    /// Replace the content of a file by that of another.
    ReplaceFile {
        /// What is replaced.
        first: Lv<'a>,
        /// Whose content takes its place.
        second: Lv<'a>,
    },
    /// Create a directory.
    CreateDirectory(Lv<'a>),
    /// Remove a directory.
    RemoveDirectory(Lv<'a>),
    /// Delete a file if it is there.
    DenyFile(Lv<'a>),
    /// Remove a directory if it is there.
    DenyDirectory(Lv<'a>),
}

impl<'a> FilestoreRequest<'a> {
    /// What is to be done.
    pub fn action(&self) -> FilestoreAction {
        match self {
            Self::CreateFile(_) => FilestoreAction::CreateFile,
            Self::DeleteFile(_) => FilestoreAction::DeleteFile,
            Self::RenameFile { .. } => FilestoreAction::RenameFile,
            Self::AppendFile { .. } => FilestoreAction::AppendFile,
            Self::ReplaceFile { .. } => FilestoreAction::ReplaceFile,
            Self::CreateDirectory(_) => FilestoreAction::CreateDirectory,
            Self::RemoveDirectory(_) => FilestoreAction::RemoveDirectory,
            Self::DenyFile(_) => FilestoreAction::DenyFile,
            Self::DenyDirectory(_) => FilestoreAction::DenyDirectory,
        }
    }

    /// The first name, and the second where the action has one.
    pub fn names(&self) -> (Lv<'a>, Option<Lv<'a>>) {
        match *self {
            Self::CreateFile(name)
            | Self::DeleteFile(name)
            | Self::CreateDirectory(name)
            | Self::RemoveDirectory(name)
            | Self::DenyFile(name)
            | Self::DenyDirectory(name) => (name, None),
            Self::RenameFile { old, new } => (old, Some(new)),
            Self::AppendFile { first, second } | Self::ReplaceFile { first, second } => {
                (first, Some(second))
            }
        }
    }

    /// Reads action and names; also gives the low bits of the first octet.
    pub(super) fn read(fields: &mut Fields<'a>) -> Result<(Self, u8), PduError> {
        let code = fields.u8(FilestoreAction::FIELD)?;
        let action = FilestoreAction::read(fields, code >> 4)?;
        let name = fields.lv("first file name")?;
        let mut second = || fields.lv("second file name");
        let request = match action {
            FilestoreAction::CreateFile => Self::CreateFile(name),
            FilestoreAction::DeleteFile => Self::DeleteFile(name),
            FilestoreAction::RenameFile => Self::RenameFile {
                old: name,
                new: second()?,
            },
            FilestoreAction::AppendFile => Self::AppendFile {
                first: name,
                second: second()?,
            },
            FilestoreAction::ReplaceFile => Self::ReplaceFile {
                first: name,
                second: second()?,
            },
            FilestoreAction::CreateDirectory => Self::CreateDirectory(name),
            FilestoreAction::RemoveDirectory => Self::RemoveDirectory(name),
            FilestoreAction::DenyFile => Self::DenyFile(name),
            FilestoreAction::DenyDirectory => Self::DenyDirectory(name),
        };
        Ok((request, code & 0xF))
    }

    /// Reads the value of a TLV.
    pub(super) fn read_value(value: &'a [u8]) -> Result<Self, PduError> {
        let mut fields = Fields::new(PART, value);
        let (request, _spare) = Self::read(&mut fields)?;
        fields.end()?;
        Ok(request)
    }

    /// Writes the value of a TLV, with `low_bits` in its first octet.
    pub(super) fn put(&self, low_bits: u8, out: &mut Vec<u8>) {
        let (first, second) = self.names();
        out.push(self.action().code() << 4 | low_bits);
        put_lv(first, out);
        if let Some(second) = second {
            put_lv(second, out);
        }
    }
}

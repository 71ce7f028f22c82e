//! What a call returns at once, and what a request came to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::messages::{AntarisReturnCode, AntarisReturnType};

/// What a call returns. Payloads return other numbers than those that have a name, so that any
/// is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReturnCode(pub i32);

impl ReturnCode {
    /// Accepted.
    pub const SUCCESS: Self = ReturnCode(AntarisReturnCode::AnSuccess as i32);
    /// It failed, for no reason that has a number.
    pub const GENERIC_FAILURE: Self = ReturnCode(AntarisReturnCode::AnGenericFailure as i32);
    /// There is no such thing here.
    pub const NOT_IMPLEMENTED: Self = ReturnCode(AntarisReturnCode::AnNotImplemented as i32);
    /// A limit is reached; later, it may be taken.
    pub const OUT_OF_RESOURCES: Self = ReturnCode(AntarisReturnCode::AnOutOfResources as i32);
    /// Who asks may not.
    pub const NOT_PERMITTED: Self = ReturnCode(AntarisReturnCode::AnNotPermitted as i32);
    /// A field does not hold what it is to hold.
    pub const INVALID_PARAMS: Self = ReturnCode(AntarisReturnCode::AnInvalidParams as i32);
    /// The payload was built for another version.
    pub const INCOMPATIBLE_VERSION: Self =
        ReturnCode(AntarisReturnCode::AnIncompatibleVersion as i32);
    /// There is no such sequence.
    pub const INVALID_SEQUENCE: Self = ReturnCode(AntarisReturnCode::AnInvalidSequence as i32);

    /// Whether it was accepted.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::SUCCESS
    }
}

impl From<ReturnCode> for AntarisReturnType {
    fn from(code: ReturnCode) -> Self {
        AntarisReturnType {
            return_code: code.0,
        }
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match AntarisReturnCode::try_from(self.0) {
            Ok(code) => f.write_str(code.as_str_name()),
            Err(_) => write!(f, "code {}", self.0),
        }
    }
}

/// What a request came to, as callbacks say it in `req_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(i32)]
pub enum ReqStatus {
    /// It was done.
    Success = 0,
    /// It was not.
    Failed = 1,
    /// A duration or a period is none.
    InvalidTimer = 2,
    /// A temperature is none.
    InvalidTemperature = 3,
    /// There is no such device, or it is not the app's.
    InvalidHardware = 4,
    /// Another one is under way.
    Busy = 5,
}

impl From<ReqStatus> for i32 {
    fn from(status: ReqStatus) -> i32 {
        status as i32
    }
}

//! How a payload's binding fills fields.

use serde::{Deserialize, Serialize};

/// With what a payload was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// With what fills a field with its value: the Python SDK, and code that is generated.
    #[default]
    Exact,
    /// With the C++ SDK. It leaves what stood in memory above a field of 8 bits, which is
    /// masked away; it fills lists and file names up, which is cut off; and it has no
    /// correlation id beyond 65535.
    Cpp,
}

/// What a profile means in one direction.
#[derive(Clone, Copy)]
pub(crate) struct Binding {
    /// Whether above a field of 8 bits there is anything.
    pub(crate) has_garbage: bool,
    /// The largest correlation id that comes through.
    pub(crate) id_max: i32,
}

impl Profile {
    /// Of what comes from such a payload.
    pub(crate) fn incoming(self) -> Binding {
        Binding {
            has_garbage: self == Profile::Cpp,
            id_max: match self {
                Profile::Exact => i32::MAX,
                Profile::Cpp => i32::from(u16::MAX),
            },
        }
    }

    /// Of what goes to such a payload: nothing of it is rewritten.
    pub(crate) fn outgoing(self) -> Binding {
        Binding {
            has_garbage: false,
            ..self.incoming()
        }
    }
}

//! Fields of a few bits whose values have names.

use super::PduError;
use super::fields::Fields;

/// What stands in such a field.
pub(crate) trait Code: Sized {
    /// What the field is called.
    const FIELD: &'static str;

    /// The value with this code; nothing where the code is reserved.
    fn known(code: u8) -> Option<Self>;

    /// The value with this code in a part of a PDU; a reserved one is refused.
    fn read(fields: &Fields<'_>, code: u8) -> Result<Self, PduError> {
        fields.known(Self::known(code), Self::FIELD, code)
    }
}

/// An enumeration with the codes of a field.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        $name:ident: $field:literal {
            $($(#[$variant_meta:meta])* $variant:ident = $code:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every value, by code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value with this code; nothing where the code is reserved.
            pub const fn of_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The code on the wire.
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }

        impl $crate::pdu::code::Code for $name {
            const FIELD: &'static str = $field;

            fn known(code: u8) -> Option<Self> {
                Self::of_code(code)
            }
        }
    };
}

pub(crate) use codes;

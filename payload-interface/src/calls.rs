//! How the calls of one direction become an enum.

/// An enum of messages, each with the name of its rpc.
macro_rules! calls {
    (
        $(#[$about:meta])*
        pub enum $name:ident {
            $( $(#[$doc:meta])* $variant:ident($message:ty) = $rpc:literal, )+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum $name {
            $( $(#[$doc])* $variant($message), )+
        }

        impl $name {
            /// The names of all rpcs, in the order of the `.proto` files.
            pub const RPCS: &[&str] = &[$($rpc),+];

            /// The name of its rpc.
            #[must_use]
            pub fn rpc(&self) -> &'static str {
                match self {
                    $( $name::$variant(_) => $rpc, )+
                }
            }
        }

        $(
            impl From<$message> for $name {
                fn from(message: $message) -> Self {
                    $name::$variant(message)
                }
            }
        )+
    };
}

pub(crate) use calls;

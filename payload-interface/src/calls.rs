//! How the calls of one direction become an enum.

/// An enum of messages, each with the name of its rpc.
macro_rules! calls {
    (
        $(#[$about:meta])*
        pub enum $name:ident is $direction:ident {
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

            /// Whether each of its fields holds what fits. What only the binding of `profile`
            /// made of a value is undone.
            ///
            /// # Errors
            /// [`Invalid`](crate::Invalid), for the first field that does not fit.
            pub fn fit(&mut self, profile: crate::Profile) -> Result<(), crate::Invalid> {
                let binding = profile.$direction();
                match self {
                    $( $name::$variant(message) => crate::rule::Fit::fit(message, binding), )+
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

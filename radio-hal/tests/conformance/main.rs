//! The conformance kit: our drivers pass it, and broken ones do not.

mod broken;
mod drivers;
#[cfg(all(feature = "serial", unix))]
mod functions;
mod wrapped;

//! The conformance kit: our drivers pass it, and broken ones do not.

mod broken;
mod drivers;
mod wrapped;

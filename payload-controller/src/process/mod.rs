//! An app's process.

//! Rigs.

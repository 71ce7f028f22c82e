//! The thread that owns the core.

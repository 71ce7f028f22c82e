//! What is configured.

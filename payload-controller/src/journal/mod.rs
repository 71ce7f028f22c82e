//! What is known over restarts.

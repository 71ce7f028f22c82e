//! Tasking without a network.

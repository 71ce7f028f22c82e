//! The process ends, after each step.

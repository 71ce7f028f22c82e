//! A link with security: nobody gets in, nothing comes in twice, and a loss of
//! power or of state locks nobody out.

mod attacks;
mod once;
mod pdus;
mod recovery;
mod refusal;
mod rig;
mod storage;

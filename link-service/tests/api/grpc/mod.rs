//! The same by gRPC.

mod hostile;
mod inbox;
mod limits;
mod requests;
mod rig;

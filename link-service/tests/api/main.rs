//! The interface of apps, with a disk in memory behind it.

mod document;
mod grpc;
mod inbox;
mod requests;
mod rig;
mod tokens;

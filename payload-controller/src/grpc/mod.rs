//! What payloads call, and what is called in them: gRPC, its encryption, and who is who.
//!
//! The decisions are those of a [`Front`], which is told of every call that is authenticated
//! and valid, and of every [`GrpcEvent`]; what it wants called, it asks of [`Payloads`].

mod front;

pub use front::{Answered, Front, GrpcEvent, Payloads, Peer, Refusal, Reply, RequestId};

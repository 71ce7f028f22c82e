//! gRPC with payloads, by an independent stack, before whatever decides.

mod answers;
mod callbacks;
mod calls;
mod certificates;
mod cookies;
mod floods;
mod rig;
mod sessions;

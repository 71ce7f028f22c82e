//! What the clients in Rust and Python do, beside a service that is none.

mod python;
mod receiving;
mod sending;
mod service;

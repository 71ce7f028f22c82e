//! How a service host behaves towards operators, clients and browsers.

mod arguments;
mod config;
mod doors;
mod graphql;
mod origin;
mod page;
mod prometheus;
mod rig;
mod server;
mod signals;

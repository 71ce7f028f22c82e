//! The link service as it is installed: its binary, its configuration file, its directories
//! and its sockets.

mod apps;
mod buckets;
mod clients;
mod dropped;
mod grpc;
mod many;
mod openapi;
mod operator;
mod reload;
mod restart;
mod services;
mod shares;
mod shelf;
mod site;
mod staging;
mod start;
mod weaknesses;

//! The link service as it is installed: its binary, its configuration file, its directories
//! and its sockets.

mod apps;
mod clients;
mod dropped;
mod many;
mod operator;
mod reload;
mod restart;
mod services;
mod site;
mod start;
mod weaknesses;

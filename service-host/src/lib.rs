//! What every Heliograph service binary needs and none should write twice:
//! the command line it shares with the others, the configuration file, the
//! log, the GraphQL endpoint with its metrics page, and a clean stop.
//!
//! A binary puts the pieces together in this order:
//!
//! 1. [`arena::have_one`], then parse its arguments, with [`arguments::HostArguments`] flattened in;
//! 2. [`logging::start`];
//! 3. [`config_file::ConfigFile::find`], then one [`ConfigFile::section`] per
//!    table it reads;
//! 4. [`signals::stop_requested`], before anything is started;
//! 5. build an [`http::Endpoint`] and [`http::HttpServer::start`] it;
//! 6. wait for the signal, then [`http::HttpServer::stop`].
//!
//! A service on a communications link has all of that after its configuration
//! in [`link_host::LinkHost`].
//!
//! The async runtime lives in [`http`], on one named thread; nothing outside that module
//! sees it.
//!
//! [`ConfigFile::section`]: config_file::ConfigFile::section
#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

pub mod address;
pub mod arena;
pub mod arguments;
pub mod config_file;
mod contacts;
pub mod http;
pub mod link_host;
pub mod link_metrics;
pub mod link_schema;
pub mod logging;
pub mod prometheus;
pub mod reload;
pub mod signals;
mod state_dir;
pub mod wall_clock;

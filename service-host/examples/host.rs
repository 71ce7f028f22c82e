//! A whole service: arguments, configuration, log, GraphQL, metrics, stop.
//!
//! `cargo run -p service-host --example host`, then open the address it logs
//! in a browser.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use juniper::{EmptyMutation, EmptySubscription, RootNode, graphql_object};
use service_host::address::AddrConfig;
use service_host::arguments::HostArguments;
use service_host::config_file::ConfigFile;
use service_host::http::{Endpoint, HttpServer};
use service_host::prometheus::Page;
use service_host::{logging, signals};

/// A service that counts how often it was asked.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    host: HostArguments,
}

/// What the resolvers see.
#[derive(Clone, Default)]
struct Asked(Arc<AtomicU64>);

impl juniper::Context for Asked {}

struct Query;

#[graphql_object(context = Asked)]
impl Query {
    /// How often this field was asked for, as text: GraphQL's Int ends at 2³¹−1.
    fn asked(context: &Asked) -> String {
        (context.0.fetch_add(1, Ordering::Relaxed) + 1).to_string()
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    logging::start(arguments.host.log_level);
    let stop_requested = signals::stop_requested()?;
    let config = ConfigFile::find(arguments.host.config.as_deref())?;
    let default = AddrConfig {
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 8150,
    };
    let addr = AddrConfig::read(&config, "host-example", default)?;

    let asked = Asked::default();
    let root = RootNode::new(Query, EmptyMutation::new(), EmptySubscription::new());
    let endpoint = Endpoint::new(root, asked.clone()).with_metrics(move || {
        let asked = asked.0.load(Ordering::Relaxed);
        Page::new()
            .counter("asked_total", "Queries of the field asked.", &[], asked)
            .finish()
    });
    let server = HttpServer::start(addr.socket_addr(), endpoint)?;

    log::info!("{} received, stopping", stop_requested.recv()?);
    server.stop();
    Ok(())
}

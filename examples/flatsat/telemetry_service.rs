//! A service as it stands on a satellite: it answers GraphQL on one port and
//! takes UDP commands on the next. It knows nothing of radios.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Parser;
use juniper::{EmptySubscription, RootNode, graphql_object};
use service_host::http::{Endpoint, HttpServer};
use service_host::{logging, signals};

/// The ports of the service.
#[derive(Parser)]
struct Arguments {
    /// GraphQL
    #[arg(long)]
    port: u16,
    /// UDP commands
    #[arg(long)]
    command_port: u16,
}

#[derive(Clone)]
struct Bus {
    last_command: Arc<Mutex<Option<String>>>,
    deployments: Arc<AtomicI32>,
}

impl juniper::Context for Bus {}

/// One sample of the battery's history.
#[derive(juniper::GraphQLObject)]
struct Sample {
    /// Seconds ago.
    age: i32,
    /// Volts.
    voltage: f64,
}

/// The state of the battery.
#[derive(juniper::GraphQLObject)]
struct Battery {
    /// Volts.
    voltage: f64,
    /// Degrees Celsius.
    temperature: f64,
}

struct Query;

#[graphql_object(context = Bus)]
impl Query {
    /// "pong".
    fn ping() -> &'static str {
        "pong"
    }

    /// The battery now.
    fn battery() -> Battery {
        Battery {
            voltage: 7.4,
            temperature: 21.5,
        }
    }

    /// The battery's voltage in the past, newest first.
    fn history(samples: i32) -> Vec<Sample> {
        let sample = |age| Sample {
            age,
            voltage: f64::from(740 - age % 60) / 100.0,
        };
        (0..samples.clamp(0, 10_000)).map(sample).collect()
    }

    /// The last UDP command that arrived.
    fn last_command(context: &Bus) -> Option<String> {
        context
            .last_command
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often the antenna was deployed.
    fn deployments(context: &Bus) -> i32 {
        context.deployments.load(Ordering::SeqCst)
    }
}

struct Mutation;

#[graphql_object(context = Bus)]
impl Mutation {
    /// Deploys the antenna, which takes a while; how often that was done now.
    fn deploy(context: &Bus) -> i32 {
        std::thread::sleep(Duration::from_millis(500));
        context.deployments.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Runs the service until it is told to stop.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<()> {
    let arguments = Arguments::parse_from(arguments);
    logging::start(service_host::arguments::LogLevel::Warn);
    let stop = signals::stop_requested()?;
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let bus = Bus {
        last_command: Arc::default(),
        deployments: Arc::default(),
    };

    let commands = UdpSocket::bind(local(arguments.command_port))?;
    let last_command = Arc::clone(&bus.last_command);
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok((bytes, _)) = commands.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..bytes]).into_owned();
            *last_command.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
    });

    let schema = RootNode::new(Query, Mutation, EmptySubscription::<Bus>::new());
    let server = HttpServer::start(local(arguments.port), Endpoint::new(schema, bus))?;
    stop.recv()?;
    server.stop();
    Ok(())
}

//! The program.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use link_client::LinkClient;
use log::LevelFilter;
use service_host::arguments::LogLevel;
use service_host::http::{Doors, HttpServer, Limits};
use service_host::logging;
use service_host::signals::{self, Signal};

use crate::agent::{Agent, AgentSettings};
use crate::api::{self, Api, Token};
use crate::arguments::{Arguments, Level};
use crate::clock::SystemClock;
use crate::limits::CONNECTIONS_MAX;
use crate::pump::{InboxThread, Pump, PumpThread};
use crate::store::{Space, Store};
use crate::syslog;
use delivery_receipt::PublicKey;

/// Between two looks at what is due; longer where a look takes long.
const TICK: Duration = Duration::from_secs(1);
/// So many times as long as a look takes, there is none.
const REST: u32 = 10;
/// So long, after requests have ended, a bundle that is being made or unpacked is waited for: the
/// agent stops within 5 s.
const STOP_LINK_TIMEOUT: Duration = Duration::from_secs(1);
/// So long the link service may be away before the pump tries again later.
const LINK_PATIENCE: Duration = Duration::from_millis(200);

/// Why it does not start: one line.
struct Failure(String);

impl<E: fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.to_string())
    }
}

/// Runs the agent until it is told to stop. What is wrong is said in one line on standard
/// error, and the exit code is 1.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_wrong = error.use_stderr();
            // Nobody is left to tell.
            let _ = error.print();
            return if is_wrong {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text)) => {
            eprintln!("oort-agent: {text}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.config_file.is_some() {
        return Err(Failure("-f: a configuration file is not taken".to_owned()));
    }
    let read = |path: &Option<_>| path.as_deref().map(Token::read).transpose();
    let token = read(&arguments.token_file)?;
    let collector_token = read(&arguments.collector_token_file)?;
    if !arguments.listen.is_loopback() && token.is_none() {
        let text = "--listen: an address that is not loopback needs --token-file";
        return Err(Failure(text.to_owned()));
    }
    let receipt_key = arguments.receipt_key.as_deref().map(|path| {
        let key = PublicKey::read(path);
        key.map_err(|error| format!("--receipt-key: {error}"))
    });
    let receipt_key = receipt_key.transpose()?;
    start_log(arguments)?;
    for (flag, value) in [
        ("-c", &arguments.can_interface),
        ("-n", &arguments.can_node),
        ("-N", &arguments.can_shim_node),
    ] {
        if let Some(value) = value {
            log::warn!("{flag} {value}: not used: there is no CAN bus, see --telemetry");
        }
    }
    let stops = signals::stop_requested_or_hang_up()?;
    let store = Store::open(&arguments.workdir)?;
    let store = match arguments.no_sync {
        true => store.without_sync(),
        false => store,
    };
    let settings = AgentSettings {
        floor: arguments.minfree,
        space: Space::OfFileSystem,
        cleanup_age: Duration::from_secs(arguments.cleanup_timeout),
        receipt_key,
        topics: arguments.topics.clone(),
        sync: !arguments.no_sync,
    };
    let agent = Agent::open(store, settings, Box::new(SystemClock::default()))?;
    let agent = Arc::new(agent);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let telemetry = arguments.telemetry.open(now.unwrap_or_default())?;
    let routes = Api {
        agent: Arc::clone(&agent),
        telemetry,
        token,
        collector_token,
    }
    .routes();
    let address = SocketAddr::new(arguments.listen, arguments.port);
    let limits = Limits {
        connections_max: CONNECTIONS_MAX,
        ..Limits::default()
    };
    let server =
        HttpServer::start_routes(address, routes, &Doors::default(), limits, api::THREADS)?;
    log::info!("oort-agent: at http://{}", server.local_addr());
    let link = arguments.link.as_ref().map(|socket| {
        let client = LinkClient::connect(socket).with_patience(LINK_PATIENCE);
        let inbox = InboxThread::start(Arc::clone(&agent), client.clone())?;
        let pump = Pump::new(Arc::clone(&agent), client, arguments.out_max);
        Ok::<_, io::Error>((PumpThread::start(pump)?, inbox))
    });
    let link = link.transpose()?;
    tick(
        &agent,
        Duration::from_secs(arguments.cleanup_interval),
        &stops,
    );
    // Both at once, so that they end in the time of one.
    let (ends, has_ended) = crossbeam_channel::bounded::<()>(0);
    thread::spawn(move || {
        drop(link);
        drop(ends);
    });
    server.stop();
    if let Err(RecvTimeoutError::Timeout) = has_ended.recv_timeout(STOP_LINK_TIMEOUT) {
        log::warn!("a bundle is being made: the next start sees that nothing of it stays");
    }
    Ok(())
}

/// Does what is due, until it is told to stop.
fn tick(agent: &Agent, cleanup_interval: Duration, stops: &Receiver<Signal>) {
    let mut cleaned = Instant::now();
    let mut rest = TICK;
    loop {
        match stops.recv_timeout(rest) {
            Ok(signal) => {
                log::info!("oort-agent: {signal}, stopping");
                return;
            }
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let began = Instant::now();
        agent.tick();
        if cleaned.elapsed() >= cleanup_interval {
            cleaned = began;
            agent.clean();
        }
        rest = TICK.max(began.elapsed() * REST);
    }
}

fn start_log(arguments: &Arguments) -> Result<(), Failure> {
    let Some(ident) = &arguments.syslog_ident else {
        logging::start(arguments.level.into());
        return Ok(());
    };
    let level = match arguments.level {
        Level::Debug => LevelFilter::Debug,
        level => LogLevel::from(level).filter(),
    };
    let started = syslog::start(ident, level);
    Ok(started.map_err(|error| format!("-s: no syslog at /dev/log: {error}"))?)
}

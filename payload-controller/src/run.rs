//! The program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use bus_telemetry::{EpochSetting, Source};
use clap::Parser as _;
use comms_service::CommsConfig;
use link_client::LinkClient;
use payload_interface::AppName;
use radio_hal::{Ax25Config, FramingConfig, RadioConfig};
use service_host::address::AddrConfig;
use service_host::config_file::ConfigFile;
use service_host::link_host::{Equipment, LinkDefaults, LinkHost};
use service_host::logging;

use crate::arguments::{Arguments, Command, Provision};
use crate::board::{Board, Log, SimulatedSwitches};
use crate::core::Controller;
use crate::files::{Carrier, FileThreads, NoLink, Stager};
use crate::grpc::{Grpc, NoPayloads};
use crate::journal::Journal;
use crate::operator::{self, Controlled};
use crate::process::Processes;
use crate::provision::{Renew, provision};
use crate::settings::{SERVICE, Settings};
use crate::shell::{self, Clock as _, Door, Shell, SystemClock};
use crate::signalling::{Signaller, doctor, keeper};
use crate::simulate::simulate;

/// The table of the telemetry of the bus.
const TELEMETRY: &str = "bus-telemetry";
/// Keys of `[payload-controller]` that are not the link's; a restart changes them.
const OWN_KEYS: &[&str] = &[
    "apps",
    "apps-root",
    "devices",
    "grpc",
    "journal",
    "link",
    "outbound",
    "signalled",
    "thermal",
    "windows",
];

/// Runs the program. What is wrong is said in one line on standard error, and the exit code
/// is 1.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_wrong = error.use_stderr();
            // Nobody is left to tell.
            let _ = error.print();
            return match is_wrong {
                true => ExitCode::FAILURE,
                false => ExitCode::SUCCESS,
            };
        }
    };
    let done = match arguments.command {
        None => serve(&arguments.run),
        Some(Command::Run(run)) => serve(&run),
        Some(Command::Check(check)) => look(check.config.as_deref()),
        Some(Command::Provision(order)) => make(&order),
        Some(Command::Keep(order)) => keeper::keep(&order),
        Some(Command::Doctor(order)) => match doctor::examine(&order) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => Err(error),
        },
        Some(Command::Simulate(order)) => match simulate(&order.file) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{SERVICE}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &service_host::arguments::HostArguments) -> anyhow::Result<()> {
    logging::start(arguments.log_level);
    let file = ConfigFile::find(arguments.config.as_deref())?;
    let service = Service::start(&file)?;
    let refusals: operator::Refusals = match &service.grpc {
        Some(grpc) => {
            log::info!("{SERVICE}: for payloads at {}", grpc.local_addr());
            Box::new(grpc.refusal_counter())
        }
        None => Box::new(BTreeMap::new),
    };
    let controlled = Controlled {
        door: service.door.clone(),
        log: service.log.clone(),
        refusals,
    };
    let equipment = Equipment {
        endpoint: Box::new(|context| operator::endpoint(context, controlled)),
        ..Equipment::default()
    };
    let host = LinkHost::start_with(&file, link_defaults()?, equipment)?;
    let stopped = host.run_until_signal();
    // Payloads go on.
    drop(service);
    stopped
}

/// What holds where the configuration says nothing: the row of this service in the table
/// of ports, and AX.25 in KISS between HELIO-1 and GROUND.
fn link_defaults() -> anyhow::Result<LinkDefaults> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let framing = FramingConfig::kiss_ax25(Ax25Config::new("HELIO-1".parse()?, "GROUND".parse()?));
    Ok(LinkDefaults {
        service: SERVICE,
        own_tables: OWN_KEYS,
        addr: AddrConfig {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 8152,
        },
        radio: RadioConfig::udp(local(13_040), local(9_003), framing)?,
        comms: CommsConfig {
            handler_port_min: 13_300,
            handler_port_max: 13_349,
            downlink_ports: Some(vec![13_051]),
            ground_port: Some(9_003),
            ..CommsConfig::default()
        },
    })
}

/// Reads all that is read before the start.
fn look(config: Option<&Path>) -> anyhow::Result<()> {
    let file = ConfigFile::find_among(config, &service_host::config_file::CONFIG_CANDIDATES)?;
    let settings = Settings::read(&file)?;
    telemetry(&file)?;
    if settings.signalled.is_empty() || !settings.apps.is_empty() {
        grpc_config(&settings)?;
    }
    let (apps, signalled) = (settings.apps.len(), settings.signalled.len());
    let signalled = match signalled {
        0 => String::new(),
        some => format!(", {some} payloads with windows"),
    };
    println!(
        "{}: {apps} apps, and all that they need{signalled}",
        file.name()
    );
    Ok(())
}

fn make(wanted: &Provision) -> anyhow::Result<()> {
    let candidates = service_host::config_file::CONFIG_CANDIDATES;
    let file = ConfigFile::find_among(wanted.config.as_deref(), &candidates)?;
    let settings = Settings::read(&file)?;
    let app = settings.apps.iter().find(|app| app.name == wanted.app);
    let app = app.ok_or_else(|| {
        let (name, file) = (&wanted.app, file.name());
        anyhow!("{file}: there is no app `{name}` in [[payload-controller.apps]]")
    })?;
    let renew = Renew {
        app: wanted.renew,
        controller: wanted.renew_controller,
    };
    let grpc = &settings.grpc;
    let order = grpc.order(&app.name, app.number, &app.connection, renew)?;
    let made = provision(&order)?;
    for path in &made.written {
        println!("wrote {}", path.display());
    }
    println!("{}: the files of `{}`", made.folder.display(), app.name);
    Ok(())
}

/// The running controller. Dropped, it ends, and payloads go on.
#[derive(Debug)]
pub struct Service {
    /// The way to what decides.
    pub door: Door,
    /// What is remembered.
    pub log: Log,
    /// gRPC; none where all payloads are called through `payload_exec`.
    pub grpc: Option<Grpc>,
    /// Ends first, so that nothing is decided that cannot be done.
    shell: Option<Shell>,
}

impl Service {
    /// Starts it from its configuration.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn start(file: &ConfigFile) -> anyhow::Result<Self> {
        Self::start_with(file, None)
    }

    /// The same, with files being carried by something else than the link service.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn start_with(
        file: &ConfigFile,
        carrier: Option<Box<dyn Carrier>>,
    ) -> anyhow::Result<Self> {
        let settings = Settings::read(file)?;
        let clock = SystemClock::default();
        let now = clock.now();
        let bus = telemetry(file)?.open(now.wall)?;
        // Whoever has the journal is the only controller.
        let (journal, recovered) = Journal::open(&settings.journal)?;
        for app in &settings.apps {
            for folder in [&app.folders.outbound, &app.folders.inbound] {
                let made = std::fs::create_dir_all(folder);
                made.with_context(|| format!("cannot make {}", folder.display()))?;
            }
        }
        let (door, inputs) = shell::door();
        let grpc = grpc(&settings, &door)?;
        let log = Log::default();
        let board = Board {
            payloads: match &grpc {
                Some(grpc) => grpc.payloads(),
                None => Arc::new(NoPayloads),
            },
            files: files(&settings, &door, carrier)?,
            processes: processes(&settings, &door),
            signaller: signaller(&settings, &door)?,
            switches: Box::new(SimulatedSwitches::new(door.clone())),
            log: log.clone(),
        };
        let controller = Controller::new(settings.rules, recovered, bus, &settings.outbound, now);
        let shell = Shell::start(controller, inputs, journal, board, clock);
        let shell = shell.context("no thread for the controller")?;
        Ok(Service {
            door,
            log,
            grpc,
            shell: Some(shell),
        })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shell = None;
    }
}

fn telemetry(file: &ConfigFile) -> anyhow::Result<bus_telemetry::Settings> {
    let settings = file.section(&[TELEMETRY])?;
    Ok(settings.unwrap_or(bus_telemetry::Settings {
        source: Source::Simulator {
            tle_file: None,
            epoch: EpochSetting::Start,
        },
    }))
}

/// None where there are payloads, and none of them speaks it.
fn grpc(settings: &Settings, door: &Door) -> anyhow::Result<Option<Grpc>> {
    if settings.apps.is_empty() && !settings.signalled.is_empty() {
        return Ok(None);
    }
    let config = grpc_config(settings)?;
    Ok(Some(Grpc::start(config, Arc::new(door.clone()))?))
}

fn grpc_config(settings: &Settings) -> anyhow::Result<crate::grpc::Config> {
    let apps = settings.apps.iter();
    let apps = apps.map(|app| (&app.name, app.number, &app.connection));
    Ok(settings.grpc.config(apps)?)
}

fn files(
    settings: &Settings,
    door: &Door,
    carrier: Option<Box<dyn Carrier>>,
) -> anyhow::Result<FileThreads> {
    let folders = settings.apps.iter();
    let folders = folders.map(|app| (app.name.clone(), app.folders.clone()));
    let folders: BTreeMap<AppName, _> = folders.collect();
    let link = settings.link.as_ref();
    let carrier: Box<dyn Carrier> = match (carrier, link) {
        (Some(carrier), _) => carrier,
        // Each call fails soon, and is made again.
        (None, Some(link)) => {
            Box::new(LinkClient::connect(&link.socket).with_patience(std::time::Duration::ZERO))
        }
        (None, None) => Box::new(NoLink),
    };
    let patience = link.map(crate::settings::LinkSettings::patience);
    let watch = link.map(crate::settings::LinkSettings::watch);
    let minute = std::time::Duration::from_secs(60);
    let stager = Stager::new(carrier, folders.clone(), patience.unwrap_or_default());
    let threads = FileThreads::start(stager, folders, watch.unwrap_or(minute), door);
    threads.context("no threads for files")
}

fn signaller(settings: &Settings, door: &Door) -> anyhow::Result<Signaller> {
    let payloads = settings.signalled.iter().cloned();
    let root = std::path::absolute(&settings.windows)?;
    // Itself, also when another version took its place on the disk.
    let program = Path::new("/proc/self/exe");
    Ok(Signaller::new(payloads, &root, program, door.clone()))
}

fn processes(settings: &Settings, door: &Door) -> Processes {
    let apps = settings.apps.iter();
    let apps = apps.filter_map(|app| Some((app.name.clone(), app.process.clone()?)));
    Processes::new(apps.collect(), door.clone())
}

//! A service that stands on a communications link, from its configuration:
//! radio, link, GraphQL endpoint, metrics, clean stop.
//!
//! ```no_run
//! use comms_service::CommsConfig;
//! use radio_hal::{FramingConfig, RadioConfig};
//! use service_host::address::AddrConfig;
//! use service_host::config_file::ConfigFile;
//! use service_host::link_host::{LinkDefaults, LinkHost};
//!
//! # fn main() -> anyhow::Result<()> {
//! let defaults = LinkDefaults {
//!     service: "my-radio",
//!     addr: AddrConfig { ip: [127, 0, 0, 1].into(), port: 8160 },
//!     radio: RadioConfig::serial("/dev/ttyUSB0", 9600, FramingConfig::kiss())?,
//!     comms: CommsConfig { downlink_ports: Some(vec![13011]), ..CommsConfig::default() },
//!     own_tables: &[],
//! };
//! let host = LinkHost::start(&ConfigFile::find(None)?, defaults)?;
//! host.run_until_signal()
//! # }
//! ```

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use comms_service::{
    CommsConfig, CommsError, CommsHandle, CommsServiceBuilder, CommsTelemetry, radio,
};
use crossbeam_channel::{Receiver, after, select};
use radio_hal::channel::ChannelMonitor;
use radio_hal::config::Transport;
use radio_hal::{RadioConfig, RadioConnection};
use strsim::damerau_levenshtein;

use crate::address::AddrConfig;
use crate::config_file::ConfigFile;
use crate::http::{Doors, Endpoint, HttpServer, Limits};
use crate::link_metrics::write_link;
use crate::link_schema::{LinkContext, link_schema};
use crate::prometheus::Page;
use crate::reload::{Configuration, OwnTables, Reload, Start};
use crate::signals::{Signal, stop_or_reload_requested};

/// What a binary takes where the configuration says nothing.
pub struct LinkDefaults {
    /// The service's name: its table in the configuration.
    pub service: &'static str,
    /// Where its GraphQL endpoint listens.
    pub addr: AddrConfig,
    /// Its radio, `[<service>.radio]`.
    pub radio: RadioConfig,
    /// Its row of ports, `[<service>.comms]`.
    pub comms: CommsConfig,
    /// Keys and tables beside these that it reads itself, `files` for `[<service>.files]`;
    /// only a restart changes them, unless the service has [`Equipment::reload`].
    pub own_tables: &'static [&'static str],
}

/// A link that is about to start.
pub type LinkBuilder = CommsServiceBuilder<RadioConnection>;

/// What a service has beside its link: by default nothing.
pub struct Equipment {
    /// What the link is given before it starts: a file entity, say. It may be called twice,
    /// if the link does not start with changes that were never confirmed.
    pub link: Box<dyn Fn(LinkBuilder) -> LinkBuilder>,
    /// What its HTTP port serves; by default [`link_endpoint`].
    pub endpoint: Box<dyn FnOnce(LinkContext) -> Endpoint>,
    /// Its Unix sockets.
    pub doors: Arc<Doors>,
    /// Takes its own tables out of a file that was read again on SIGHUP: as a whole, or not
    /// at all; none where only a restart changes them. What mutations of the link stage is
    /// no business of its.
    pub reload: Option<OwnReload>,
    /// Called once a stop is requested, before the endpoint stops: so that who waits for
    /// something is told.
    pub stopping: Box<dyn FnOnce()>,
}

/// Takes the tables of a service out of a configuration that was read again.
pub type OwnReload = Box<dyn Fn(&ConfigFile) -> anyhow::Result<()>>;

impl Default for Equipment {
    fn default() -> Self {
        Equipment {
            link: Box::new(|builder| builder),
            endpoint: Box::new(link_endpoint),
            doors: Arc::default(),
            reload: None,
            stopping: Box::new(|| {}),
        }
    }
}

/// So many wrong letters make a typo; more make another word.
const TYPO_DISTANCE_MAX: usize = 2;
/// How often the clock is looked at, by which contacts are planned.
const CLOCK_LOOK: Duration = Duration::from_secs(10);

/// A running service on a communications link.
pub struct LinkHost {
    service: &'static str,
    stop_requested: Receiver<Signal>,
    reload_requested: Receiver<()>,
    reload: Arc<Reload>,
    own_reload: Option<OwnReload>,
    stopping: Box<dyn FnOnce()>,
    comms: CommsHandle,
    http: HttpServer,
}

impl LinkHost {
    /// Takes over SIGINT, SIGTERM and SIGHUP, opens the radio, starts the link and its
    /// GraphQL endpoint.
    ///
    /// # Errors
    /// What is wrong with the configuration, or which socket could not be had;
    /// no socket and no thread of the link is left then.
    pub fn start(file: &ConfigFile, defaults: LinkDefaults) -> anyhow::Result<LinkHost> {
        Self::start_with(file, defaults, Equipment::default())
    }

    /// The same, with what a service has besides.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(
        file: &ConfigFile,
        defaults: LinkDefaults,
        equipment: Equipment,
    ) -> anyhow::Result<LinkHost> {
        let service = defaults.service;
        let own_tables = OwnTables {
            names: defaults.own_tables,
            are_reloaded: equipment.reload.is_some(),
        };
        let mut start = Start::read(service, own_tables, defaults.comms, file)?;
        // Without changes that were never confirmed.
        let file = &start.file().clone();
        let addr = AddrConfig::read(file, service, defaults.addr)?;
        let radio_config = file.section::<RadioConfig>(&[service, "radio"])?;
        let radio_config = radio_config.unwrap_or(defaults.radio);
        let (_, options) = start.link()?;

        let read_timeout = options.read_timeout_ms.map(|_| options.read_timeout());
        let radio_config = match read_timeout {
            Some(timeout) => radio_config.with_read_timeout(timeout)?,
            None => radio_config,
        };
        // From here on there is something to end in good order.
        let (stop_requested, reload_requested) =
            stop_or_reload_requested().context("cannot take over the signals")?;
        let connection = open(&radio_config, service)?;
        let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
        let context = LinkContext {
            telemetry: Arc::clone(&telemetry),
            radio: connection.clone(),
            configuration: Configuration::default(),
        };
        let configuration = context.configuration.clone();
        let Equipment {
            link,
            endpoint,
            doors,
            reload: own_reload,
            stopping,
        } = equipment;
        let limits = Limits::default();
        let addr = addr.socket_addr();
        let http = HttpServer::start_with_doors(addr, endpoint(context), &doors, limits)?;
        let comms = start_link(&mut start, &connection, &telemetry, &*link)
            .map_err(|error| naming_file(error, file))?;
        let reload = start.running(comms.reconfigure(), http.local_addr().port());
        configuration.is(Arc::clone(&reload));
        log::info!("{service}: radio {radio_config}");
        log::info!(
            "{service}: GraphQL, GraphiQL and metrics (/metrics) at http://{}/",
            http.local_addr()
        );
        for endpoint in comms.downlink_addrs() {
            log::info!("{service}: datagrams to UDP {endpoint} go down");
        }
        Ok(LinkHost {
            service,
            stop_requested,
            reload_requested,
            reload,
            own_reload,
            stopping,
            comms,
            http,
        })
    }

    /// The link.
    pub fn comms(&self) -> &CommsHandle {
        &self.comms
    }

    /// Waits for SIGINT or SIGTERM, which may have come during the start, then
    /// stops endpoint and link. Until then, SIGHUP has the configuration file read
    /// again. A second signal ends the process at once.
    ///
    /// # Errors
    /// When a thread had to be left behind.
    pub fn run_until_signal(self) -> anyhow::Result<()> {
        let signal = self.serve()?;
        log::info!("{}: stopping on {signal}", self.service);
        (self.stopping)();
        self.http.stop();
        let report = self.comms.shutdown();
        if !report.detached.is_empty() {
            bail!(
                "{}: still inside the radio driver: {}",
                self.service,
                report.detached.join(", ")
            );
        }
        log::info!("{}: stopped", self.service);
        Ok(())
    }
}

impl LinkHost {
    /// Changes the configuration when asked to, until a stop is requested.
    fn serve(&self) -> anyhow::Result<Signal> {
        loop {
            let next = self.reload.look(Instant::now());
            self.reload.contacts().look();
            let next = next.unwrap_or(CLOCK_LOOK).min(CLOCK_LOOK);
            let due = after(next);
            select! {
                recv(self.stop_requested) -> signal => return Ok(signal?),
                recv(self.reload_requested) -> _ => match self.reload.take_file(self.own_reload.as_ref()) {
                    Ok(()) => log::info!("{}: the configuration was read again", self.service),
                    Err(error) => log::error!(
                        "{}: the configuration stays as it was: {error:#}",
                        self.service
                    ),
                },
                recv(self.reload.woken()) -> _ => {}
                recv(due) -> _ => {}
            }
        }
    }
}

/// Starts the link; without the changes of mutations, if it does not start with
/// them.
fn start_link(
    start: &mut Start,
    connection: &RadioConnection,
    telemetry: &Arc<Mutex<CommsTelemetry>>,
    equip: &dyn Fn(LinkBuilder) -> LinkBuilder,
) -> anyhow::Result<CommsHandle> {
    loop {
        let started = start.link_with_keys().and_then(|(config, options)| {
            let builder = radio::builder(connection.clone(), config, options)?;
            Ok(equip(builder).start(Arc::clone(telemetry))?)
        });
        match started {
            Err(error) if start.leave_overlay() => {
                log::error!("what was changed by mutations is left out: {error:#}");
            }
            started => return started,
        }
    }
}

/// What is wrong with the configuration names the file; the rest is not in it.
fn naming_file(error: anyhow::Error, file: &ConfigFile) -> anyhow::Error {
    let is_config = matches!(error.downcast_ref(), Some(CommsError::Config(_)));
    if is_config {
        error.context(file.name())
    } else {
        error
    }
}

fn open(config: &RadioConfig, service: &str) -> anyhow::Result<RadioConnection> {
    config.open().with_context(|| {
        if address_in_use(config) {
            format!(
                "cannot open the radio: another program has its address, perhaps \
                 another {service} or a flatsat that still runs"
            )
        } else {
            "cannot open the radio".to_owned()
        }
    })
}

/// Whether somebody else has the radio's address, by asking for it once more.
fn address_in_use(config: &RadioConfig) -> bool {
    match config.transport() {
        Transport::Udp { bind, .. } => {
            UdpSocket::bind(bind).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
        }
        _ => false,
    }
}

/// GraphQL and metrics of a link.
pub fn link_endpoint(context: LinkContext) -> Endpoint {
    let metrics = link_metrics_page(&context);
    Endpoint::new(link_schema(), context).with_metrics(metrics)
}

/// The metrics of a link, for the page of a service that has others besides.
pub fn link_metrics_page(context: &LinkContext) -> impl Fn() -> String + Send + Sync + use<> {
    let write = link_metrics_writer(context);
    move || {
        let mut page = Page::new();
        write(&mut page);
        page.finish()
    }
}

/// Writes the metrics of a link to a page that has those of others, too.
pub fn link_metrics_writer(context: &LinkContext) -> impl Fn(&mut Page) + Send + Sync + use<> {
    let counted = context.clone();
    move |page| {
        let channel = counted.radio.channel().map(ChannelMonitor::statistics);
        write_link(
            page,
            &counted.telemetry().statistics(),
            &counted.radio.statistics(),
            channel.as_ref(),
        );
    }
}

/// A mistyped table or key must not leave a service with the radio of its
/// defaults.
pub(crate) fn check_keys(
    file: &ConfigFile,
    service: &str,
    own_tables: &[&str],
) -> anyhow::Result<()> {
    let tables = [&["addr", "comms", "contacts", "radio"], own_tables].concat();
    let Some(own) = file.table.get(service) else {
        let tables = file.table.keys().map(String::as_str);
        if let Some(typo) = tables.min_by_key(|table| damerau_levenshtein(table, service))
            && damerau_levenshtein(typo, service) <= TYPO_DISTANCE_MAX
        {
            bail!("unknown table [{typo}]; did you mean [{service}]?");
        }
        if file.path.is_some() {
            log::warn!(
                "{}: no table [{service}], so all defaults hold",
                file.name()
            );
        }
        return Ok(());
    };
    let Some(own) = own.as_table() else {
        bail!("`{service}` must be a table");
    };
    for key in own.keys() {
        if !tables.contains(&key.as_str()) && !CommsConfig::is_key(key) {
            let near = |table: &&&str| damerau_levenshtein(table, key) <= TYPO_DISTANCE_MAX;
            let hint = match tables.iter().find(near) {
                Some(table) => format!("; did you mean [{service}.{table}]?"),
                None => format!("; known are the tables {}", tables.join(", ")),
            };
            bail!("unknown key `{key}` in [{service}]{hint}");
        }
    }
    Ok(())
}

//! The communications service of a satellite: the engine, its threads and its
//! sockets.
//!
//! [`CommsService::start`] checks everything, binds every socket, and only then
//! starts threads:
//!
//! | thread | does |
//! |---|---|
//! | `read` | `read` → engine; sends queries and UDP messages to services, without waiting |
//! | `handlers` | receives the answers of services to queries by HTTP |
//! | `replies` | receives the answers of UDP services (format `udp`, reply windows) |
//! | `downlink-PORT` | receives the datagrams of mission apps |
//! | `submit` | takes messages of apps and sends them receipts (`submit` only) |
//! | `transmit-N` | calls `write` number N; `handlers` and `downlink-PORT` do while it sleeps and the radio is quick |
//! | `storage` | puts on the disk what outlives a restart (with `state-dir` only) |
//! | `clock` | wakes the engine when a time-out is due |

mod datagrams;
mod downlink;
mod handle;
mod handlers;
mod http;
mod performer;
mod plan;
mod reconfigure;
mod replies;
mod state;
mod submit;

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use handle::CommsHandle;
pub use reconfigure::CommsReconfigure;

use crate::control::{CommsControlBlock, ReadManyFn, WriteManyFn};
use crate::error::{CommsError, CommsResult};
use crate::link::{Link, LinkConfig, TIMEOUT_MAX};
use crate::message::End;
use crate::options::{LinkOptions, PacketFormat, RadioPace};
use crate::packet::LinkPacket;
use crate::pdus::{PduReceiver, PduSender};
use crate::security::StateFiles;
use crate::shell::{
    self, Ending, LinkThreads, RadioFunctions, Running, Shell, USER_STACK_BYTES, Wakes, Writing,
    first_counts, storage,
};
use crate::telemetry::CommsTelemetry;

use plan::Plan;
use submit::{Listeners, SubmitServer};

/// Starts communications services.
#[derive(Debug)]
pub struct CommsService;

impl CommsService {
    /// Starts a service with the defaults for everything that is newer than the
    /// specification. `telem` shows its counters from then on.
    ///
    /// Dropping the handle leaves the service running.
    ///
    /// # Errors
    /// [`CommsError::Config`] and [`CommsError::Bind`], before any thread runs;
    /// [`CommsError::Io`] when the system gives no thread.
    pub fn start<Connection: Clone + Send + 'static>(
        controls: CommsControlBlock<Connection>,
        telem: Arc<Mutex<CommsTelemetry>>,
    ) -> CommsResult<CommsHandle> {
        Self::builder(controls).start(telem)
    }

    /// A service whose newer settings differ from the defaults.
    pub fn builder<Connection: Clone + Send + 'static>(
        controls: CommsControlBlock<Connection>,
    ) -> CommsServiceBuilder<Connection> {
        CommsServiceBuilder {
            controls,
            options: LinkOptions::default(),
            own_format: None,
            radio_bytes_max: None,
            radio_pace: RadioPace::default(),
            read_timeout: None,
            read_many: None,
            write_many: BTreeMap::new(),
            pdus: None,
            pdu_write: 0,
        }
    }
}

/// Settings around the twelve fields of the control block.
pub struct CommsServiceBuilder<Connection: Clone> {
    controls: CommsControlBlock<Connection>,
    options: LinkOptions,
    own_format: Option<Box<dyn LinkPacket>>,
    radio_bytes_max: Option<usize>,
    radio_pace: RadioPace,
    read_timeout: Option<Duration>,
    read_many: Option<Arc<ReadManyFn<Connection>>>,
    /// By the number of the `write` in whose stead each is called.
    write_many: BTreeMap<usize, Writing<Connection>>,
    pdus: Option<Arc<dyn PduReceiver>>,
    pdu_write: usize,
}

impl<Connection: Clone + Send + 'static> CommsServiceBuilder<Connection> {
    /// All newer settings, as a configuration file gives them.
    pub fn options(mut self, options: LinkOptions) -> Self {
        self.options = options;
        self
    }

    /// One of the formats that come with the framework.
    pub fn format(mut self, format: PacketFormat) -> Self {
        self.options.format = format;
        self
    }

    /// A packet format of the mission's own.
    pub fn own_format(mut self, format: Box<dyn LinkPacket>) -> Self {
        self.own_format = Some(format);
        self
    }

    /// What the radio says of its largest packet, in octets; `None` where it
    /// says nothing.
    pub fn radio_bytes_max(mut self, bytes: Option<usize>) -> Self {
        self.radio_bytes_max = bytes;
        self
    }

    /// What the radio says of how fast it sends, for pacing. `bit-rate-bps` of the
    /// options goes before it; where neither names a bit rate, nothing is paced.
    pub fn radio_pace(mut self, pace: RadioPace) -> Self {
        self.radio_pace = pace;
        self
    }

    /// Octets of the largest packet.
    pub fn packet_bytes_max(mut self, bytes: usize) -> Self {
        self.options.packet_bytes_max = Some(bytes);
        self
    }

    /// How long `read` may take to come back with nothing. Stopping the service
    /// waits as long. 1 s by default, at most [`TIMEOUT_MAX`].
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = Some(timeout);
        self
    }

    /// Several packets by each call: `read` is called in the stead of the control
    /// block's.
    pub fn read_many(mut self, read: Arc<ReadManyFn<Connection>>) -> Self {
        self.read_many = Some(read);
        self
    }

    /// Up to `packets_max` packets by each call: `write` is called in the stead of the
    /// control block's `write` number `number`. Where the bit rate is known, pacing
    /// gives it no more than the radio may have.
    pub fn write_many(
        mut self,
        number: usize,
        packets_max: usize,
        write: Arc<WriteManyFn<Connection>>,
    ) -> Self {
        self.write_many
            .insert(number, Writing::many(write, packets_max));
        self
    }

    /// The PDUs that come up go to `receiver`, and those of the
    /// [`pdu_sender`](CommsHandle::pdu_sender) go down. Without it, PDUs are dropped as
    /// `not-carried`. The packet format must carry them.
    pub fn pdus(mut self, receiver: Arc<dyn PduReceiver>) -> Self {
        self.pdus = Some(receiver);
        self
    }

    /// PDUs go down by `write` number `number`. 0 by default.
    pub fn pdu_write(mut self, number: usize) -> Self {
        self.pdu_write = number;
        self
    }

    /// As [`CommsService::start`].
    ///
    /// # Errors
    /// As there.
    pub fn start(self, telem: Arc<Mutex<CommsTelemetry>>) -> CommsResult<CommsHandle> {
        let controls = self.controls;
        let writes = controls.write.len();
        let satellite_ip = controls.satellite_ip;
        if let Some(number) = self.write_many.keys().find(|number| **number >= writes) {
            return Err(config_error(format!(
                "there is no `write` {number} to be called for several packets: the control \
                 block has {writes}"
            )));
        }
        if self.pdus.is_some() && self.pdu_write >= writes.max(1) {
            return Err(config_error(format!(
                "PDUs are to go by `write` {}, but the control block has {writes}, numbered \
                 from 0",
                self.pdu_write
            )));
        }
        let read_timeout = self
            .read_timeout
            .unwrap_or_else(|| self.options.read_timeout())
            .min(TIMEOUT_MAX);
        let standing = reconfigure::Standing::of(
            &controls,
            &self.options,
            self.own_format.is_some(),
            self.radio_bytes_max,
            self.radio_pace,
            read_timeout,
            self.pdus.is_some(),
        );
        let plan = Plan::check(
            &controls,
            &self.options,
            self.own_format,
            self.radio_bytes_max,
            &self.radio_pace,
            self.pdus.is_some(),
        )?;
        let standing = standing.with_downlink_ports(plan.downlink_ports());
        let sockets = plan.bind(read_timeout)?;
        let handler_addrs = sockets.handler_addrs();
        let link_config = plan.link_with(&sockets);
        let submit_addr = sockets.submit.as_ref().and_then(Listeners::tcp_addr);

        let replies = replies::Replies::new(sockets.exchanges)?;
        let reply_sockets = replies.sockets();

        let timeout = plan.link.timeout;
        let handlers_max = plan.link.handlers_max;
        let Engine {
            link,
            security_files,
            storage,
            state,
        } = Engine::new(&self.options, link_config.clone(), plan.format)?;
        let submit = sockets
            .submit
            .map(|listeners| SubmitServer::new(listeners, &link_config, link.budget().clone()));
        let submit = submit.transpose()?;
        let (client, events) = http::Client::new(
            controls.satellite_ip,
            timeout,
            handlers_max,
            link.budget().clone(),
            link.message_bytes_max(),
        )?;
        let client = Arc::new(client);
        let performer = performer::Performer::new(
            controls.satellite_ip,
            sockets.datagrams,
            Arc::clone(&reply_sockets),
            Arc::clone(&client),
            storage,
            submit.as_ref().map(SubmitServer::clients),
        );
        let (shell, wakes) = Shell::new(link, writes, Arc::new(performer));
        let radio = radio_functions(controls, self.read_many, self.write_many);
        let pdu_sender = self.pdus.map(|receiver| {
            shell.keep_pdus(receiver);
            PduSender::new(&shell, self.pdu_write, radio.packets_max(self.pdu_write))
        });

        let endpoints = sockets.downlinks.into_iter();
        let endpoints = Arc::new(endpoints.map(downlink::Endpoint::new).collect());
        let reconfigure =
            CommsReconfigure::new(&shell, &client, &endpoints, &reply_sockets, standing);
        let parts = Parts {
            handlers: handlers::Handlers::new(client, events),
            replies,
            submit,
            satellite_ip,
            read_timeout,
            endpoints,
            state,
            wakes,
            security_files,
            radio,
        };
        let ending = Ending {
            timeout: read_timeout + timeout,
            sends_the_rest: true,
        };
        let running = Running::start(shell, ending, |shell, threads| parts.start(shell, threads))?;
        let source = Arc::clone(running.shell());
        let contact = Arc::clone(running.shell());
        telem.lock().unwrap_or_else(PoisonError::into_inner).show(
            Arc::new(move || source.statistics()),
            Arc::new(move || contact.contact()),
        );
        Ok(CommsHandle::new(
            running,
            reconfigure,
            handler_addrs,
            submit_addr,
            pdu_sender,
        ))
    }
}

/// The functions that take several packets, and the others adapted to them.
fn radio_functions<Connection: Clone + Send + 'static>(
    controls: CommsControlBlock<Connection>,
    read_many: Option<Arc<ReadManyFn<Connection>>>,
    mut write_many: BTreeMap<usize, Writing<Connection>>,
) -> RadioFunctions<Connection> {
    let read = read_many.or(controls.read.map(shell::reading_one));
    let writes = controls.write.into_iter().enumerate();
    let writes = writes.map(|(number, write)| {
        let many = write_many.remove(&number);
        many.unwrap_or_else(|| Writing::one(write))
    });
    RadioFunctions {
        read: read.map(|read| (read, controls.read_conn)),
        write: writes
            .map(|writing| (writing, controls.write_conn.clone()))
            .collect(),
    }
}

/// The engine as it was left, and the files of what is to outlive it.
struct Engine {
    link: Link,
    security_files: Option<StateFiles>,
    storage: Option<storage::Storage>,
    state: Option<state::State>,
}

impl Engine {
    fn new(
        options: &LinkOptions,
        config: LinkConfig,
        format: Box<dyn LinkPacket>,
    ) -> CommsResult<Self> {
        let commands_max = config
            .command_memory
            .map_or(0, |memory| memory.commands_max);
        let config = LinkConfig {
            first_counts_seed: first_counts::seed(),
            ..config
        };
        let mut link = Link::new(config, format);
        let mut security_files = None;
        if let Some(start) = options.start_security(End::Satellite)? {
            if let Some(notice) = start.notice {
                log::warn!("{notice}");
                link.note(notice);
            }
            link = link.with_security(start.security);
            security_files = Some(start.files);
        }
        for notice in &options.notices {
            link.note(notice.clone());
        }
        let (storage, state) = match &options.state_dir {
            Some(directory) if commands_max > 0 => {
                let (storage, state) = state::open(directory, commands_max, &mut link)?;
                (Some(storage), Some(state))
            }
            _ => (None, None),
        };
        if commands_max > 0 && state.is_none() {
            log::info!("no state-dir: a restart forgets which commands ran");
        }
        Ok(Engine {
            link,
            security_files,
            storage,
            state,
        })
    }
}

/// Everything that gets a thread.
struct Parts<Connection> {
    handlers: handlers::Handlers,
    replies: replies::Replies,
    submit: Option<SubmitServer>,
    satellite_ip: Ipv4Addr,
    read_timeout: Duration,
    endpoints: Arc<Vec<downlink::Endpoint>>,
    state: Option<state::State>,
    wakes: Wakes,
    security_files: Option<StateFiles>,
    radio: RadioFunctions<Connection>,
}

impl<Connection: Send + 'static> Parts<Connection> {
    fn start(self, shell: &Arc<Shell>, threads: &mut LinkThreads) -> io::Result<()> {
        if let Some(files) = self.security_files {
            shell.keep_security(files, threads)?;
        }
        let intake = &mut threads.intake;
        let (read, outlets) = self.radio.into_parts();
        let answers = outlets.first().cloned();
        self.handlers
            .start(shell, self.read_timeout, answers, intake)?;
        self.replies
            .start(shell, self.satellite_ip, self.read_timeout, intake)?;
        downlink::start(shell, &self.endpoints, &outlets, intake)?;
        if let Some(mut state) = self.state {
            // It ends with the transmit threads: what is answered in the last moment
            // is entered, too.
            let own = Arc::clone(shell);
            let run = move || storage::run(&own, &mut state.journal, &state.entries);
            let threads = &mut threads.transmit;
            threads.spawn("storage", USER_STACK_BYTES, run)?;
        }
        if let Some(submit) = self.submit {
            submit.start(shell, self.read_timeout, intake)?;
        }
        shell::start_threads(shell, self.wakes, read, outlets, threads)
    }
}

/// For errors of this module's parts.
fn config_error(text: String) -> CommsError {
    CommsError::Config(text)
}

//! The communications service of a satellite: the engine, its threads and its
//! sockets.
//!
//! [`CommsService::start`] checks everything, binds every socket, and only then
//! starts threads:
//!
//! | thread | does |
//! |---|---|
//! | `read` | `read` → engine; sends UDP messages to services, without waiting |
//! | `handler-N` | posts queries by HTTP, waits for their answers |
//! | `replies` | receives the answers of UDP services (format `udp` only) |
//! | `downlink-PORT` | receives the datagrams of mission apps |
//! | `transmit-N` | calls `write` number N |
//! | `clock` | wakes the engine when a time-out is due |

mod downlink;
mod handle;
mod handlers;
mod http;
mod performer;
mod plan;
mod replies;

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::Receiver;

pub use handle::CommsHandle;

use crate::control::CommsControlBlock;
use crate::error::{CommsError, CommsResult};
use crate::link::{Link, TIMEOUT_MAX};
use crate::message::End;
use crate::options::{LinkOptions, PacketFormat};
use crate::packet::LinkPacket;
use crate::security::StateFiles;
use crate::shell::{self, Ending, LinkThreads, RadioFunctions, Running, Shell, Wakes};
use crate::telemetry::CommsTelemetry;

use plan::Plan;

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
            read_timeout: None,
        }
    }
}

/// Settings around the twelve fields of the control block.
pub struct CommsServiceBuilder<Connection: Clone> {
    controls: CommsControlBlock<Connection>,
    options: LinkOptions,
    own_format: Option<Box<dyn LinkPacket>>,
    radio_bytes_max: Option<usize>,
    read_timeout: Option<Duration>,
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

    /// As [`CommsService::start`].
    ///
    /// # Errors
    /// As there.
    pub fn start(self, telem: Arc<Mutex<CommsTelemetry>>) -> CommsResult<CommsHandle> {
        let controls = self.controls;
        let read_timeout = self
            .read_timeout
            .unwrap_or_else(|| self.options.read_timeout())
            .min(TIMEOUT_MAX);
        let plan = Plan::check(
            &controls,
            &self.options,
            self.own_format,
            self.radio_bytes_max,
        )?;
        let sockets = plan.bind(read_timeout)?;
        let downlink_addrs = sockets.downlink_addrs();
        let handler_addrs = sockets.handler_addrs();
        let link_config = plan.link_with(&sockets);

        let replies = replies::Replies::new(sockets.exchanges)?;

        let timeout = plan.link.timeout;
        let handlers_max = plan.link.handlers_max;
        let writes = controls.write.len();
        let mut link = Link::new(link_config, plan.format);
        let mut files = None;
        if let Some(start) = self.options.start_security(End::Satellite)? {
            if let Some(notice) = start.notice {
                log::warn!("{notice}");
                link.note(notice);
            }
            link = link.with_security(start.security);
            files = Some(start.files);
        }
        for notice in self.options.notices {
            link.note(notice);
        }
        let (performer, jobs) = performer::Performer::new(
            controls.satellite_ip,
            sockets.datagrams,
            replies.sockets(),
            handlers_max,
        );
        let budget = link.budget().clone();
        let answer_bytes_max = link.message_bytes_max();
        let (shell, wakes) = Shell::new(link, writes, Arc::new(performer));

        let parts = Parts {
            client: http::Client::new(controls.satellite_ip, timeout, budget, answer_bytes_max),
            handlers_max,
            jobs,
            replies,
            satellite_ip: controls.satellite_ip,
            read_timeout,
            downlinks: sockets.downlinks,
            wakes,
            security_files: files,
            radio: RadioFunctions {
                read: controls.read.map(|read| (read, controls.read_conn)),
                write: controls
                    .write
                    .into_iter()
                    .map(|write| (write, controls.write_conn.clone()))
                    .collect(),
            },
        };
        let ending = Ending {
            timeout: read_timeout + timeout,
            sends_the_rest: true,
        };
        let running = Running::start(shell, ending, |shell, threads| parts.start(shell, threads))?;
        let source = Arc::clone(running.shell());
        telem
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .show(Arc::new(move || source.statistics()));
        Ok(CommsHandle::new(running, downlink_addrs, handler_addrs))
    }
}

/// Everything that gets a thread.
struct Parts<Connection> {
    client: http::Client,
    handlers_max: usize,
    jobs: Receiver<performer::Job>,
    replies: replies::Replies,
    satellite_ip: Ipv4Addr,
    read_timeout: Duration,
    downlinks: Vec<UdpSocket>,
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
        handlers::start(shell, self.handlers_max, self.jobs, self.client, intake)?;
        self.replies
            .start(shell, self.satellite_ip, self.read_timeout, intake)?;
        downlink::start(shell, self.downlinks, intake)?;
        shell::start_threads(shell, self.wakes, self.radio, threads)
    }
}

/// For errors of this module's parts.
fn config_error(text: String) -> CommsError {
    CommsError::Config(text)
}

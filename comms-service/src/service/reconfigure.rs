//! Another configuration for a service that runs: checked as at the start,
//! staged, then taken as a whole or not at all.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::downlink::Endpoint;
use super::plan::Plan;
use super::replies::ReplySockets;
use super::{config_error, http};
use crate::config::CommsConfig;
use crate::control::{CommsControlBlock, WriteFn};
use crate::error::CommsResult;
use crate::link::{ContactPlan, ContactPlanError, ContactState};
use crate::message::End;
use crate::options::{Addresses, LinkOptions, RadioPace};
use crate::packet::LinkPacket;
use crate::security::SecuritySettings;
use crate::shell::Shell;

/// Changes the configuration of a running service. Clones change the same one.
#[derive(Clone)]
pub struct CommsReconfigure {
    shell: Arc<Shell>,
    /// Gone, as the endpoints are, once the service's threads have ended.
    client: Weak<http::Client>,
    endpoints: Weak<Vec<Endpoint>>,
    replies: Weak<ReplySockets>,
    standing: Arc<Mutex<Standing>>,
}

/// The configuration that holds, and what it cannot change.
pub(super) struct Standing {
    controls: CommsControlBlock<()>,
    options: LinkOptions,
    has_own_format: bool,
    radio_bytes_max: Option<usize>,
    radio_pace: RadioPace,
    /// The ports of the downlink endpoints.
    downlink_ports: Vec<u16>,
    read_timeout: Duration,
    takes_pdus: bool,
}

/// A configuration that can be taken.
struct Staged {
    controls: CommsControlBlock<()>,
    options: LinkOptions,
    plan: Plan,
    changes_format: bool,
    security: Option<SecuritySettings>,
}

impl Standing {
    pub(super) fn of<Connection: Clone>(
        controls: &CommsControlBlock<Connection>,
        options: &LinkOptions,
        has_own_format: bool,
        radio_bytes_max: Option<usize>,
        radio_pace: RadioPace,
        read_timeout: Duration,
        takes_pdus: bool,
    ) -> Self {
        Standing {
            controls: CommsControlBlock {
                read: None,
                write: no_writes(controls.write.len()),
                read_conn: (),
                write_conn: (),
                handler_port_min: controls.handler_port_min,
                handler_port_max: controls.handler_port_max,
                max_num_handlers: controls.max_num_handlers,
                timeout: controls.timeout,
                ground_ip: controls.ground_ip,
                satellite_ip: controls.satellite_ip,
                downlink_ports: controls.downlink_ports.clone(),
                ground_port: controls.ground_port,
            },
            options: options.clone(),
            has_own_format,
            radio_bytes_max,
            radio_pace,
            downlink_ports: Vec::new(),
            read_timeout,
            takes_pdus,
        }
    }

    /// The same, with the ports of its downlink endpoints as configured.
    pub(super) fn with_downlink_ports(self, downlink_ports: Vec<u16>) -> Self {
        Standing {
            downlink_ports,
            ..self
        }
    }

    fn stage(&self, config: CommsConfig, options: LinkOptions) -> CommsResult<Staged> {
        let writes = no_writes(self.controls.write.len());
        let controls = CommsControlBlock::new(None, writes, (), (), config)?;
        self.refuse_what_stays(&controls, &options)?;
        let own_format = match self.has_own_format {
            true => Some(self.stand_in()?),
            false => None,
        };
        let plan = Plan::check(
            &controls,
            &options,
            own_format,
            self.radio_bytes_max,
            &self.radio_pace,
            self.takes_pdus,
        )?;
        let changes_format = !self.has_own_format && !self.has_format_of(&controls, &options);
        let security = options.security.as_ref();
        let security = security.map(|security| security.settings(End::Satellite));
        Ok(Staged {
            security: security.transpose()?,
            controls,
            options,
            plan,
            changes_format,
        })
    }

    /// Threads, sockets and the radio are those of the start.
    fn refuse_what_stays(
        &self,
        controls: &CommsControlBlock<()>,
        options: &LinkOptions,
    ) -> CommsResult<()> {
        let old = &self.controls;
        let read_timeout = |options: &LinkOptions| options.read_timeout_ms;
        let mode = |options: &LinkOptions| options.security.as_ref().map(|own| own.mode);
        let changed = [
            (
                "handler-port-min",
                old.handler_port_min != controls.handler_port_min,
            ),
            (
                "handler-port-max",
                old.handler_port_max != controls.handler_port_max,
            ),
            (
                "max-num-handlers",
                old.max_num_handlers != controls.max_num_handlers,
            ),
            ("timeout", old.timeout != controls.timeout),
            ("satellite-ip", old.satellite_ip != controls.satellite_ip),
            (
                "downlink-ports",
                old.downlink_ports.is_some() != controls.downlink_ports.is_some(),
            ),
            (
                "downlink",
                self.options.downlink.len() != options.downlink.len(),
            ),
            (
                "security",
                self.options.security.is_some() != options.security.is_some(),
            ),
            ("security.mode", mode(&self.options) != mode(options)),
            ("submit", self.options.submit != options.submit),
            (
                "command-memory",
                self.options.command_memory != options.command_memory,
            ),
            (
                "read-timeout-ms",
                read_timeout(&self.options) != read_timeout(options),
            ),
            ("state-dir", self.options.state_dir != options.state_dir),
        ];
        match changed.iter().find(|(_, changed)| *changed) {
            Some((key, _)) => Err(stays(key)),
            None => Ok(()),
        }
    }

    /// In the place of a mission's own format, which a configuration cannot change.
    fn stand_in(&self) -> CommsResult<Box<dyn LinkPacket>> {
        let addresses = Addresses {
            ground_ip: self.controls.ground_ip,
            satellite_ip: self.controls.satellite_ip,
            ground_port: self.controls.ground_port,
        };
        LinkOptions::default().packet_format(End::Satellite, None, addresses)
    }

    /// Whether these make the packet format that is spoken already.
    fn has_format_of(&self, controls: &CommsControlBlock<()>, options: &LinkOptions) -> bool {
        let (old, old_controls) = (&self.options, &self.controls);
        old.format == options.format
            && old.packet_bytes_max == options.packet_bytes_max
            && old.error_control == options.error_control
            && old.apid_preset == options.apid_preset
            && old.apids == options.apids
            && old.http_ports == options.http_ports
            && old_controls.ground_ip == controls.ground_ip
            && old_controls.ground_port == controls.ground_port
    }
}

impl CommsReconfigure {
    pub(super) fn new(
        shell: &Arc<Shell>,
        client: &Arc<http::Client>,
        endpoints: &Arc<Vec<Endpoint>>,
        replies: &Arc<ReplySockets>,
        standing: Standing,
    ) -> Self {
        CommsReconfigure {
            shell: Arc::clone(shell),
            client: Arc::downgrade(client),
            endpoints: Arc::downgrade(endpoints),
            replies: Arc::downgrade(replies),
            standing: Arc::new(Mutex::new(standing)),
        }
    }

    /// Checks a configuration as [`apply`](Self::apply) does, without taking it.
    ///
    /// # Errors
    /// [`CommsError::Config`](crate::CommsError::Config) and
    /// [`CommsError::Address`](crate::CommsError::Address), as at the start of a
    /// service, and where a key cannot change while it runs: `handler-port-min`,
    /// `handler-port-max`, `max-num-handlers`, `timeout`, `satellite-ip`,
    /// `read-timeout-ms`, `state-dir`, `command-memory`, `submit`, whether there is `security`
    /// and its `mode`, and how many
    /// `downlink-ports` and `downlink` entries there are. Where there is a receiver of
    /// PDUs, the packet format must carry them.
    pub fn check(&self, config: CommsConfig, options: LinkOptions) -> CommsResult<()> {
        let standing = self.standing();
        standing.stage(config, options).map(drop)
    }

    /// Takes a configuration; gives when. Counters, queues and what is with
    /// services stay; sockets of downlink ports that stay are not touched. With
    /// another packet format, what is under way in the old one is dropped as
    /// `reconfigured`.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), and
    /// [`CommsError::Bind`](crate::CommsError::Bind) for a new downlink port, or where
    /// no port is left for the answers of UDP services.
    /// Nothing has changed then.
    pub fn apply(&self, config: CommsConfig, options: LinkOptions) -> CommsResult<Instant> {
        let mut standing = self.standing();
        let staged = standing.stage(config, options)?;
        // Without endpoints nobody holds the list of them.
        let endpoints = self.endpoints.upgrade().unwrap_or_default();
        if endpoints.len() != staged.plan.downlink_ports().len() {
            return Err(config_error("the service has ended".to_string()));
        }
        let sockets = standing.sockets(&staged, &endpoints)?;
        let exchanges = self.first_exchanges(&staged)?;
        let exchange_sockets = exchanges.len();
        if let Some(replies) = self.replies.upgrade() {
            replies.give(exchanges)?;
        }

        let Staged {
            controls,
            options,
            plan,
            changes_format,
            security,
        } = staged;
        let addresses = sockets.iter().filter_map(|socket| socket.local_addr().ok());
        let limits = plan.link_with_ports(addresses);
        let downlink_ports = plan.downlink_ports();
        let format = changes_format.then_some(plan.format);
        if let Some(client) = self.client.upgrade() {
            client.set_answer_bytes_max(limits.message_bytes_max);
        }
        let at = self.shell.with(|link, now| {
            if options.notices != standing.options.notices {
                for notice in &options.notices {
                    link.note(notice.clone());
                }
            }
            link.add_exchange_sockets(exchange_sockets);
            if let Some(security) = security {
                link.reconfigure_security(now, security);
            }
            link.reconfigure(now, limits, format);
            now
        });
        for (endpoint, socket) in endpoints.iter().zip(sockets) {
            endpoint.replace(socket);
        }
        standing.downlink_ports = downlink_ports;
        standing.controls = controls;
        standing.options = options;
        Ok(at)
    }

    /// A line for telemetry and log.
    pub fn note(&self, text: String) {
        self.shell.with(|link, _| link.note(text));
    }

    /// As [`CommsHandle::set_contact_plan`](super::CommsHandle::set_contact_plan).
    ///
    /// # Errors
    /// As there.
    pub fn set_contact_plan(&self, plan: Option<ContactPlan>) -> Result<(), ContactPlanError> {
        self.shell
            .with(|link, now| link.set_contact_plan(now, plan))
    }

    /// Whether the ground is there.
    pub fn contact(&self) -> ContactState {
        self.shell.contact()
    }

    /// Whether a message came and was let in since the last change, which shows that
    /// the ground goes along with it: [`Link::is_proven`](crate::link::Link::is_proven).
    pub fn is_proven(&self) -> bool {
        self.shell.with(|link, _| link.is_proven())
    }

    /// How long the longest window of the contact plan is; none without a plan
    /// that can be followed.
    pub fn longest_contact_window(&self) -> Option<Duration> {
        self.shell.with(|link, _| link.longest_contact_window())
    }

    /// Whether nothing waits for the radio.
    pub fn nothing_to_send(&self) -> bool {
        let out = self.shell.statistics().messages_out;
        out.queued + out.in_flight == 0
    }

    pub(super) fn downlink_addrs(&self) -> Vec<SocketAddr> {
        let endpoints = self.endpoints.upgrade().unwrap_or_default();
        endpoints.iter().filter_map(Endpoint::local_addr).collect()
    }

    /// The first sockets for answers of UDP services, where `staged` needs some.
    fn first_exchanges(&self, staged: &Staged) -> CommsResult<Vec<mio::net::UdpSocket>> {
        let wanted = staged.plan.link.exchange_sockets > 0;
        match wanted && self.shell.with(|link, _| link.exchange_sockets()) == 0 {
            true => staged.plan.bind_first_exchanges(),
            false => Ok(Vec::new()),
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// The sockets of the endpoints: those that stay, and new ones.
    fn sockets(&self, staged: &Staged, endpoints: &[Endpoint]) -> CommsResult<Vec<Arc<UdpSocket>>> {
        let mut sockets = Vec::new();
        for (number, port) in staged.plan.downlink_ports().iter().enumerate() {
            let stays = self.downlink_ports.get(number) == Some(port);
            let is_it = |endpoint: &&Endpoint| {
                let address = endpoint.local_addr();
                address.is_some_and(|address| address.port() == *port)
            };
            let own = endpoints.get(number).filter(|_| stays);
            let moved = endpoints.iter().find(is_it).filter(|_| *port != 0);
            sockets.push(match own.or(moved) {
                Some(endpoint) => endpoint.socket(),
                None => Arc::new(staged.plan.bind_downlink(*port, self.read_timeout)?),
            });
        }
        Ok(sockets)
    }
}

fn stays(key: &str) -> crate::error::CommsError {
    config_error(format!(
        "`{key}` cannot change while the service runs: restart it"
    ))
}

/// So many `write` functions, for what only looks at how many they are.
fn no_writes(count: usize) -> Vec<Arc<WriteFn<()>>> {
    let none: Arc<WriteFn<()>> = Arc::new(|(), _| Ok(()));
    vec![none; count]
}

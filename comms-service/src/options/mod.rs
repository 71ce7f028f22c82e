//! What is newer than the specification: packet format and limits. Every key is
//! strict, because a typo must never switch something off unseen.
//!
//! ```toml
//! [my-radio.comms]
//! format = "space-packet"         # or "kubos", "udp"
//! packet-bytes-max = 256          # octets of the largest packet; else the radio's, else 256
//! error-control = true            # CRC-16 at the end of each Space Packet
//! apid-preset = "default"         # or "kubos", "kubos-gateway"
//! apids = { graphql = 0, udp = 1 }  # changes of the preset
//! http-ports = []                 # format `udp`: services that speak HTTP
//! message-bytes-max = 1048576     # octets of the largest message
//! memory-bytes-max = 8388608      # octets of everything held
//! handler-queue-messages-max = 50     # queries that wait for a handler
//! transmit-queue-messages-max = 1024  # messages before each `write`
//! bit-rate-bps = 9600             # of each radio, for pacing; else the radio's; 0: no pacing
//! reception-report-ms = 0         # ground: least time between two reports; 0: none
//! reassembly-timeout-ms = 30000   # longest pause between two segments
//! read-timeout-ms = 1000          # how long the ready-made `read` waits
//! command-memory = {}             # format `space-packet`: see [`CommandMemoryOptions`]
//! allowed-ports = { graphql = [8150], udp = [8160] }  # who may be called; default all
//! rate-limits = [{ port = 8150, per-second = 10, burst = 20 }]  # or port = "all"
//! reply-windows = [{ port = 8170, window-ms = 15000, messages-max = 64 }]  # who may answer
//! contact-silence-ms = 86400000   # nothing heard for so long: no plan is believed
//! contact-hold-ms = 60000         # contact after each valid frame
//! state-dir = "/var/lib/my-radio" # where what is to survive a restart is kept; none
//! confirm-window-ms = 600000      # what was changed over the link is confirmed in it
//! hold-outside-contact = ["bulk"] # what waits for a planned pass; or "telemetry"
//! security = { key-file = "/etc/heliograph/link.key" }  # see [`SecurityOptions`]
//! ```
//!
//! Tables of their own: `queue` ([`QueueOptions`]), `downlink` ([`DownlinkOptions`]),
//! `submit` ([`SubmitOptions`]).

mod command_memory;
mod queue;
mod submit;

mod admission;
mod replies;

mod security;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

pub use command_memory::CommandMemoryOptions;
pub use security::SecurityOptions;
use serde::Deserialize;
use toml::{Table, Value};

pub use queue::{ClassOptions, DownlinkOptions, QueueOptions, RadioPace};
pub use submit::SubmitOptions;

use crate::error::{CommsError, CommsResult};
use crate::link::{ContactConfig, HeldClass, LinkConfig, Pace};
use crate::message::End;
use crate::packet::{
    ApidMap, KubosFormat, LinkPacket, PACKET_BYTES_MAX_DEFAULT, SpacePacketFormat, UdpFormat,
};

pub use admission::{AllowedPorts, LimitedPort, RateLimitOption};
pub use replies::ReplyWindowOption;

/// The three packet formats that come with the framework.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PacketFormat {
    /// CCSDS Space Packets with segmentation and error control.
    #[default]
    SpacePacket,
    /// Bit-exact KubOS packets.
    Kubos,
    /// Whole UDP datagrams.
    Udp,
}

impl PacketFormat {
    /// The name in configuration and errors.
    pub fn as_str(self) -> &'static str {
        match self {
            PacketFormat::SpacePacket => "space-packet",
            PacketFormat::Kubos => "kubos",
            PacketFormat::Udp => "udp",
        }
    }
}

/// The newer keys of `[<service>.comms]`. A key that is not given is `None` and
/// takes the default of the table above.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct LinkOptions {
    /// The packet format.
    pub format: PacketFormat,
    /// Octets of the largest packet that reaches `write`.
    pub packet_bytes_max: Option<usize>,
    /// CRC-16 at the end of each Space Packet.
    pub error_control: Option<bool>,
    /// A named APID map.
    pub apid_preset: Option<String>,
    /// APIDs that differ from the preset.
    pub apids: BTreeMap<String, i64>,
    /// Destination ports of format `udp` whose services speak HTTP.
    pub http_ports: Vec<u16>,
    /// Octets of the largest message.
    pub message_bytes_max: Option<usize>,
    /// Octets of everything held.
    pub memory_bytes_max: Option<usize>,
    /// Queries that wait for a handler.
    pub handler_queue_messages_max: Option<usize>,
    /// Messages before each `write`.
    pub transmit_queue_messages_max: Option<usize>,
    /// Limits of the classes of each transmit queue.
    pub queue: QueueOptions,
    /// Downlink endpoints beside `downlink-ports`.
    pub downlink: Vec<DownlinkOptions>,
    /// Bits per second of each radio, before what the radio says; 0 is no pacing.
    pub bit_rate_bps: Option<u64>,
    /// Where apps submit messages whose fate they are told.
    pub submit: Option<SubmitOptions>,
    /// On the ground: at most that often, in ms, it reports which datagrams it heard;
    /// 0 for never.
    pub reception_report_ms: Option<u64>,
    /// Longest pause between two segments, in ms.
    pub reassembly_timeout_ms: Option<u64>,
    /// How long the ready-made `read` waits, in ms.
    pub read_timeout_ms: Option<u64>,
    /// What the satellite remembers of commands.
    pub command_memory: Option<CommandMemoryOptions>,
    /// Where the link keeps what is to survive a restart. Without it nothing does.
    pub state_dir: Option<PathBuf>,
    /// Destination ports that may be called from the ground.
    pub allowed_ports: AllowedPorts,
    /// How often they may be.
    pub rate_limits: Vec<RateLimitOption>,
    /// UDP services whose answers go down.
    pub reply_windows: Vec<ReplyWindowOption>,
    /// Nothing heard for so long, in ms: no contact plan is believed.
    pub contact_silence_ms: Option<u64>,
    /// So long after a valid frame there is contact, in ms.
    pub contact_hold_ms: Option<u64>,
    /// What waits for a window of the contact plan.
    pub hold_outside_contact: Vec<HeldClass>,
    /// How long, in ms of contact, what was changed over the link waits to be
    /// confirmed.
    pub confirm_window_ms: Option<u64>,
    /// Authentication, or encryption.
    pub security: Option<SecurityOptions>,
    /// [`CommsConfig::notices`](crate::CommsConfig::notices) of the same table,
    /// which telemetry shows as the first errors.
    #[serde(skip)]
    pub notices: Vec<String>,
}

/// The keys of [`LinkOptions`].
const KEYS: &[&str] = &[
    "format",
    "packet-bytes-max",
    "error-control",
    "apid-preset",
    "apids",
    "http-ports",
    "message-bytes-max",
    "memory-bytes-max",
    "handler-queue-messages-max",
    "transmit-queue-messages-max",
    "queue",
    "downlink",
    "bit-rate-bps",
    "submit",
    "reception-report-ms",
    "reassembly-timeout-ms",
    "read-timeout-ms",
    "command-memory",
    "state-dir",
    "allowed-ports",
    "rate-limits",
    "reply-windows",
    "contact-silence-ms",
    "contact-hold-ms",
    "hold-outside-contact",
    "confirm-window-ms",
    "security",
];

/// Longest time that can be configured, in ms: a day.
const TIME_MS_MAX: usize = 86_400_000;

/// Longest `contact-silence-ms`, in days.
const CONTACT_SILENCE_DAYS_MAX: usize = 30;

/// Default of `confirm-window-ms`.
const CONFIRM_WINDOW_MS: u64 = 600_000;

/// Smallest `confirm-window-ms`: in less, no ground could confirm anything, and so
/// nothing could be changed over the link any more.
const CONFIRM_WINDOW_MS_MIN: usize = 1_000;

/// Default of `read-timeout-ms`.
pub const READ_TIMEOUT_MS: u64 = 1_000;

impl LinkOptions {
    /// Reads a table, whose keys may be spelled with `-` or `_`. `name` is the
    /// table's, for errors.
    ///
    /// # Errors
    /// [`CommsError::UnknownKey`] and [`CommsError::Config`], naming key and table.
    pub fn from_table(table: &Table, name: &str) -> CommsResult<LinkOptions> {
        Self::read(table, name, &[])
    }

    /// [`from_table`](Self::from_table) of a table in which `others` are known
    /// too, to whoever read them already: an unknown key may be meant as one.
    pub(crate) fn read(given: &Table, name: &str, others: &[&str]) -> CommsResult<LinkOptions> {
        let mut table = Table::new();
        for (key, value) in given {
            let spelled = key.replace('_', "-");
            if !KEYS.contains(&spelled.as_str()) {
                return Err(CommsError::UnknownKey {
                    key: key.clone(),
                    table: name.to_string(),
                    nearest: nearest_key(&spelled, others),
                });
            }
            let value = respelled(value);
            if table.insert(spelled.clone(), value).is_some() {
                let text = format!("`{spelled}` is given in two spellings in [{name}]");
                return Err(CommsError::Config(text));
            }
        }
        // One key at a time, so that the error can name it.
        for (key, value) in &table {
            let mut single = Table::new();
            single.insert(key.clone(), value.clone());
            let read: Result<LinkOptions, _> = Value::Table(single).try_into();
            if let Err(error) = read {
                let problem = error.to_string();
                let problem = problem.split_whitespace().collect::<Vec<_>>().join(" ");
                let text = format!("`{key}` in [{name}] is {value}: {problem}");
                return Err(CommsError::Config(text));
            }
        }
        let options: LinkOptions = Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| CommsError::Config(format!("[{name}]: {error}")))?;
        options.apid_map()?;
        options.check_sizes()?;
        options.check_format()?;
        options.check_queues()?;
        options.check_services()?;
        options.check_security()?;
        Ok(options)
    }

    fn apid_map(&self) -> CommsResult<ApidMap> {
        let config = |error: crate::packet::ApidMapError| CommsError::Config(error.to_string());
        let default = match self.format {
            PacketFormat::Kubos => "kubos",
            _ => "default",
        };
        let preset = self.apid_preset.as_deref().unwrap_or(default);
        let mut map = ApidMap::preset(preset).map_err(config)?;
        for (name, apid) in &self.apids {
            map.set(name, *apid).map_err(config)?;
        }
        map.check().map_err(config)?;
        Ok(map)
    }

    fn check_sizes(&self) -> CommsResult<()> {
        let packet_bytes = (
            crate::packet::PACKET_BYTES_MIN,
            crate::packet::PACKET_BYTES_LIMIT,
        );
        let milliseconds =
            |time: Option<u64>| time.map(|ms| usize::try_from(ms).unwrap_or(usize::MAX));
        let ranges = [
            ("packet-bytes-max", self.packet_bytes_max, packet_bytes),
            ("message-bytes-max", self.message_bytes_max, (1, usize::MAX)),
            ("memory-bytes-max", self.memory_bytes_max, (1, usize::MAX)),
            (
                "transmit-queue-messages-max",
                self.transmit_queue_messages_max,
                (1, usize::MAX),
            ),
            (
                "reassembly-timeout-ms",
                milliseconds(self.reassembly_timeout_ms),
                (1, TIME_MS_MAX),
            ),
            (
                "reception-report-ms",
                milliseconds(self.reception_report_ms),
                (0, TIME_MS_MAX),
            ),
            (
                "read-timeout-ms",
                milliseconds(self.read_timeout_ms),
                (1, TIME_MS_MAX),
            ),
            (
                "contact-silence-ms",
                milliseconds(self.contact_silence_ms),
                (1, TIME_MS_MAX * CONTACT_SILENCE_DAYS_MAX),
            ),
            (
                "confirm-window-ms",
                milliseconds(self.confirm_window_ms),
                (CONFIRM_WINDOW_MS_MIN, TIME_MS_MAX),
            ),
            (
                "contact-hold-ms",
                milliseconds(self.contact_hold_ms),
                (1, TIME_MS_MAX),
            ),
        ];
        if let Some(memory) = &self.command_memory {
            memory.check()?;
        }
        for (key, value, (min, max)) in ranges {
            if let Some(value) = value.filter(|value| !(min..=max).contains(value)) {
                let text = format!("{key} = {value} is not in {min}..={max}");
                return Err(CommsError::Config(text));
            }
        }
        Ok(())
    }

    /// The limits of queues and the downlink endpoints are such as can be.
    pub(crate) fn check_queues(&self) -> CommsResult<()> {
        self.queue.check()?;
        queue::check_downlink(&self.downlink)?;
        self.submit.iter().try_for_each(SubmitOptions::check)
    }

    /// What the settings for single services do not allow.
    pub(crate) fn check_services(&self) -> CommsResult<()> {
        admission::check(&self.rate_limits).map_err(CommsError::Config)?;
        replies::check(&self.reply_windows).map_err(CommsError::Config)
    }

    /// A key that the chosen format does not know is as wrong as a mistyped one.
    fn check_format(&self) -> CommsResult<()> {
        let space_packet = self.format == PacketFormat::SpacePacket;
        let udp = self.format == PacketFormat::Udp;
        let has_apids = self.apid_preset.is_some() || !self.apids.is_empty();
        let misplaced = [
            (
                "error-control",
                self.error_control == Some(true) && !space_packet,
            ),
            ("http-ports", !self.http_ports.is_empty() && !udp),
            ("apid-preset or apids", has_apids && udp),
            (
                "command-memory",
                self.command_memory.is_some() && !space_packet,
            ),
            ("allowed-ports.udp", self.allowed_ports.udp.is_some() && udp),
            (
                "allowed-ports.exchange",
                self.allowed_ports.exchange.is_some() && !udp,
            ),
            ("reply-windows", !self.reply_windows.is_empty() && udp),
            (
                "reception-report-ms",
                self.reception_report_ms.is_some_and(|ms| ms > 0) && !space_packet,
            ),
            ("security", self.security.is_some() && !space_packet),
        ];
        match misplaced.iter().find(|(_, misplaced)| *misplaced) {
            Some((key, _)) => Err(CommsError::Config(format!(
                "{key} cannot be had in format `{}`",
                self.format.as_str()
            ))),
            None => Ok(()),
        }
    }

    /// The format, for one end of the link. `radio_bytes_max` is what the radio
    /// says of its largest packet; the smaller of it and `packet-bytes-max` holds.
    ///
    /// # Errors
    /// [`CommsError::Config`] when the APID map, the sizes or, in format `udp`,
    /// the ground port do not allow it.
    pub fn packet_format(
        &self,
        end: End,
        radio_bytes_max: Option<usize>,
        addresses: Addresses,
    ) -> CommsResult<Box<dyn LinkPacket>> {
        self.check_sizes()?;
        self.check_services()?;
        self.check_format()?;
        self.check_security()?;
        let bytes_min = match self.security {
            Some(_) => crate::packet::SECURED_PACKET_BYTES_MIN,
            None => crate::packet::PACKET_BYTES_MIN,
        };
        if let Some(bytes) = radio_bytes_max.filter(|bytes| *bytes < bytes_min) {
            return Err(CommsError::Config(format!(
                "the radio takes packets of at most {bytes} octets, but {bytes_min} are needed"
            )));
        }
        let limits = [radio_bytes_max, self.packet_bytes_max];
        let packet_bytes_max = limits.into_iter().flatten().min();
        Ok(match self.format {
            PacketFormat::SpacePacket => Box::new(SpacePacketFormat {
                end,
                apids: self.apid_map()?,
                error_control: self.error_control.unwrap_or(true),
                packet_bytes_max: packet_bytes_max.unwrap_or(PACKET_BYTES_MAX_DEFAULT),
                secured: self.security.is_some(),
            }),
            PacketFormat::Kubos => Box::new(KubosFormat {
                end,
                apids: self.apid_map()?,
                packet_bytes_max,
            }),
            PacketFormat::Udp => Box::new(UdpFormat {
                end,
                ground_ip: addresses.ground_ip,
                satellite_ip: addresses.satellite_ip,
                ground_port: addresses.ground_port.unwrap_or(0),
                http_ports: self.http_ports.clone(),
                packet_bytes_max,
            }),
        })
    }

    /// The limits, on top of `defaults`.
    pub fn link_config(&self, defaults: LinkConfig) -> LinkConfig {
        let milliseconds = |own: Option<u64>, default| own.map_or(default, Duration::from_millis);
        let contact = ContactConfig {
            silence: milliseconds(self.contact_silence_ms, defaults.contact.silence),
            hold: milliseconds(self.contact_hold_ms, defaults.contact.hold),
            hold_outside: self.hold_outside_contact.iter().copied().collect(),
        };
        let bytes = |own: Option<usize>, default| own.unwrap_or(default);
        let timeout = self.reassembly_timeout_ms.map(Duration::from_millis);
        LinkConfig {
            admission: admission::admission(&self.allowed_ports, &self.rate_limits),
            reply_windows: replies::windows(&self.reply_windows),
            contact,
            message_bytes_max: bytes(self.message_bytes_max, defaults.message_bytes_max),
            memory_bytes_max: bytes(self.memory_bytes_max, defaults.memory_bytes_max),
            handler_queue_messages_max: bytes(
                self.handler_queue_messages_max,
                defaults.handler_queue_messages_max,
            ),
            transmit_queue_messages_max: bytes(
                self.transmit_queue_messages_max,
                defaults.transmit_queue_messages_max,
            ),
            queue: self.queue.limits(defaults.queue),
            downlink_map: match self.downlink.as_slice() {
                [] => defaults.downlink_map,
                map => map.iter().map(DownlinkOptions::endpoint).collect(),
            },
            pace: match self.bit_rate_bps {
                None => defaults.pace,
                Some(_) => self.pace(&RadioPace::default()),
            },
            reassembly_timeout: timeout.unwrap_or(defaults.reassembly_timeout),
            command_memory: match self.format {
                PacketFormat::SpacePacket => Some(self.command_memory().config()),
                _ => None,
            },
            reception_report: match self.reception_report_ms {
                None => defaults.reception_report,
                Some(ms) => Some(Duration::from_millis(ms)).filter(|period| !period.is_zero()),
            },
            ..defaults
        }
    }

    /// How the packets for a radio are paced; none where its bit rate is not known.
    pub fn pace(&self, radio: &RadioPace) -> Option<Pace> {
        radio.pace(self.bit_rate_bps)
    }

    fn command_memory(&self) -> CommandMemoryOptions {
        self.command_memory.clone().unwrap_or_default()
    }

    /// How long, counted in contact, what was changed over the link waits to be
    /// confirmed. Ten minutes by default.
    pub fn confirm_window(&self) -> Duration {
        Duration::from_millis(self.confirm_window_ms.unwrap_or(CONFIRM_WINDOW_MS))
    }

    /// How long the ready-made `read` waits.
    pub fn read_timeout(&self) -> Duration {
        Duration::from_millis(self.read_timeout_ms.unwrap_or(READ_TIMEOUT_MS))
    }
}

/// The addresses that format `udp` needs.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The ground's.
    pub ground_ip: Ipv4Addr,
    /// The satellite's.
    pub satellite_ip: Ipv4Addr,
    /// Where datagrams of apps go to.
    pub ground_port: Option<u16>,
}

/// The same value with `-` for `_` in the keys of all tables inside it.
fn respelled(value: &Value) -> Value {
    match value {
        Value::Table(table) => {
            let pairs = table
                .iter()
                .map(|(key, value)| (key.replace('_', "-"), respelled(value)));
            Value::Table(pairs.collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(respelled).collect()),
        other => other.clone(),
    }
}

fn nearest_key(key: &str, others: &[&str]) -> Option<String> {
    let known = KEYS.iter().chain(others);
    let ranked = known.map(|known| (strsim::damerau_levenshtein(key, known), *known));
    let (distance, nearest) = ranked.min()?;
    (distance <= 1 + nearest.len() / 3).then(|| nearest.to_string())
}

//! `CommsConfig`: what the specification puts into `config.toml`.
//!
//! ```toml
//! [my-radio.comms]                # or [my-radio]; `_` or `-` in the keys
//! handler-port-min = 13100        # first local port of the handlers' UDP sockets
//! handler-port-max = 13149        # last one
//! max-num-handlers = 50           # queries with services at once
//! timeout = 1500                  # ms a service may take for its answer
//! ground-ip = "127.0.0.1"         # used in the checksums of format `udp`
//! satellite-ip = "127.0.0.1"      # where the services are; `ip` is the same
//! downlink-ports = [13011]        # one for each `write` function
//! ground-port = 9001              # where format `udp` sends datagrams of apps
//! ```
//! A missing or malformed field takes its default and says so in the log, and
//! in [`CommsConfig::notices`] for telemetry. Newer keys are strict: see
//! [`LinkOptions`](crate::options::LinkOptions).

use serde::Serialize;
use toml::{Table, Value};

use crate::error::{CommsError, CommsResult};
use crate::options::LinkOptions;

/// The specification's configuration of a communications service.
#[derive(Clone, Debug, PartialEq)]
pub struct CommsConfig {
    /// First local port of the handlers' UDP sockets. Default 13100.
    pub handler_port_min: u16,
    /// Last local port of the handlers' UDP sockets. Default 13149.
    pub handler_port_max: u16,
    /// Queries with services at once. Default 50.
    pub max_num_handlers: u16,
    /// How long a service may take for its answer, in ms. Default 1500.
    pub timeout: u64,
    /// Address of the ground, in the checksums of format `udp`. Default 127.0.0.1.
    pub ground_ip: String,
    /// Address of the services on the satellite. Default 127.0.0.1.
    pub satellite_ip: String,
    /// UDP ports from which datagrams go down, one per `write`. Default none.
    pub downlink_ports: Option<Vec<u16>>,
    /// Port of the ground that format `udp` sends datagrams of apps to. Default none.
    pub ground_port: Option<u16>,
    /// What took its default because it was missing or malformed.
    pub notices: Vec<String>,
}

impl Default for CommsConfig {
    fn default() -> Self {
        CommsConfig {
            handler_port_min: 13_100,
            handler_port_max: 13_149,
            max_num_handlers: 50,
            timeout: 1_500,
            ground_ip: "127.0.0.1".to_string(),
            satellite_ip: "127.0.0.1".to_string(),
            downlink_ports: None,
            ground_port: None,
            notices: Vec::new(),
        }
    }
}

/// The specification's keys, and `ip`, its first revision's `satellite-ip`.
const SPECIFIED_KEYS: [&str; 9] = [
    "handler-port-min",
    "handler-port-max",
    "max-num-handlers",
    "timeout",
    "ground-ip",
    "satellite-ip",
    "ip",
    "downlink-ports",
    "ground-port",
];

/// Two names of one field.
const SATELLITE_IP_KEYS: [&str; 2] = ["satellite-ip", "ip"];

impl CommsConfig {
    /// Reads `[<service>.comms]`, and `[<service>]` where that has no such key,
    /// from the whole configuration. Fields found nowhere keep the value they
    /// have in `defaults`.
    ///
    /// Also gives the newer keys of `[<service>.comms]`.
    ///
    /// # Errors
    /// [`CommsError::UnknownKey`] and [`CommsError::Config`] for the newer keys;
    /// never for the specification's.
    pub fn from_table(
        config: &Table,
        service: &str,
        defaults: CommsConfig,
    ) -> CommsResult<(CommsConfig, LinkOptions)> {
        let mut notices = Vec::new();
        let table = Tables::find(config, service, &mut notices)?;
        let mut options =
            LinkOptions::read(&table.strict, &format!("{service}.comms"), &SPECIFIED_KEYS)?;
        let mut fields = Fields {
            table: &table.specified,
            notices,
            not_given: Vec::new(),
        };
        let mut config = CommsConfig {
            handler_port_min: fields.read("handler-port-min", defaults.handler_port_min, port),
            handler_port_max: fields.read("handler-port-max", defaults.handler_port_max, port),
            max_num_handlers: fields.read("max-num-handlers", defaults.max_num_handlers, port),
            timeout: fields.read("timeout", defaults.timeout, milliseconds),
            ground_ip: fields.read("ground-ip", defaults.ground_ip, address),
            satellite_ip: fields.satellite_ip(defaults.satellite_ip),
            downlink_ports: fields.read("downlink-ports", defaults.downlink_ports, ports),
            ground_port: fields.read("ground-port", defaults.ground_port, |v| port(v).map(Some)),
            notices: Vec::new(),
        };
        config.notices = fields.into_notices(service);
        options.notices = config.notices.clone();
        Ok((config, options))
    }

    /// Whether `key` is one of the specification's, in either spelling.
    pub fn is_key(key: &str) -> bool {
        SPECIFIED_KEYS.contains(&key.replace('_', "-").as_str())
    }

    /// [`from_table`](Self::from_table) on the text of a configuration file.
    ///
    /// # Errors
    /// As there, and [`CommsError::Config`] where the text is not TOML.
    pub fn from_toml(
        text: &str,
        service: &str,
        defaults: CommsConfig,
    ) -> CommsResult<(CommsConfig, LinkOptions)> {
        let table: Table = text
            .parse()
            .map_err(|error| CommsError::Config(format!("not TOML: {error}")))?;
        Self::from_table(&table, service, defaults)
    }
}

/// The keys of both places in one spelling.
struct Tables {
    specified: Table,
    strict: Table,
}

impl Tables {
    fn find(config: &Table, service: &str, notices: &mut Vec<String>) -> CommsResult<Tables> {
        let own = config.get(service).and_then(Value::as_table);
        let comms = own.and_then(|own| own.get("comms"));
        let comms_table = comms.and_then(Value::as_table);
        if comms.is_some() && comms_table.is_none() {
            // Reading on would leave every strict key at its default, unseen.
            let text = format!("`{service}.comms` must be one table: [{service}.comms]");
            return Err(CommsError::Config(text));
        }
        let mut tables = Tables {
            specified: Table::new(),
            strict: Table::new(),
        };
        for (key, value) in comms_table.into_iter().flatten() {
            if !CommsConfig::is_key(key) {
                tables.strict.insert(key.clone(), value.clone());
                continue;
            }
            let key = key.replace('_', "-");
            if tables
                .specified
                .insert(key.clone(), value.clone())
                .is_some()
            {
                notices.push(format!("`{key}` is given in two spellings"));
            }
        }
        let in_comms = tables.specified.clone();
        for (key, value) in own.into_iter().flatten() {
            let key = key.replace('_', "-");
            if !SPECIFIED_KEYS.contains(&key.as_str()) {
                continue;
            }
            let names = match SATELLITE_IP_KEYS.contains(&key.as_str()) {
                true => &SATELLITE_IP_KEYS[..],
                false => &[key.as_str()],
            };
            if names.iter().any(|name| in_comms.contains_key(*name)) {
                notices.push(format!("`{key}` is given twice: [{service}.comms] counts"));
            } else if tables
                .specified
                .insert(key.clone(), value.clone())
                .is_some()
            {
                notices.push(format!("`{key}` is given in two spellings"));
            }
        }
        Ok(tables)
    }
}

struct Fields<'a> {
    table: &'a Table,
    notices: Vec<String>,
    not_given: Vec<String>,
}

impl Fields<'_> {
    fn read<T: Serialize>(
        &mut self,
        key: &str,
        default: T,
        convert: fn(&Value) -> Result<T, String>,
    ) -> T {
        let shown = Value::try_from(&default).map_or("none".to_string(), |value| value.to_string());
        match self.table.get(key).map(convert) {
            Some(Ok(value)) => return value,
            Some(Err(problem)) => {
                let notice = format!("`{key}` {problem}: using the default {shown}");
                self.notices.push(notice);
            }
            None => self.not_given.push(format!("{key} = {shown}")),
        }
        default
    }

    /// All that is not given makes one line, so that it does not hide the rest.
    fn into_notices(self, service: &str) -> Vec<String> {
        let in_table = |notice| format!("[{service}.comms] {notice}");
        let mut notices: Vec<String> = self.notices.into_iter().map(in_table).collect();
        notices.iter().for_each(|notice| log::warn!("{notice}"));
        if !self.not_given.is_empty() {
            let defaults = self.not_given.join(", ");
            let notice = format!("[{service}.comms] not given, so the defaults hold: {defaults}");
            log::info!("{notice}");
            notices.push(notice);
        }
        notices
    }

    fn satellite_ip(&mut self, default: String) -> String {
        let key = match self.table.contains_key("satellite-ip") {
            true => "satellite-ip",
            false if self.table.contains_key("ip") => "ip",
            false => "satellite-ip",
        };
        self.read(key, default, address)
    }
}

fn port(value: &Value) -> Result<u16, String> {
    let port = value
        .as_integer()
        .and_then(|number| u16::try_from(number).ok());
    port.ok_or_else(|| format!("is {value}, not an integer in 0..=65535"))
}

fn milliseconds(value: &Value) -> Result<u64, String> {
    let number = value
        .as_integer()
        .and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| format!("is {value}, not a number of milliseconds"))
}

fn address(value: &Value) -> Result<String, String> {
    let text = value
        .as_str()
        .filter(|text| text.parse::<std::net::Ipv4Addr>().is_ok());
    text.map(str::to_string)
        .ok_or_else(|| format!("is {value}, not an IPv4 address"))
}

fn ports(value: &Value) -> Result<Option<Vec<u16>>, String> {
    let Some(list) = value.as_array() else {
        return Err(format!("is {value}, not a list of ports"));
    };
    list.iter()
        .map(port)
        .collect::<Result<Vec<u16>, String>>()
        .map(Some)
}

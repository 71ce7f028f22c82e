//! `[tasking]`, checked: what may be asked of which satellite.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::Value;

use super::settings::{PayloadSettings, SatelliteSettings, TaskingSettings};
use super::window_type::WindowType;
use crate::config::GroundLinkConfig;
use crate::delivery::is_topic;
use crate::error::one_line;

/// Satellites at most.
const SATELLITES_MAX: usize = 64;
/// Payloads of a satellite at most.
const PAYLOADS_MAX: usize = 64;
/// Types of windows at most, the documented ones among them.
const WINDOW_TYPES_MAX: usize = 256;
/// Of the id of a satellite, the name of a payload or of a type of windows.
const NAME_BYTES_MAX: usize = 64;
/// Of the name that a payload controller knows a payload by.
const SIGNALLED_BYTES_MAX: usize = 63;
/// The longest buffer, and the longest window.
const SECONDS_MAX: i64 = 30 * 86_400;
const DAYS_MAX: i64 = 3_650;
const SECONDS_OF_A_DAY: i64 = 86_400;

/// All that is configured of tasking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) directory: PathBuf,
    pub(crate) lead_time_s: i64,
    pub(crate) horizon_s: i64,
    pub(crate) duration_max_s: i64,
    pub(crate) windows_open_max: i64,
    pub(crate) on_board_max: usize,
    pub(crate) upload_bytes_max: u64,
    pub(crate) uploads_open_max: i64,
    pub(crate) free_bytes_min: u64,
    pub(crate) keep_s: i64,
    pub(crate) types: BTreeMap<String, WindowType>,
    pub(crate) satellites: Vec<Satellite>,
}

/// How the API is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Satellite {
    pub(crate) id: String,
    pub(crate) norad_id: Option<u32>,
    pub(crate) link: String,
    pub(crate) supported_windows: Vec<String>,
    pub(crate) graphql_ports: Option<Vec<u16>>,
    pub(crate) payloads: Vec<Payload>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) name: String,
    pub(crate) topic: Option<String>,
    pub(crate) service_port: u16,
    pub(crate) signalled: String,
    pub(crate) windows: Vec<String>,
}

impl Plan {
    /// Reads the value of `tasking`. `state` is where things stand that are not told where.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub(crate) fn read(
        value: &Value,
        links: &[GroundLinkConfig],
        state: Option<&Path>,
    ) -> Result<Plan, String> {
        let settings: TaskingSettings = value
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| one_line(&error.to_string()))?;
        let types = types(&settings.window_types)?;
        let satellites = satellites(&settings.satellites, &types, links)?;
        Ok(Plan {
            tls: tls(&settings)?,
            directory: directory(settings.directory, state)?,
            listen: settings.listen,
            lead_time_s: within("lead-time-s", settings.lead_time_s, 0, SECONDS_MAX)?,
            horizon_s: within("horizon-days", settings.horizon_days, 1, DAYS_MAX)?
                * SECONDS_OF_A_DAY,
            duration_max_s: within("duration-max-s", settings.duration_max_s, 1, SECONDS_MAX)?,
            windows_open_max: within("windows-open-max", settings.windows_open_max, 1, 1_000_000)?,
            on_board_max: within("on-board-max", settings.on_board_max, 1, 1_000)?,
            upload_bytes_max: within("upload-bytes-max", settings.upload_bytes_max, 1, 1 << 30)?,
            uploads_open_max: within("uploads-open-max", settings.uploads_open_max, 1, 10_000)?,
            free_bytes_min: settings.free_bytes_min,
            keep_s: within("keep-days", settings.keep_days, 1, DAYS_MAX)? * SECONDS_OF_A_DAY,
            types,
            satellites,
        })
    }

    pub(crate) fn satellite(&self, id: &str) -> Option<&Satellite> {
        self.satellites.iter().find(|satellite| satellite.id == id)
    }
}

impl Satellite {
    pub(crate) fn payload(&self, name: &str) -> Option<&Payload> {
        self.payloads.iter().find(|payload| payload.name == name)
    }

    /// Which of them serves windows of this type.
    pub(crate) fn serving(&self, window_type: &str) -> Option<&Payload> {
        let serves = |payload: &&Payload| payload.windows.iter().any(|name| name == window_type);
        self.payloads.iter().find(serves)
    }
}

fn within<Number>(key: &str, found: Number, least: Number, most: Number) -> Result<Number, String>
where
    Number: PartialOrd + Copy + std::fmt::Display,
{
    match found >= least && found <= most {
        true => Ok(found),
        false => Err(format!("`{key}` is {found}: choose {least} to {most}")),
    }
}

fn tls(settings: &TaskingSettings) -> Result<Option<TlsFiles>, String> {
    match (&settings.certificate_file, &settings.key_file) {
        (Some(certificate), Some(key)) => {
            is_absolute("certificate-file", certificate)?;
            is_absolute("key-file", key)?;
            Ok(Some(TlsFiles {
                certificate: certificate.clone(),
                key: key.clone(),
            }))
        }
        (None, None) if settings.listen.ip().is_loopback() => Ok(None),
        (None, None) => Err(format!(
            "`listen` is {}, which others can reach: tokens go there only encrypted, so write \
             `certificate-file` and `key-file`, or a loopback address",
            settings.listen
        )),
        _ => Err("`certificate-file` and `key-file` go together: write both".to_owned()),
    }
}

fn directory(asked: Option<PathBuf>, state: Option<&Path>) -> Result<PathBuf, String> {
    match (asked, state) {
        (Some(directory), _) => {
            is_absolute("directory", &directory)?;
            Ok(directory)
        }
        (None, Some(state)) => Ok(state.join("tasking")),
        (None, None) => Err("it needs the key `directory`: HOME is not set".to_owned()),
    }
}

fn is_absolute(key: &str, path: &Path) -> Result<(), String> {
    match path.is_absolute() {
        true => Ok(()),
        false => Err(format!(
            "`{key}` is {}: write an absolute path",
            path.display()
        )),
    }
}

fn is_name(text: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether a payload controller may know a payload by it.
fn is_signalled(text: &str) -> bool {
    let fits = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let is_inner = !text.starts_with('-') && !text.ends_with('-');
    (1..=SIGNALLED_BYTES_MAX).contains(&text.len()) && is_inner && text.bytes().all(fits)
}

fn check_name(what: &str, text: &str) -> Result<(), String> {
    match is_name(text) {
        true => Ok(()),
        false => Err(format!(
            "{what} {text:?}: choose 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` or `.`"
        )),
    }
}

fn types(own: &[WindowType]) -> Result<BTreeMap<String, WindowType>, String> {
    let mut types: BTreeMap<String, WindowType> = WindowType::documented()
        .into_iter()
        .map(|one| (one.name.clone(), one))
        .collect();
    let mut seen: Vec<&str> = Vec::new();
    for one in own {
        check_name("window type", &one.name)?;
        let of = |problem| format!("window type `{}`: {problem}", one.name);
        if seen.contains(&&*one.name) {
            return Err(of("it is there twice".to_owned()));
        }
        seen.push(&one.name);
        within("pre-buffer-s", one.pre_buffer_s, 0, SECONDS_MAX).map_err(of)?;
        within("post-buffer-s", one.post_buffer_s, 0, SECONDS_MAX).map_err(of)?;
        within("duration-min-s", one.duration_min_s, 1, SECONDS_MAX).map_err(of)?;
        types.insert(one.name.clone(), one.clone());
    }
    match types.len() > WINDOW_TYPES_MAX {
        true => Err(format!(
            "{} types of windows; {WINDOW_TYPES_MAX} are the most",
            types.len()
        )),
        false => Ok(types),
    }
}

fn satellites(
    asked: &[SatelliteSettings],
    types: &BTreeMap<String, WindowType>,
    links: &[GroundLinkConfig],
) -> Result<Vec<Satellite>, String> {
    let count = asked.len();
    if !(1..=SATELLITES_MAX).contains(&count) {
        return Err(format!(
            "{count} satellites: write 1 to {SATELLITES_MAX} tables [[tasking.satellites]]"
        ));
    }
    let mut satellites: Vec<Satellite> = Vec::new();
    for one in asked {
        check_name("satellite", &one.id)?;
        let of = |problem| format!("satellite `{}`: {problem}", one.id);
        if satellites.iter().any(|other| other.id == one.id) {
            return Err(of("it is there twice".to_owned()));
        }
        satellites.push(satellite(one, types, links).map_err(of)?);
    }
    Ok(satellites)
}

fn satellite(
    asked: &SatelliteSettings,
    types: &BTreeMap<String, WindowType>,
    links: &[GroundLinkConfig],
) -> Result<Satellite, String> {
    let link = links.iter().find(|link| link.name == asked.link);
    let link = link.ok_or_else(|| format!("there is no [[link]] `{}`", asked.link))?;
    if asked.payloads.len() > PAYLOADS_MAX {
        let count = asked.payloads.len();
        return Err(format!("{count} payloads; {PAYLOADS_MAX} are the most"));
    }
    let mut payloads: Vec<Payload> = Vec::new();
    for one in &asked.payloads {
        check_name("payload", &one.name)?;
        let of = |problem| format!("payload `{}`: {problem}", one.name);
        if payloads.iter().any(|other| other.name == one.name) {
            return Err(of("it is there twice".to_owned()));
        }
        let made = payload(one, types).map_err(of)?;
        if made.topic.is_some() && link.files.is_none() {
            return Err(of(format!(
                "it has a `topic`, and link `{}` has no [link.files] to send uploads by",
                link.name
            )));
        }
        let mut before = payloads.iter().flat_map(|other| &other.windows);
        if let Some(twice) = before.find(|window| made.windows.contains(window)) {
            return Err(of(format!("another payload serves `{twice}` already")));
        }
        payloads.push(made);
    }
    let all = || payloads.iter().flat_map(|payload| payload.windows.clone());
    let supported = match &asked.supported_windows {
        None => all().collect(),
        Some(named) => {
            if let Some(none) = named.iter().find(|name| all().all(|one| one != **name)) {
                return Err(format!(
                    "`supported-windows` has `{none}`, which no payload of it serves: write it in \
                     `windows` of one"
                ));
            }
            named.clone()
        }
    };
    Ok(Satellite {
        id: asked.id.clone(),
        norad_id: asked.norad_id,
        link: asked.link.clone(),
        supported_windows: supported,
        graphql_ports: asked.graphql_ports.clone(),
        payloads,
    })
}

fn payload(
    asked: &PayloadSettings,
    types: &BTreeMap<String, WindowType>,
) -> Result<Payload, String> {
    let own = || vec![format!("PAYLOAD_{}", asked.name.to_ascii_uppercase())];
    let windows = asked.windows.clone().unwrap_or_else(own);
    if let Some(unknown) = windows.iter().find(|name| !types.contains_key(*name)) {
        return Err(format!(
            "there is no window type `{unknown}`: define it in [[tasking.window-types]]"
        ));
    }
    if let Some(topic) = &asked.topic
        && !is_topic(topic)
    {
        return Err(format!(
            "`topic` is {topic:?}: 1 to 128 of A-Z, a-z, 0-9, `-` and `_` are one"
        ));
    }
    if asked.service_port == 0 {
        return Err("`service-port` is 0: write the port of the payload controller".to_owned());
    }
    let signalled = asked.signalled.clone();
    let signalled = signalled.unwrap_or_else(|| asked.name.to_ascii_lowercase());
    if !is_signalled(&signalled) {
        return Err(format!(
            "`signalled` is {signalled:?}: write its name in [[payload-controller.signalled]], \
             which is made of a-z, 0-9 and `-`, which is at neither end"
        ));
    }
    Ok(Payload {
        name: asked.name.clone(),
        topic: asked.topic.clone(),
        service_port: asked.service_port,
        signalled,
        windows,
    })
}

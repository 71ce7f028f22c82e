//! `[[link]]`: the links that this ground station has.
//!
//! ```toml
//! [[link]]
//! name = "ethernet"                # unique
//! satellite = "flatsat"            # who is at the other end
//! tle-file = "/etc/flatsat.tle"    # optional: when there is contact, see `contacts`;
//! stations = ["Berlin"]            # seen from which, by default from all
//! contact-services = [8150]        # services on board that get the plan
//!
//! [link.radio]                     # as everywhere: see radio_hal::config
//! kind = "udp"
//! bind = "127.0.0.1:9001"
//! peer = "127.0.0.1:13000"
//! framing = "kiss-ax25"
//! ax25 = { callsign = "GROUND", peer = "HELIO-1" }
//!
//! [link.comms]                     # optional; as the satellite has it
//! format = "space-packet"          # and the other keys of comms_service::options;
//!                                  # with `security`, `state-dir` is by default
//!                                  # $XDG_STATE_HOME/heliograph/<name of the link>
//! ground-ip = "127.0.0.1"          # format `udp` only, as the next two
//! satellite-ip = "127.0.0.1"
//! ground-port = 9001
//!
//! [link.files]                     # optional, may be empty: files by CFDP
//! entity-id = 2                    # and the other keys of [file-service.files]; the first
//!                                  # of `peers` is the satellite, by default entity 1;
//!                                  # `root` and `journal` stand where `state-dir` does
//!
//! [[station]]                      # who listens
//! name = "Berlin"
//! latitude-deg = 52.5
//! longitude-deg = 13.4
//!
//! [archive]                        # optional: every frame that is heard, see `archive`
//! days-max = 90
//!
//! [delivery]                       # optional: what the agent on board sent, see `delivery`
//! directory = "/srv/delivered"     # or `bucket = { url = "s3://…", … }`
//!
//! [tasking]                        # optional: windows and uploads, see `tasking`
//! [[tasking.satellites]]
//! id = "FM1"
//! link = "ethernet"
//! ```
//!
//! Every key is strict. Tables of other programs may stand in the same file.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use comms_service::message::End;
use comms_service::options::Addresses;
use comms_service::{LinkOptions, PacketFormat};
use file_delivery::setup::FileSettings;
use radio_hal::RadioConfig;
use service_host::config_file::ConfigFile;
use toml::{Table, Value};

use crate::archive::ArchiveSettings;
use crate::contacts::settings::{self, ContactSettings, StationSettings};
use crate::delivery::DeliverySettings;
use crate::error::{GroundError, one_line};
use crate::files;
use crate::tasking::plan::Plan;

/// Most links in one configuration.
pub const LINKS_MAX: usize = 64;
/// Longest name of a link; it is part of a file name.
pub const LINK_NAME_BYTES_MAX: usize = 32;

/// What holds when no file says otherwise: the `ethernet-service` on this machine.
const DEFAULT: &str = r#"
[[link]]
name = "ethernet"
satellite = "flatsat"

[link.radio]
kind = "udp"
bind = "127.0.0.1:9001"
peer = "127.0.0.1:13000"
framing = "kiss-ax25"
ax25 = { callsign = "GROUND", peer = "HELIO-1" }
"#;

/// After it comes the `file-service`.
const DEFAULT_FILES: &str = r#"
[[link]]
name = "files"
satellite = "flatsat"

[link.radio]
kind = "udp"
bind = "127.0.0.1:9004"
peer = "127.0.0.1:13060"
framing = "kiss-ax25"
ax25 = { callsign = "GROUND", peer = "HELIO-1" }

[link.files]
"#;

/// The links of this ground station; at least one.
#[derive(Clone, Debug)]
pub struct GroundConfig {
    links: Vec<GroundLinkConfig>,
    tasking: Option<Plan>,
    file: String,
}

/// One link, checked.
#[derive(Clone, Debug)]
pub struct GroundLinkConfig {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Who is at the other end.
    pub satellite: String,
    /// The radio.
    pub radio: RadioConfig,
    /// Packet format and limits, as the satellite has them.
    pub comms: LinkOptions,
    /// The addresses of format `udp`, as the satellite has them.
    pub addresses: Addresses,
    /// Files, where the link has them.
    pub files: Option<FileSettings>,
    /// Where files go that came down from the agent, where that is said; the same for all
    /// links of a file.
    pub delivery: Option<DeliverySettings>,
    /// When there is contact, where that is known.
    pub contacts: Option<ContactSettings>,
    /// Where heard frames are kept, if they are; the same for all links of a file.
    pub archive: Option<ArchiveSettings>,
}

impl GroundConfig {
    /// Finds and reads the configuration: `explicit`, which must have a `[[link]]`,
    /// else `./config.toml`, else `/etc/heliograph/config.toml`. Without any, or
    /// where the file found has no `[[link]]`, there are two links: `ethernet`, to the
    /// `ethernet-service` on this machine, and `files`, to the `file-service` there.
    ///
    /// # Errors
    /// [`GroundError::ConfigFile`] and [`GroundError::Config`], naming file and key.
    pub fn find(explicit: Option<&Path>) -> Result<Self, GroundError> {
        let file = ConfigFile::find(explicit)?;
        let name = match &file.path {
            Some(path) => path.display().to_string(),
            None => "the built-in configuration".to_owned(),
        };
        let read = Self::from_table(&file.table, &name)?;
        if !file.table.contains_key("link") {
            let problem = "it has no link: write [[link]]".to_owned();
            match &file.path {
                Some(_) if explicit.is_some() => {
                    return Err(GroundError::Config {
                        file: name,
                        problem,
                    });
                }
                Some(_) => log::warn!(
                    "{name}: no [[link]]; the built-in links `ethernet` and `files` hold"
                ),
                None => {}
            }
        }
        Ok(read)
    }

    /// Reads the whole configuration from `table`. `file` is its name, for errors.
    ///
    /// # Errors
    /// [`GroundError::Config`], naming the key.
    pub fn from_table(table: &Table, file: &str) -> Result<Self, GroundError> {
        let refuse = |problem: String| GroundError::Config {
            file: file.to_owned(),
            problem: one_line(&problem),
        };
        let stations = settings::read_stations(table.get("station")).map_err(refuse)?;
        let links = match table.get("link") {
            Some(Value::Array(links)) if !links.is_empty() => read_links(links, &stations),
            Some(_) => Err("`link` must be a list of tables: write [[link]]".to_owned()),
            None => match table.iter().find(|(key, value)| is_near_link(key, value)) {
                Some((key, _)) => Err(format!("unknown key `{key}`; did you mean [[link]]?")),
                None => read_default(),
            },
        };
        let mut links = links.map_err(refuse)?;
        let delivery = read_delivery(table).map_err(refuse)?;
        let state = state_home().map(|home| home.join("heliograph"));
        let archive = ArchiveSettings::read(table.get("archive"), state.as_deref())
            .map_err(|problem| refuse(format!("[archive]: {problem}")))?;
        for link in &mut links {
            link.archive.clone_from(&archive);
            if link.files.is_some() {
                link.delivery.clone_from(&delivery);
            }
        }
        let tasking = table.get("tasking").map(|value| {
            let state = state_home().map(|home| home.join("heliograph"));
            let read = Plan::read(value, &links, state.as_deref());
            read.map_err(|problem| refuse(format!("[tasking]: {problem}")))
        });
        Ok(GroundConfig {
            tasking: tasking.transpose()?,
            links,
            file: file.to_owned(),
        })
    }

    /// All links, in the order of the file.
    pub fn links(&self) -> &[GroundLinkConfig] {
        &self.links
    }

    /// Windows and uploads, where that is configured.
    pub(crate) fn tasking(&self) -> Option<&Plan> {
        self.tasking.as_ref()
    }

    /// The same, for commands that need it.
    ///
    /// # Errors
    /// [`GroundError::Config`].
    pub(crate) fn needed_tasking(&self) -> Result<&Plan, GroundError> {
        self.tasking().ok_or_else(|| GroundError::Config {
            file: self.file.clone(),
            problem: "it has no table [tasking]".to_owned(),
        })
    }

    /// The link called `name`; without a name, the first.
    ///
    /// # Errors
    /// [`GroundError::UnknownLink`], which lists the known ones.
    pub fn link(&self, name: Option<&str>) -> Result<&GroundLinkConfig, GroundError> {
        let mut links = self.links.iter();
        let found = links.find(|link| name.is_none_or(|name| link.name == name));
        found.ok_or_else(|| {
            let names = || self.links.iter().map(|link| link.name.as_str());
            let known: Vec<_> = names().map(|name| format!("`{name}`")).collect();
            let name = name.unwrap_or_default();
            GroundError::UnknownLink {
                name: name.to_owned(),
                file: self.file.clone(),
                known: known.join(", "),
                nearest: nearest(name, names()),
            }
        })
    }
}

impl GroundConfig {
    /// The link called `name`, which has files; without a name, the first that has.
    ///
    /// # Errors
    /// [`GroundError::UnknownLink`], and [`GroundError::NoFiles`].
    pub fn link_with_files(&self, name: Option<&str>) -> Result<&GroundLinkConfig, GroundError> {
        let first = self.links.iter().find(|link| link.files.is_some());
        let link = match (name, first) {
            (None, Some(first)) => first,
            (name, _) => self.link(name)?,
        };
        match link.files {
            Some(_) => Ok(link),
            None => Err(GroundError::NoFiles {
                link: link.name.clone(),
                file: self.file.clone(),
                carries_pdus: link.comms.format == PacketFormat::SpacePacket,
            }),
        }
    }
}

impl GroundLinkConfig {
    /// Names this link in file names: its name, and a hash over everything that
    /// two processes must have in common to share it.
    pub(crate) fn identity(&self) -> String {
        // The text forms are stable within one version of this program, which is
        // as far as processes share a link. How long to wait for the radio is
        // each one's own business.
        let (transport, framing) = (self.radio.transport(), self.radio.framing());
        let comms = LinkOptions {
            read_timeout_ms: None,
            notices: Vec::new(),
            ..self.comms.clone()
        };
        let mut text = format!("{transport:?}{framing:?}{comms:?}{:?}", self.addresses);
        if let Some(files) = &self.files {
            text.push_str(&format!("{files:?}{:?}", self.delivery));
        }
        let hash = fnv_1a(text.as_bytes());
        format!("{}-{:08x}", self.name, (hash >> 32) ^ (hash & 0xFFFF_FFFF))
    }

    /// Octets of the largest message that the link carries.
    pub(crate) fn message_bytes_max(&self) -> usize {
        let defaults = comms_service::link::LinkConfig::new(End::Ground);
        self.comms.link_config(defaults).message_bytes_max
    }
}

fn fnv_1a(octets: &[u8]) -> u64 {
    octets.iter().fold(0xCBF2_9CE4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3)
    })
}

fn read_default() -> Result<Vec<GroundLinkConfig>, String> {
    // Without a home there is no place for files.
    let text = match state_home() {
        Some(_) => format!("{DEFAULT}{DEFAULT_FILES}"),
        None => DEFAULT.to_owned(),
    };
    let table: Table = text.parse().map_err(|error| format!("{error}"))?;
    match table.get("link") {
        Some(Value::Array(links)) => read_links(links, &[]),
        _ => Ok(Vec::new()),
    }
}

fn read_delivery(table: &Table) -> Result<Option<DeliverySettings>, String> {
    let Some(value) = table.get("delivery") else {
        return Ok(None);
    };
    let settings: DeliverySettings = value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| format!("[delivery]: {error}"))?;
    let checked = settings.check();
    checked.map_err(|problem| format!("[delivery]: {problem}"))?;
    Ok(Some(settings))
}

fn read_links(
    values: &[Value],
    stations: &[StationSettings],
) -> Result<Vec<GroundLinkConfig>, String> {
    if values.len() > LINKS_MAX {
        let count = values.len();
        return Err(format!(
            "{count} links are more than the {LINKS_MAX} possible"
        ));
    }
    let mut links: Vec<GroundLinkConfig> = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let place = match value.get("name").and_then(Value::as_str) {
            Some(name) => format!("link `{name}`"),
            None => format!("link number {}", index + 1),
        };
        let link = read_link(value, stations).map_err(|problem| format!("{place}: {problem}"))?;
        if links.iter().any(|other| other.name == link.name) {
            return Err(format!("{place}: two links have this name"));
        }
        links.push(link);
    }
    Ok(links)
}

const LINK_KEYS: [&str; 5] = ["name", "satellite", "radio", "comms", "files"];

fn read_link(value: &Value, stations: &[StationSettings]) -> Result<GroundLinkConfig, String> {
    let table = value.as_table().ok_or("must be a table: write [[link]]")?;
    let known = || LINK_KEYS.into_iter().chain(settings::LINK_KEYS);
    for key in table.keys() {
        if !known().any(|known| known == key) {
            let hint = match nearest(key, known()) {
                Some(known) => format!("; did you mean `{known}`?"),
                None => String::new(),
            };
            return Err(format!("unknown key `{key}`{hint}"));
        }
    }
    let name = text(table, "name")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.len() > LINK_NAME_BYTES_MAX || !name.starts_with(fits) || !name.chars().all(fits) {
        return Err(format!(
            "`name` is {name:?}: choose 1 to {LINK_NAME_BYTES_MAX} letters, digits, `-`, `_` or `.`"
        ));
    }
    let radio = table.get("radio").ok_or("it needs a table [link.radio]")?;
    let radio: RadioConfig = radio
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| format!("[link.radio]: {error}"))?;
    let (comms, addresses) = match table.get("comms") {
        None => read_comms(Table::new())?,
        Some(Value::Table(comms)) => read_comms(comms.clone())?,
        Some(_) => return Err("`comms` must be a table: write [link.comms]".to_owned()),
    };
    let mut comms = comms;
    let state = state_home().map(|home| home.join("heliograph").join(&name));
    if comms.security.is_some() && comms.state_dir.is_none() {
        comms.state_dir = state.clone();
    }
    comms
        .packet_format(End::Ground, None, addresses)
        .map_err(|error| format!("[link.comms]: {error}"))?;
    let state = comms.state_dir.as_deref().or(state.as_deref());
    let files = match table.get("files") {
        None => None,
        Some(Value::Table(_)) if comms.format != PacketFormat::SpacePacket => {
            return Err("[link.files] needs format `space-packet` in [link.comms]".to_owned());
        }
        Some(Value::Table(files)) => {
            let read = files::settings::read(files, state);
            Some(read.map_err(|problem| format!("[link.files]: {problem}"))?)
        }
        Some(_) => return Err("`files` must be a table: write [link.files]".to_owned()),
    };
    let contacts = ContactSettings::read(table, stations, state)?;
    Ok(GroundLinkConfig {
        name,
        satellite: text(table, "satellite")?,
        radio,
        comms,
        addresses,
        files,
        delivery: None,
        contacts,
        archive: None,
    })
}

/// Our own three keys, and what is left for the link's options. All are spelled
/// with `-` or `_`, as in the tables of a satellite.
fn read_comms(mut table: Table) -> Result<(LinkOptions, Addresses), String> {
    for key in ["ground-ip", "satellite-ip", "ground-port"] {
        let Some(value) = table.remove(&key.replace('-', "_")) else {
            continue;
        };
        if table.insert(key.to_owned(), value).is_some() {
            return Err(format!("[link.comms]: `{key}` is given in two spellings"));
        }
    }
    let mut address = |key: &str| match table.remove(key) {
        None => Ok(Ipv4Addr::LOCALHOST),
        Some(value) => value
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("[link.comms]: `{key}` is {value}, not an IPv4 address")),
    };
    let (ground_ip, satellite_ip) = (address("ground-ip")?, address("satellite-ip")?);
    let ground_port = match table.remove("ground-port") {
        None => None,
        Some(value) => {
            let port = value.as_integer().and_then(|port| u16::try_from(port).ok());
            let problem = || format!("[link.comms]: `ground-port` is {value}, not a port");
            Some(port.filter(|port| *port > 0).ok_or_else(problem)?)
        }
    };
    let options =
        LinkOptions::from_table(&table, "link.comms").map_err(|error| error.to_string())?;
    let addresses = Addresses {
        ground_ip,
        satellite_ip,
        ground_port,
    };
    Ok((options, addresses))
}

/// `$XDG_STATE_HOME`, else `~/.local/state` (XDG Base Directory Specification 0.8).
fn state_home() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || Some(variable("HOME")?.join(".local/state"));
    state.or_else(home)
}

fn text(table: &Table, key: &str) -> Result<String, String> {
    match table.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(value) => Err(format!("`{key}` is {value}, not a text")),
        None => Err(format!("it needs the key `{key}`")),
    }
}

/// Whether `key` may well be a mistyped `link`. Tables of other programs may be
/// called `uplink` or `disk`; but two wrong letters in a list of tables are a typo.
fn is_near_link(key: &str, value: &Value) -> bool {
    let distance = strsim::damerau_levenshtein(&key.to_lowercase(), "link");
    let tables = value
        .as_array()
        .is_some_and(|list| list.iter().all(Value::is_table));
    distance <= if tables { 2 } else { 1 }
}

/// The known name most like `name`, if any is like it at all.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let ranked = known.map(|known| (strsim::damerau_levenshtein(name, known), known));
    let (distance, nearest) = ranked.min()?;
    (distance <= 1 + nearest.len() / 3).then(|| nearest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<GroundConfig, String> {
        let table: Table = text.parse().unwrap();
        GroundConfig::from_table(&table, "test.toml").map_err(|error| error.to_string())
    }

    fn refused(more: &str) -> String {
        read(&format!("{DEFAULT}{more}")).unwrap_err()
    }

    #[test]
    fn without_links_there_is_the_ethernet_service_of_this_machine() {
        let config = read("[ethernet-service.addr]\nport = 1").unwrap();
        assert_eq!(config.links().len(), 2);
        assert_eq!(config.link_with_files(None).unwrap().name, "files");
        let link = config.link(None).unwrap();
        assert_eq!((&*link.name, &*link.satellite), ("ethernet", "flatsat"));
        assert_eq!(link.message_bytes_max(), 1 << 20);
    }

    #[test]
    fn files_are_where_a_link_says_so() {
        let second = DEFAULT.replace("\"ethernet\"", "\"uhf\"");
        let text = format!("{DEFAULT}{second}[link.files]\nroot = '/r'\njournal = '/j'");
        let config = read(&text).unwrap();
        assert_eq!(config.link_with_files(None).unwrap().name, "uhf");
        let error = config.link_with_files(Some("ethernet")).unwrap_err();
        assert!(error.to_string().contains("[link.files]"), "{error}");

        let none = read(&DEFAULT.replace(
            "[link.radio]",
            "[link.comms]\nformat = 'kubos'\n[link.radio]",
        ));
        let error = none.unwrap().link_with_files(None).unwrap_err().to_string();
        assert!(error.contains("need format `space-packet`"), "{error}");
        let kubos = format!("{DEFAULT}[link.comms]\nformat = 'kubos'\n[link.files]");
        assert!(
            read(&kubos)
                .unwrap_err()
                .contains("[link.files] needs format")
        );
        assert!(refused("[link.files]\nrot = 'a'").contains("rot"));
    }

    #[test]
    fn a_misspelt_list_of_links_is_not_ignored() {
        for key in ["links", "lnik", "lnk", "Link", "likns"] {
            let error = read(&format!("[[{key}]]\nname = 'a'")).unwrap_err();
            assert!(error.contains(&format!("`{key}`; did you mean [[link]]?")));
        }
        assert!(read("[[radios]]\nname = 'a'\n[log]\nlevel = 1").is_ok());
        assert!(read("[link]\nname = 'a'").unwrap_err().contains("[[link]]"));
    }

    #[test]
    fn unknown_keys_are_named_at_every_level() {
        let link = DEFAULT.replace("satellite", "sattelite");
        let error = read(&link).unwrap_err();
        assert!(error.contains("`sattelite`") && error.contains("`satellite`"));
        assert!(refused("bindd = 1").contains("bindd"));
        assert!(refused("[link.comms]\nformatt = 'kubos'").contains("formatt"));
        assert!(refused("[link.comms]\nground-port = 0").contains("ground-port"));
    }

    #[test]
    fn keys_of_comms_are_read_in_both_spellings() {
        let comms = "ground_ip = '1.1.1.1'\nground_port = 5\nread_timeout_ms = 7";
        let config = read(&format!("{DEFAULT}[link.comms]\n{comms}")).unwrap();
        let link = config.link(None).unwrap();
        assert_eq!(link.addresses.ground_ip, Ipv4Addr::new(1, 1, 1, 1));
        assert_eq!(link.addresses.ground_port, Some(5));
        assert_eq!(link.comms.read_timeout_ms, Some(7));
        let twice = "[link.comms]\nground_ip = '1.1.1.1'\nground-ip = '1.1.1.1'";
        assert!(refused(twice).contains("two spellings"));
    }

    #[test]
    fn errors_are_one_line_and_name_file_and_link() {
        let error = refused("[link.comms]\npacket-bytes-max = 'x'");
        assert!(!error.contains('\n'), "{error}");
        assert!(error.starts_with("test.toml: link `ethernet`: "), "{error}");
    }

    #[test]
    fn names_are_unique_and_fit_into_a_file_name() {
        assert!(refused(DEFAULT).contains("two links"));
        for name in ["", "a/b", "a b", &"x".repeat(33)] {
            let text = DEFAULT.replace("\"ethernet\"", &format!("\"{name}\""));
            assert!(read(&text).unwrap_err().contains("`name`"), "{name}");
        }
    }

    #[test]
    fn an_unknown_link_lists_the_known_ones() {
        let second = DEFAULT.replace("\"ethernet\"", "\"uhf\"");
        let config = read(&format!("{DEFAULT}{second}")).unwrap();
        assert_eq!(config.link(Some("uhf")).unwrap().name, "uhf");
        let error = config.link(Some("ethernt")).unwrap_err().to_string();
        for part in ["`ethernt`", "`ethernet`, `uhf`", "did you mean `ethernet`"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn links_that_differ_in_read_timeouts_have_the_same_identity() {
        let identity = |text: &str| read(text).unwrap().links()[0].identity();
        let patient = "read-timeout-ms = 20\n[link.comms]\nread-timeout-ms = 30";
        let same = identity(DEFAULT);
        assert_eq!(same, identity(&format!("{DEFAULT}{patient}")));
    }

    #[test]
    fn links_that_differ_in_radio_or_format_have_different_identities() {
        let identity = |text: &str| read(text).unwrap().links()[0].identity();
        let same = identity(DEFAULT);
        assert_eq!(same, identity(DEFAULT));
        assert_ne!(same, identity(&DEFAULT.replace("9001", "9002")));
        assert_ne!(
            same,
            identity(&format!("{DEFAULT}[link.comms]\nformat = 'kubos'"))
        );
    }

    #[test]
    fn tables_of_other_programs_are_no_mistyped_links() {
        for text in ["[uplink]\na = 1", "[disk]\na = 1", "lines = [1, 2]"] {
            assert_eq!(read(text).unwrap().links()[0].name, "ethernet", "{text}");
        }
        for text in ["[[lnik]]\na = 1", "[[likn]]\na = 1", "[links]\na = 1"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("did you mean [[link]]?"), "{error}");
        }
    }
}

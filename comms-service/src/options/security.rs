//! `security = { … }`: whether messages are protected, and with which key.
//!
//! ```toml
//! security = { key-file = "/etc/heliograph/link.key", mode = "authenticate", stations = 1 }
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::LinkOptions;
use crate::error::{CommsError, CommsResult};
use crate::message::{Class, End, PayloadType};
use crate::packet::SECURED_PACKET_BYTES_MIN;
use crate::security::{
    KeyRing, Mode, SEED_BYTES, STATIONS_MAX, Security, SecuritySettings, SecuritySetup, StateFiles,
};

const CHALLENGE_MS: u64 = 60_000;
const SILENCE_MS: u64 = 86_400_000;
const TIME_MS_MAX: u64 = 30 * 86_400_000;

/// How messages are protected (format `space-packet`). It needs `state-dir`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SecurityOptions {
    /// The master keys: see [`KeyRing::load`].
    pub key_file: PathBuf,
    /// `authenticate` or `encrypt`; both ends alike.
    #[serde(default)]
    pub mode: Mode,
    /// On the ground: which station this is, 1..=127; 1 by default.
    pub station: Option<u8>,
    /// On a satellite: how many stations there are, numbered from 1; 1 by default.
    pub stations: Option<u8>,
    /// On a satellite: between two challenges, in ms; a minute by default.
    pub challenge_ms: Option<u64>,
    /// On a satellite: how long a station may be silent before it is offered a
    /// resync, in ms; a day by default.
    pub silence_ms: Option<u64>,
    /// The keys, where the key file was read already
    /// ([`LinkOptions::load_keys`]); else it is read when they are used.
    #[serde(skip)]
    pub keys: Option<KeyRing>,
}

/// What a link with security begins with.
pub(crate) struct SecurityStart {
    pub(crate) security: Security,
    pub(crate) files: StateFiles,
    /// For the log and the first errors: what the operator should know.
    pub(crate) notice: Option<String>,
}

impl LinkOptions {
    /// What can be told without a look at any file.
    pub(super) fn check_security(&self) -> CommsResult<()> {
        let Some(security) = &self.security else {
            return Ok(());
        };
        let refuse = |text: String| Err(CommsError::Config(format!("security: {text}")));
        let counts = [
            ("station", security.station),
            ("stations", security.stations),
        ];
        for (key, value) in counts {
            if let Some(value) = value.filter(|value| !(1..=STATIONS_MAX).contains(value)) {
                return refuse(format!("{key} = {value} is not in 1..={STATIONS_MAX}"));
            }
        }
        let times = [
            ("challenge-ms", security.challenge_ms, 1_000),
            ("silence-ms", security.silence_ms, 60_000),
        ];
        for (key, value, min) in times {
            if let Some(value) = value.filter(|value| !(min..=TIME_MS_MAX).contains(value)) {
                return refuse(format!("{key} = {value} is not in {min}..={TIME_MS_MAX}"));
            }
        }
        let apids = self.apid_map()?;
        if apids
            .apid(PayloadType::LinkControl, Class::Standard)
            .is_none()
        {
            return refuse("it needs an APID for `link-control`: add one to `apids`".to_string());
        }
        let bytes_min = SECURED_PACKET_BYTES_MIN;
        match self.packet_bytes_max.filter(|bytes| *bytes < bytes_min) {
            Some(bytes) => refuse(format!(
                "packet-bytes-max = {bytes} is less than the {bytes_min} that it needs"
            )),
            None => Ok(()),
        }
    }

    /// Reads the key file, so that its content stays with these options whatever
    /// becomes of it. Without security it does nothing.
    ///
    /// # Errors
    /// [`CommsError::Config`], naming the file and what to do.
    pub fn load_keys(&mut self) -> CommsResult<()> {
        if let Some(security) = &mut self.security {
            security.keys = Some(security.key_ring()?);
        }
        Ok(())
    }

    /// Reads the key file and the stored state; none where security is off.
    ///
    /// # Errors
    /// [`CommsError::Config`], naming the key, the file and what to do.
    pub(crate) fn start_security(&self, end: End) -> CommsResult<Option<SecurityStart>> {
        let Some(options) = &self.security else {
            return Ok(None);
        };
        options.station_at(end)?;
        let dir = self.state_dir.as_deref().ok_or_else(|| {
            refuse("it needs `state-dir`, a directory that survives a reboot".to_string())
        })?;
        let settings = options.settings(end)?;
        let files = StateFiles::open(dir).map_err(|error| refuse(error.to_string()))?;
        let mut seed = [0; SEED_BYTES];
        getrandom::fill(&mut seed)
            .map_err(|error| refuse(format!("the system refuses random octets: {error}")))?;
        let state = files.load();
        let notice = state.is_none().then(|| lost_state(end, dir));
        let security = Security::new(SecuritySetup {
            end,
            mode: options.mode,
            state,
            seed,
            keys: settings.keys,
            station: settings.station,
            challenge_interval: settings.challenge_interval,
            silence: settings.silence,
        });
        Ok(Some(SecurityStart {
            security,
            files,
            notice,
        }))
    }
}

impl SecurityOptions {
    /// With this key file, and everything else by default.
    pub fn new(key_file: impl Into<PathBuf>) -> Self {
        SecurityOptions {
            key_file: key_file.into(),
            mode: Mode::default(),
            station: None,
            stations: None,
            challenge_ms: None,
            silence_ms: None,
            keys: None,
        }
    }

    /// Which station it is, or how many there are.
    fn station_at(&self, end: End) -> CommsResult<u8> {
        let (station, misplaced) = match end {
            End::Satellite => (self.stations, self.station.map(|_| "station")),
            End::Ground => (self.station, self.stations.map(|_| "stations")),
        };
        if let Some(key) = misplaced {
            let hint = match end {
                End::Satellite => "it says which station a ground is; a satellite has `stations`",
                End::Ground => "it says how many a satellite has; a ground has `station`",
            };
            return Err(refuse(format!("`{key}` does not belong here: {hint}")));
        }
        Ok(station.unwrap_or(1))
    }

    /// What can change while the link runs.
    pub(crate) fn settings(&self, end: End) -> CommsResult<SecuritySettings> {
        let time = |given: Option<u64>, default| Duration::from_millis(given.unwrap_or(default));
        Ok(SecuritySettings {
            keys: self.key_ring()?,
            station: self.station_at(end)?,
            challenge_interval: time(self.challenge_ms, CHALLENGE_MS),
            silence: time(self.silence_ms, SILENCE_MS),
        })
    }

    fn key_ring(&self) -> CommsResult<KeyRing> {
        match &self.keys {
            Some(keys) => Ok(keys.clone()),
            None => KeyRing::load(&self.key_file).map_err(|error| refuse(error.to_string())),
        }
    }
}

fn refuse(text: String) -> CommsError {
    CommsError::Config(format!("security: {text}"))
}

fn lost_state(end: End, dir: &Path) -> String {
    let dir = dir.display();
    match end {
        End::Satellite => format!(
            "security: no state in {dir}: this is the first start, or it was lost; \
             stations have to resync, which they do by themselves if they have no state either"
        ),
        End::Ground => format!(
            "security: no state in {dir}: this is the first start, or it was lost; \
             nothing is sent until the satellite's challenge was heard and answered"
        ),
    }
}

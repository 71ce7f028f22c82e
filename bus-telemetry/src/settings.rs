//! `[bus-telemetry]`.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::feed::{GraphQlFeed, GraphQlFeedError, Question, QuestionError, UdpFeed};
use crate::orbit::{Orbit, TLE_OCTETS_MAX, TleError};
use crate::simulator::Simulator;
use crate::telemetry::Telemetry;

/// The largest `age-max-s`: a day.
const AGE_MAX_S_MAX: u64 = 86_400;
const AGE_MAX_S_DEFAULT: u64 = 10;

/// Where telemetry comes from, as the table `[bus-telemetry]` says.
///
/// It is strict: an unknown key, a key of another source, and a value out of range are errors.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Settings {
    /// The source and what belongs to it.
    pub source: Source,
}

/// A source of telemetry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `source = "simulator"`.
    Simulator {
        /// `tle-file`: the orbit; the example's without one.
        tle_file: Option<PathBuf>,
        /// `epoch`.
        epoch: EpochSetting,
    },
    /// `source = "udp"`.
    Udp {
        /// `udp-port`, on loopback.
        port: u16,
        /// `age-max-s`: how old a group may be.
        age_max: Duration,
    },
    /// `source = "graphql"`: `graphql-url`, `graphql-query`, `graphql-every-ms`,
    /// `graphql-timeout-ms` and `age-max-s`.
    GraphQl(Question),
}

/// What the epoch of the simulator's elements is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpochSetting {
    /// What they say.
    #[default]
    Elements,
    /// The time of the start, as if they had just been made.
    Start,
}

/// Why a table is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A key belongs to another source.
    #[error("`{key}` is of source = \"{of}\": remove it, or change the source")]
    OtherSource {
        /// The key.
        key: &'static str,
        /// Whose it is.
        of: &'static str,
    },
    /// There is no port to listen at.
    #[error("source = \"udp\" wants `udp-port`, from 1 to 65535")]
    NoPort,
    /// There is nobody to ask.
    #[error("source = \"graphql\" wants `graphql-url`: `http://HOST:PORT/PATH`")]
    NoUrl,
    /// What is to be asked cannot be.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// `age-max-s` is out of range.
    #[error("`age-max-s` must be from 1 to {AGE_MAX_S_MAX}")]
    AgeMax,
}

/// Why a source cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The elements cannot be read.
    #[error("cannot read the elements in {}: {error}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The elements are none.
    #[error("{}: {error}", .file.display())]
    Tle {
        /// The file.
        file: PathBuf,
        /// Why.
        error: TleError,
    },
    /// The port cannot be listened at.
    #[error("cannot listen at UDP port {port} of loopback: {error}")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        error: io::Error,
    },
    /// Nobody can be asked.
    #[error(transparent)]
    GraphQl(#[from] GraphQlFeedError),
}

impl Settings {
    /// Opens the source; `now` is UTC since 1970.
    pub fn open(&self, now: Duration) -> Result<Arc<dyn Telemetry>, OpenError> {
        match &self.source {
            Source::Simulator { tle_file, epoch } => {
                let orbit = tle_file.as_ref().map_or(Ok(Orbit::example()), orbit_in)?;
                let orbit = match epoch {
                    EpochSetting::Elements => orbit,
                    EpochSetting::Start => orbit.with_epoch(now),
                };
                Ok(Arc::new(Simulator::new(orbit)))
            }
            Source::Udp { port, age_max } => {
                let feed = UdpFeed::start(*port, *age_max);
                let port = *port;
                Ok(Arc::new(
                    feed.map_err(|error| OpenError::Port { port, error })?,
                ))
            }
            Source::GraphQl(question) => Ok(Arc::new(GraphQlFeed::start(question.clone())?)),
        }
    }
}

fn orbit_in(file: &PathBuf) -> Result<Orbit, OpenError> {
    let unread = |error| OpenError::Read {
        file: file.clone(),
        error,
    };
    // One octet more than it may have, so that a file without end is not read.
    let limit = TLE_OCTETS_MAX as u64 + 1;
    let mut text = String::new();
    let opened = File::open(file).map_err(unread)?;
    opened
        .take(limit)
        .read_to_string(&mut text)
        .map_err(unread)?;
    Orbit::from_tle(&text).map_err(|error| OpenError::Tle {
        file: file.clone(),
        error,
    })
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    source: SourceName,
    tle_file: Option<PathBuf>,
    epoch: Option<EpochSetting>,
    udp_port: Option<u16>,
    graphql_url: Option<String>,
    graphql_query: Option<String>,
    graphql_every_ms: Option<u64>,
    graphql_timeout_ms: Option<u64>,
    age_max_s: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SourceName {
    Simulator,
    Udp,
    // Not `graph-ql`.
    #[serde(rename = "graphql")]
    GraphQl,
}

impl TryFrom<Written> for Settings {
    type Error = SettingsError;

    fn try_from(written: Written) -> Result<Self, SettingsError> {
        let source = match written.source {
            SourceName::Simulator => written.simulator()?,
            SourceName::Udp => written.udp()?,
            SourceName::GraphQl => written.graphql()?,
        };
        Ok(Self { source })
    }
}

impl Written {
    fn simulator(self) -> Result<Source, SettingsError> {
        self.none_of_udp()?;
        self.none_of_graphql()?;
        refuse("age-max-s", "udp", self.age_max_s.is_some())?;
        Ok(Source::Simulator {
            tle_file: self.tle_file,
            epoch: self.epoch.unwrap_or_default(),
        })
    }

    fn udp(self) -> Result<Source, SettingsError> {
        self.none_of_simulator()?;
        self.none_of_graphql()?;
        let age_max = self.age_max()?;
        let port = self.udp_port.filter(|port| *port != 0);
        Ok(Source::Udp {
            port: port.ok_or(SettingsError::NoPort)?,
            age_max,
        })
    }

    fn graphql(self) -> Result<Source, SettingsError> {
        self.none_of_simulator()?;
        self.none_of_udp()?;
        let age_max = self.age_max()?;
        let url = self.graphql_url.ok_or(SettingsError::NoUrl)?;
        let mut question = Question::new(url, age_max);
        if let Some(query) = self.graphql_query {
            question.query = query;
        }
        if let Some(ms) = self.graphql_every_ms {
            question.every = Duration::from_millis(ms);
        }
        if let Some(ms) = self.graphql_timeout_ms {
            question.timeout = Duration::from_millis(ms);
        }
        question.check()?;
        Ok(Source::GraphQl(question))
    }

    fn age_max(&self) -> Result<Duration, SettingsError> {
        let age_max_s = self.age_max_s.unwrap_or(AGE_MAX_S_DEFAULT);
        match (1..=AGE_MAX_S_MAX).contains(&age_max_s) {
            true => Ok(Duration::from_secs(age_max_s)),
            false => Err(SettingsError::AgeMax),
        }
    }

    fn none_of_simulator(&self) -> Result<(), SettingsError> {
        let of = "simulator";
        refuse("tle-file", of, self.tle_file.is_some())?;
        refuse("epoch", of, self.epoch.is_some())
    }

    fn none_of_udp(&self) -> Result<(), SettingsError> {
        refuse("udp-port", "udp", self.udp_port.is_some())
    }

    fn none_of_graphql(&self) -> Result<(), SettingsError> {
        let of = "graphql";
        refuse("graphql-url", of, self.graphql_url.is_some())?;
        refuse("graphql-query", of, self.graphql_query.is_some())?;
        refuse("graphql-every-ms", of, self.graphql_every_ms.is_some())?;
        refuse("graphql-timeout-ms", of, self.graphql_timeout_ms.is_some())
    }
}

fn refuse(key: &'static str, of: &'static str, is_there: bool) -> Result<(), SettingsError> {
    match is_there {
        true => Err(SettingsError::OtherSource { key, of }),
        false => Ok(()),
    }
}

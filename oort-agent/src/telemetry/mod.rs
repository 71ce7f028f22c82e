//! What the spacecraft says of its attitude, its place and its time.

mod bus;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bus_telemetry::{EpochSetting, OpenError, Question, Settings, Source};
use serde_json::Value;

pub use bus::OfBus;

/// Why there is no answer: the text is for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoTelemetry(pub String);

/// A source of telemetry. The JSON is that of the original: `AdcsResponse`,
/// `AdcsCommandResponse` and `TfrsResponse`.
pub trait Telemetry: Send + Sync {
    /// How the attitude is.
    ///
    /// # Errors
    /// [`NoTelemetry`].
    fn adcs(&self) -> Result<Value, NoTelemetry>;

    /// A client wants another attitude: an `AdcsCommandRequest`.
    ///
    /// # Errors
    /// [`NoTelemetry`].
    fn command_adcs(&self, command: &Value) -> Result<Value, NoTelemetry>;

    /// Time and place.
    ///
    /// # Errors
    /// [`NoTelemetry`].
    fn tfrs(&self) -> Result<Value, NoTelemetry>;
}

/// There is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unavailable;

impl Telemetry for Unavailable {
    fn adcs(&self) -> Result<Value, NoTelemetry> {
        Err(NoTelemetry("Adcs interface is unavailable".to_owned()))
    }

    fn command_adcs(&self, _: &Value) -> Result<Value, NoTelemetry> {
        self.adcs()
    }

    fn tfrs(&self) -> Result<Value, NoTelemetry> {
        Err(NoTelemetry("Tfrs interface is unavailable".to_owned()))
    }
}

/// Where telemetry comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TelemetrySource {
    /// From nowhere.
    None,
    /// From an orbit, what programs on board tell, or a service of the bus.
    Bus(Settings),
}

/// Something names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no source of telemetry: simulator, simulator:TLE-FILE, udp:PORT, \
     graphql:http://HOST:PORT/PATH or none"
)]
pub struct TelemetrySourceError(String);

/// How old what programs on board told may be.
const AGE_MAX: Duration = Duration::from_secs(10);

impl FromStr for TelemetrySource {
    type Err = TelemetrySourceError;

    fn from_str(text: &str) -> Result<Self, TelemetrySourceError> {
        let simulator = |tle_file, epoch| Source::Simulator { tle_file, epoch };
        let source = match text.split_once(':') {
            None if text == "none" => return Ok(TelemetrySource::None),
            None if text == "simulator" => simulator(None, EpochSetting::Start),
            Some(("simulator", file)) if !file.is_empty() => {
                simulator(Some(PathBuf::from(file)), EpochSetting::Elements)
            }
            Some(("udp", port)) => match port.parse() {
                Ok(port) if port != 0 => Source::Udp {
                    port,
                    age_max: AGE_MAX,
                },
                _ => return Err(TelemetrySourceError(text.to_owned())),
            },
            Some(("graphql", url)) => {
                let question = Question::new(url, AGE_MAX);
                let checked = question.check();
                checked.map_err(|_| TelemetrySourceError(text.to_owned()))?;
                Source::GraphQl(question)
            }
            _ => return Err(TelemetrySourceError(text.to_owned())),
        };
        Ok(TelemetrySource::Bus(Settings { source }))
    }
}

impl TelemetrySource {
    /// Opens it; `now` is the time since 1970.
    ///
    /// # Errors
    /// The elements of the orbit are none, or the port cannot be had.
    pub fn open(&self, now: Duration) -> Result<Arc<dyn Telemetry>, OpenError> {
        match self {
            TelemetrySource::None => Ok(Arc::new(Unavailable)),
            TelemetrySource::Bus(settings) => Ok(Arc::new(OfBus::new(settings.open(now)?))),
        }
    }
}

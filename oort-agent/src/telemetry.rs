//! What the spacecraft says of its attitude, its place and its time.

use serde_json::Value;

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

//! What stands around a radio while one develops or looks for a fault.

use std::path::PathBuf;

use super::RadioConfigError;
use crate::capture::capture;
use crate::channel::{ChannelConfig, ChannelMonitor, simulate};
use crate::error::RadioError;
use crate::framing::FramingConfig;
use crate::host_line::{HostLineConfig, inject};
use crate::radio::{Medium, Radio};
use crate::watch::{trace, watch};

/// What stands around a radio while one develops or looks for a fault; nothing by
/// default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DevelopmentConfig {
    /// A channel that behaves like space, in front of the radio.
    pub channel: Option<ChannelConfig>,
    /// Faults between the host and the radio.
    pub host_line: Option<HostLineConfig>,
    /// Whether each frame is a line in the log.
    pub trace: bool,
    /// Where all frames are captured.
    pub capture: Option<PathBuf>,
}

impl DevelopmentConfig {
    pub(super) fn validate(&self, framing: &FramingConfig) -> Result<(), RadioConfigError> {
        if let Some(channel) = &self.channel {
            channel.validate()?;
        }
        if let Some(host_line) = &self.host_line {
            host_line.validate()?;
            if host_line.split_reads {
                framing.validate_on(Medium::Stream)?;
            }
        }
        Ok(())
    }

    /// Puts all of it around `radio`, from the air to the service, as things stand
    /// around a real one.
    pub(super) fn around(
        &self,
        mut radio: Radio,
        framing: &FramingConfig,
    ) -> Result<(Radio, Option<ChannelMonitor>), RadioError> {
        let mut monitor = None;
        if let Some(config) = &self.channel {
            let (simulated, channel) = simulate(radio, framing, config)?;
            (radio, monitor) = (simulated, Some(channel));
        }
        if let Some(config) = &self.host_line {
            (radio, _) = inject(radio, config)?;
        }
        if self.trace {
            radio = watch(radio, framing, trace())?;
        }
        if let Some(path) = &self.capture {
            radio = watch(radio, framing, capture(path, framing)?)?;
        }
        Ok((radio, monitor))
    }
}

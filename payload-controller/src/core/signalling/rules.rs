//! What holds for a payload that is called through `payload_exec`, and every limit of windows.

use std::time::Duration;

use payload_interface::AppName;

/// Most payloads that are called through `payload_exec`.
pub const SIGNALLED_MAX: usize = 64;
/// Most windows that have not ended; more are refused.
pub const WINDOWS_OPEN_MAX: usize = 256;
/// Windows that have ended and are remembered; the oldest are forgotten.
pub const WINDOWS_KEPT_MAX: usize = 256;
/// Most octets of `tasking_parameters`.
pub const PARAMETERS_BYTES_MAX: usize = 16 * 1024;
/// Most octets of a user.
pub const USER_BYTES_MAX: usize = 64;
/// The longest window.
pub const WINDOW_TIME_MAX: Duration = Duration::from_secs(7 * 86_400);
/// No window starts later than that from now.
pub const HORIZON: Duration = Duration::from_secs(366 * 86_400);
/// The longest buffer, and the longest that a start may be late.
pub const BUFFER_MAX: Duration = Duration::from_secs(86_400);
/// The longest time that a configuration may be given.
pub const CONFIGURE_MAX: Duration = Duration::from_secs(3600);

/// So often it is looked whether the clock was set otherwise, while there are open windows.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A device that is not switched, a payload that is not reached, is tried again after that.
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(5);
/// One of these takes no longer than that.
pub(crate) const PART_MAX: Duration = Duration::from_secs(60);
/// Uploads that cannot be fetched are tried so often.
pub(crate) const UPLOAD_TRIES_MAX: u32 = 3;
/// The time of a stop.
pub(crate) const STOP_MAX: Duration = Duration::from_secs(15);
/// What a call of `payload_exec` may take beyond its time, until its end is told.
pub(crate) const END_MARGIN: Duration = Duration::from_secs(15);

/// Which edition of the signalling a payload speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalVersion {
    /// Uploads are in an inbox.
    V1,
    /// The payload fetches uploads from the agent; configure has `-t`.
    V2,
}

impl SignalVersion {
    /// As configurations name it.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            SignalVersion::V1 => 1,
            SignalVersion::V2 => 2,
        }
    }

    /// Whether configure is told when it is to have returned.
    #[must_use]
    pub fn tells_configure_its_end(self) -> bool {
        self == SignalVersion::V2
    }
}

/// What follows when `payload_exec … -e` fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConfigureFailure {
    /// The window has failed.
    #[default]
    Skip,
    /// It is started all the same.
    Start,
}

/// What holds for a payload that is called through `payload_exec`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalledRules {
    /// Its name.
    pub name: AppName,
    /// Which edition it speaks.
    pub version: SignalVersion,
    /// The device that gives it power.
    pub device: Option<u16>,
    /// A window's preparation begins that long before its start.
    pub pre_buffer: Duration,
    /// Its power stays on for that long after its end.
    pub post_buffer: Duration,
    /// Configure takes no longer.
    pub configure_max: Duration,
    /// A window whose start is later than that has failed.
    pub late_start_max: Duration,
    /// Whether it is on another machine, which has to be reached.
    pub is_remote: bool,
    /// Whether its clock is set.
    pub sets_clock: bool,
    /// Whether uploads are delivered to its inbox.
    pub has_inbox: bool,
    /// Whether it is called at the end, too.
    pub has_stop: bool,
    /// What follows when configure fails.
    pub on_configure_failure: OnConfigureFailure,
}

impl SignalledRules {
    /// What holds where nothing is said.
    #[must_use]
    pub fn new(name: AppName, version: SignalVersion) -> Self {
        SignalledRules {
            name,
            version,
            device: None,
            pre_buffer: Duration::from_secs(120),
            post_buffer: Duration::from_secs(30),
            configure_max: Duration::from_secs(15),
            late_start_max: Duration::from_secs(60),
            is_remote: false,
            sets_clock: false,
            has_inbox: false,
            has_stop: false,
            on_configure_failure: OnConfigureFailure::default(),
        }
    }
}

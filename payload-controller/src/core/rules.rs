//! Every rule, its unit and what it is where nothing is said.

use std::time::Duration;

use payload_interface::{AppName, AppNumber};

use super::interface::{DeadlineUnit, Interface};
use super::rate::Rate;
use super::signalling::SignalledRules;

/// Most apps.
pub const APPS_MAX: usize = 256;
/// Most devices that are switched.
pub const DEVICES_MAX: usize = 256;
/// The longest period of a stream, as the interface has it.
pub const STREAM_PERIOD_MAX: Duration = Duration::from_secs(60);

/// What the controller goes by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// The payload applications.
    pub apps: Vec<AppRules>,
    /// What is switched.
    pub devices: Vec<DeviceRules>,
    /// What is kept warm.
    pub thermal: Vec<ThermalRules>,
    /// Payloads that are called through `payload_exec`.
    pub signalled: Vec<SignalledRules>,
}

/// What holds for one app.
#[derive(Clone, Debug, PartialEq)]
pub struct AppRules {
    /// Its name.
    pub name: AppName,
    /// Its number: the last digits of its cookie, and how other payloads name it.
    pub number: AppNumber,
    /// When it is begun.
    pub start: Start,
    /// Whether the controller starts and kills its process. If not, somebody else does.
    pub has_process: bool,
    /// The device that gives it power: what a power cycle switches.
    pub host: Option<u16>,
    /// What it means by device 0.
    pub default_device: Option<u16>,
    /// Which versions of the SDK are taken.
    pub versions: VersionRule,
    /// The interface that it was built with.
    pub interface: Interface,
    /// What it takes deadlines for.
    pub deadline_unit: DeadlineUnit,
    /// It is to register within that time after it was begun.
    pub registration_timeout: Duration,
    /// When it counts as ill.
    pub health: HealthRules,
    /// How it is shut down.
    pub shutdown: ShutdownRules,
    /// What is done when it fails.
    pub restart: RestartRules,
    /// Its sequences.
    pub runs: RunRules,
    /// What waits for it.
    pub outbox: OutboxRules,
    /// Its requests.
    pub requests: Rate,
    /// What it tells or answers of itself, so that a flood of requests does not keep out the
    /// end of a sequence.
    pub replies: Rate,
    /// Its files.
    pub files: FileRules,
    /// The shortest period of a stream.
    pub stream_period_min: Duration,
    /// The devices of thermal control that it may ask of.
    pub thermal: Vec<u8>,
    /// The apps that it may copy files to.
    pub copies_to: Vec<AppName>,
    /// The apps of which it hears when they go on and off.
    pub hears_power_of: Vec<AppName>,
    /// What it is told for "on": sources of the original contradict each other.
    pub power_on_is: i32,
    /// So often it is asked for its counters; never where it is none.
    pub metrics_every: Option<Duration>,
}

/// When an app is begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the controller.
    #[default]
    Boot,
    /// By a command.
    Command,
}

/// Which versions of the SDK an app may register with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionRule {
    /// Any.
    Any,
    /// This one only.
    Exactly(Version),
    /// This one or a later one.
    AtLeast(Version),
    /// The first or a later one, and earlier than the second.
    Within(Version, Version),
}

/// A version of the SDK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub i32, pub i32, pub i32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// As it is written.
impl std::fmt::Display for VersionRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            VersionRule::Any => f.write_str("any"),
            VersionRule::Exactly(one) => write!(f, "{one}"),
            VersionRule::AtLeast(least) => write!(f, ">={least}"),
            VersionRule::Within(least, below) => write!(f, ">={least} <{below}"),
        }
    }
}

impl VersionRule {
    /// Whether this one may register.
    #[must_use]
    pub fn allows(self, version: Version) -> bool {
        match self {
            VersionRule::Any => true,
            VersionRule::Exactly(one) => version == one,
            VersionRule::AtLeast(least) => version >= least,
            VersionRule::Within(least, below) => (least..below).contains(&version),
        }
    }
}

/// When an app counts as ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthRules {
    /// From one check to the next.
    pub every: Duration,
    /// It answers within that time.
    pub deadline: Duration,
    /// So many misses in a row, and it is ill.
    pub misses_max: u32,
    /// What follows.
    pub action: HealthAction,
}

/// What follows when an app is ill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HealthAction {
    /// What the app said when it registered.
    #[default]
    AsRegistered,
    /// It is started anew, whatever it said.
    Restart,
    /// It is told, and nothing else.
    Tell,
}

/// How an app is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownRules {
    /// What it is told to have.
    pub grace: Duration,
    /// What it has beyond that, as it goes on for some seconds after it said that it has shut
    /// down.
    pub exit_allowance: Duration,
    /// So long after it was killed it is to be gone.
    pub kill_wait: Duration,
    /// So long its device is off in a power cycle.
    pub cycle_off: Duration,
    /// So long after its device is on it is begun.
    pub host_settle: Duration,
    /// Whether its device is switched off when it was shut down by a command.
    pub host_off: bool,
}

/// What is done when an app fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartRules {
    /// Before it is started again; doubled each time, to a minute.
    pub pause: Duration,
    /// So long after it ended, a process that exits before it registered is started again and
    /// not counted: the port of its server may not be free yet.
    pub tolerance: Duration,
    /// It fails again within that time, and the next rung of the ladder is taken.
    pub relapse: Duration,
    /// So many starts within `boots_within` are too many.
    pub boots_max: u32,
    /// See `boots_max`.
    pub boots_within: Duration,
    /// The first quarantine; doubled each time.
    pub quarantine_first: Duration,
    /// The longest quarantine.
    pub quarantine_max: Duration,
    /// So long it is well, and all that is forgotten.
    pub stable: Duration,
}

/// An app's sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunRules {
    /// Open ones at most.
    pub open_max: usize,
    /// Ended ones that are remembered.
    pub kept_max: usize,
    /// A start that did not reach the payload is tried for that time, but not beyond its
    /// deadline.
    pub start_within: Duration,
    /// So long after its deadline it is late; then it is expired.
    pub late: Duration,
    /// So long after it expired, the name is not started again, as the payload may still be
    /// at it and would end another run by its name.
    pub hold: Duration,
}

/// What waits for an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxRules {
    /// Answers that wait at most; requests beyond are refused.
    pub responses_max: usize,
    /// Commands that wait at most.
    pub commands_max: usize,
    /// How long each call may take.
    pub deadline: Duration,
    /// So often an answer is sent before it is given up.
    pub attempts_max: u32,
    /// Between them.
    pub retry_pause: Duration,
    /// An answer is no use after that time.
    pub valid: Duration,
    /// So long an answer waits at most for the return of the request to have left.
    pub flush_max: Duration,
}

/// An app's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRules {
    /// Files that are not on the ground yet.
    pub open_max: usize,
    /// Octets of them.
    pub open_bytes_max: u64,
    /// After it failed, it is handed in again after that time, doubled each time.
    pub retry_first: Duration,
    /// The longest of those.
    pub retry_max: Duration,
    /// So often it is handed in.
    pub attempts_max: u32,
}

/// A device that is switched.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRules {
    /// Its number in the interface.
    pub id: u16,
    /// The app that it belongs to; none is the controller's own.
    pub owner: Option<AppName>,
    /// So long it stays off.
    pub off_min: Duration,
    /// It is not switched on beneath that voltage of the battery, nor while it is not known.
    pub battery_v_min: Option<f64>,
    /// It is switched off when its app is gone.
    pub off_with_app: bool,
    /// Switching takes so long at most.
    pub timeout: Duration,
}

/// A place that is kept warm.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermalRules {
    /// Its number in the interface.
    pub id: u8,
    /// The name of its sensor in the telemetry of the bus.
    pub sensor: String,
    /// The coldest that may be asked for, in °C.
    pub lowest_c: i8,
    /// The warmest.
    pub highest_c: i8,
    /// The longest time that may be asked for.
    pub duration_max: Duration,
    /// Between two looks at the sensor.
    pub every: Duration,
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl AppRules {
    /// All rules as they are where nothing is said.
    #[must_use]
    pub fn new(name: AppName, number: AppNumber) -> Self {
        AppRules {
            name,
            number,
            start: Start::Boot,
            has_process: false,
            host: None,
            default_device: None,
            versions: VersionRule::AtLeast(Version(1, 1, 1)),
            interface: Interface::NEWEST,
            deadline_unit: DeadlineUnit::Seconds,
            registration_timeout: s(60),
            health: HealthRules::default(),
            shutdown: ShutdownRules::default(),
            restart: RestartRules::default(),
            runs: RunRules::default(),
            outbox: OutboxRules::default(),
            requests: Rate {
                per_s: 50,
                burst: 100,
            },
            replies: Rate {
                per_s: 50,
                burst: 100,
            },
            files: FileRules::default(),
            stream_period_min: Duration::from_millis(100),
            thermal: Vec::new(),
            copies_to: Vec::new(),
            hears_power_of: Vec::new(),
            power_on_is: 1,
            metrics_every: Some(s(60)),
        }
    }
}

impl Default for HealthRules {
    fn default() -> Self {
        HealthRules {
            every: s(5),
            deadline: s(3),
            misses_max: 5,
            action: HealthAction::AsRegistered,
        }
    }
}

impl Default for ShutdownRules {
    fn default() -> Self {
        ShutdownRules {
            grace: s(20),
            exit_allowance: s(15),
            kill_wait: s(5),
            cycle_off: s(10),
            host_settle: s(5),
            host_off: true,
        }
    }
}

impl Default for RestartRules {
    fn default() -> Self {
        RestartRules {
            pause: s(5),
            tolerance: s(75),
            relapse: s(600),
            boots_max: 4,
            boots_within: s(1800),
            quarantine_first: s(60),
            quarantine_max: s(3600),
            stable: s(600),
        }
    }
}

impl Default for RunRules {
    fn default() -> Self {
        RunRules {
            open_max: 16,
            kept_max: 256,
            start_within: s(30),
            late: s(60),
            hold: s(600),
        }
    }
}

impl Default for OutboxRules {
    fn default() -> Self {
        OutboxRules {
            responses_max: 64,
            commands_max: 32,
            deadline: s(3),
            attempts_max: 3,
            retry_pause: s(1),
            valid: s(30),
            flush_max: s(1),
        }
    }
}

impl Default for FileRules {
    fn default() -> Self {
        FileRules {
            open_max: 64,
            open_bytes_max: 4 << 30,
            retry_first: s(60),
            retry_max: s(3600),
            attempts_max: 10,
        }
    }
}

impl DeviceRules {
    /// A device of an app, with the rules that hold where nothing is said.
    #[must_use]
    pub fn new(id: u16, owner: Option<AppName>) -> Self {
        DeviceRules {
            id,
            owner,
            off_min: s(10),
            battery_v_min: None,
            off_with_app: true,
            timeout: s(5),
        }
    }
}

impl ThermalRules {
    /// A place with a sensor, with the rules that hold where nothing is said.
    #[must_use]
    pub fn new(id: u8, sensor: impl Into<String>) -> Self {
        ThermalRules {
            id,
            sensor: sensor.into(),
            lowest_c: -40,
            highest_c: 60,
            duration_max: s(86_400),
            every: s(5),
        }
    }
}

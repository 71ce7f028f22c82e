//! Where the spacecraft is and how it is, for the services that tell apps so.
//!
//! [`Telemetry`] is what they ask; it gives a [`BusState`], in which each group of values is
//! there with its age, or missing with the reason. Four things stand behind it:
//!
//! - [`Simulator`]: an orbit by SGP4, with models of attitude, power and temperatures,
//! - [`UdpFeed`]: what programs on board tell, as JSON by UDP on loopback,
//! - [`GraphQlFeed`]: what a service answers that is asked by GraphQL,
//! - or one of the mission's own.
//!
//! [`Passes`] says when a station sees the spacecraft.
//!
//! Time is a parameter everywhere: UTC as a [`Duration`](std::time::Duration) since 1970,
//! without leap seconds. Only the feeds have a thread, and only [`Settings::open`] reads a file.
//!
//! ```
//! use std::time::Duration;
//! use bus_telemetry::{Orbit, Passes, Simulator, Station, Telemetry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Duration::from_secs(1_798_761_600);
//! let orbit = Orbit::example();
//! let state = Simulator::new(orbit.clone()).state(now)?;
//! println!("at {:.1} ° north", state.location?.value.latitude_deg);
//!
//! let station = Station::new(52.5, 13.4, 0.05, 10.0)?;
//! for pass in Passes::new(&orbit, &station, now, now + Duration::from_secs(86_400))? {
//!     println!("up to {:.0} ° high", pass?.elevation_max_deg);
//! }
//! # Ok(()) }
//! ```

mod feed;
mod orbit;
mod passes;
mod settings;
mod simulator;
mod state;
mod telemetry;

pub use feed::{
    Board, Counters, FeedError, GraphQlFeed, GraphQlFeedError, QUERY_DEFAULT, QUERY_OCTETS_MAX,
    Question, QuestionError, SNAPSHOT_OCTETS_MAX, Snapshot, UdpFeed,
};
pub use orbit::earth::{geodetic, position_ecef, sidereal_angle, to_ecef};
pub use orbit::sun::{in_shadow, sun_position};
pub use orbit::{Orbit, OrbitError, SPAN_MAX, TLE_OCTETS_MAX, TleError};
pub use passes::{INTERVAL_MAX, Look, Pass, Passes, PassesError, Station};
pub use settings::{EpochSetting, OpenError, Settings, SettingsError, Source};
pub use simulator::Simulator;
pub use state::{
    Aged, Attitude, AttitudeMode, BusState, Deviation, EarthFixed, Euler, Inertial, Location,
    Missing, Power, Quaternion, Rail, Reading, Sensor, Target, Thermal, Vector,
};
pub use telemetry::{Telemetry, TelemetryError};

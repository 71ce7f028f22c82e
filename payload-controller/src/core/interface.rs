//! Of which month the interface is that an app was built with.
//!
//! The original's SDK says that it is 1.1.1 since January 2023, whatever became of its messages,
//! so that no registration tells one from the other. A message that was reshaped is read by an
//! older SDK as another one: a place as 0, 0, 0, and success. So it is not sent to it.

use std::fmt;

use payload_interface::{Request, ReturnCode};

use super::app::App;
use super::record::StreamKind;
use super::requests::{Refusal, refuse};

/// A month of the original's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interface {
    /// Of our era.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

/// What deadlines of sequences count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadlineUnit {
    /// Seconds since 1970.
    #[default]
    Seconds,
    /// Milliseconds since 1970, as the first SDKs had it.
    Milliseconds,
}

const fn of(year: u16, month: u8) -> Interface {
    Interface { year, month }
}

impl Interface {
    /// The first that said that it is 1.1.1.
    pub const FIRST: Self = of(2023, 1);
    /// The one that this controller speaks.
    pub const NEWEST: Self = of(2026, 5);
    /// Counters can be asked for.
    pub const METRICS: Self = of(2024, 4);
    /// A place became numbers of 64 bits, in another order.
    const LOCATION: Self = of(2024, 11);
    /// The bus voltage became a number with a fraction.
    const VOLTAGE: Self = of(2025, 6);
    /// Temperatures and heaters were reshaped for the last time.
    const THERMAL: Self = of(2025, 12);
    /// Ephemeris was reshaped for the last time.
    const EPHEMERIS: Self = of(2026, 2);
    /// A sequence that is not known got a code of its own.
    const INVALID_SEQUENCE: Self = of(2026, 5);

    /// `YYYY-MM`, of [`FIRST`](Self::FIRST) or later.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let is_number = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|octet| octet.is_ascii_digit())
        };
        if !is_number(year, 4) || !is_number(month, 2) {
            return None;
        }
        let interface = of(year.parse().ok()?, month.parse().ok()?);
        let is_month = (1..=12).contains(&interface.month);
        (is_month && interface >= Self::FIRST).then_some(interface)
    }

    /// Since when what answers a request is as it is sent; always, where it is none.
    fn of_answer(request: &Request) -> Option<(Self, &'static str)> {
        match request {
            Request::GetCurrentLocation(_) => Some((Self::LOCATION, "a location")),
            Request::EpsVoltageStart(_) => {
                Some((Self::of_stream(StreamKind::EpsVoltage), "the bus voltage"))
            }
            Request::SesThermalStart(_) | Request::SesTemperature(_) => {
                Some((Self::THERMAL, "a temperature"))
            }
            Request::GnssEphStart(_) => Some((Self::of_stream(StreamKind::Ephemeris), "ephemeris")),
            _ => None,
        }
    }

    /// Since when what a stream tells is as it is sent.
    pub(super) fn of_stream(kind: StreamKind) -> Self {
        match kind {
            StreamKind::Ephemeris => Self::EPHEMERIS,
            StreamKind::EpsVoltage => Self::VOLTAGE,
        }
    }

    /// The same code, or the one that stood for it before.
    pub(super) fn code(self, code: ReturnCode) -> ReturnCode {
        match code {
            ReturnCode::INVALID_SEQUENCE if self < Self::INVALID_SEQUENCE => {
                ReturnCode::INVALID_PARAMS
            }
            code => code,
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl App {
    /// Whether the app reads what answers this as what it is.
    pub(super) fn reads_the_answer(&self, request: &Request) -> Result<(), Refusal> {
        let own = self.rules.interface;
        match Interface::of_answer(request) {
            Some((since, what)) if own < since => {
                let why = format!(
                    "the app would misread {what}: its interface is of {own}, and that message is as it is since {since}"
                );
                refuse(ReturnCode::INCOMPATIBLE_VERSION, why)
            }
            _ => Ok(()),
        }
    }
}

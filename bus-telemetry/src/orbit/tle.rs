//! Two-line elements as text.

use std::sync::LazyLock;

use sgp4::Elements;

use super::Orbit;

/// Most octets of a file of elements: one object has at most three short lines.
pub const TLE_OCTETS_MAX: usize = 1024;

const EXAMPLE: &str = "\
HELIOGRAPH EXAMPLE
1 99999U 26001A   26001.00000000  .00000000  00000-0  00000-0 0  9993
2 99999  97.4000 100.0000 0010000  90.0000 270.0000 15.21900000    05
";

/// Why a text gives no orbit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TleError {
    /// It is longer than any elements of one object.
    #[error("{octets} octets; two-line elements of one object have at most {TLE_OCTETS_MAX}")]
    TooLong {
        /// How long.
        octets: usize,
    },
    /// There are not two lines, or three with a name.
    #[error("{lines} lines; wanted are two, or three with the name in the first")]
    Lines {
        /// How many, without empty ones.
        lines: usize,
    },
    /// A line is not as it should be.
    #[error("not two-line elements: {0}")]
    Malformed(String),
    /// The elements describe no orbit round the Earth.
    #[error("elements of no orbit: {0}")]
    Unusable(String),
}

pub(super) fn parse(text: &str) -> Result<Elements, TleError> {
    let octets = text.len();
    if octets > TLE_OCTETS_MAX {
        return Err(TleError::TooLong { octets });
    }
    let lines = text.lines().map(str::trim_end);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let (name, one, two) = match lines[..] {
        [one, two] => (None, one, two),
        [name, one, two] => (Some(name), one, two),
        _ => return Err(TleError::Lines { lines: lines.len() }),
    };
    // Some write the line of the name with its number, which is 0.
    let name = name.map(|name| name.strip_prefix("0 ").unwrap_or(name).trim().to_owned());
    let elements = Elements::from_tle(name, one.as_bytes(), two.as_bytes())
        .map_err(|error| TleError::Malformed(error.to_string()))?;
    let numbers = [
        elements.drag_term,
        elements.inclination,
        elements.right_ascension,
        elements.eccentricity,
        elements.argument_of_perigee,
        elements.mean_anomaly,
    ];
    if !numbers.into_iter().all(f64::is_finite) {
        return Err(TleError::Malformed("a number is not finite".to_owned()));
    }
    // A revolution of 80 minutes is inside the Earth; the Moon takes 27 days.
    if !(0.03..=18.0).contains(&elements.mean_motion) {
        let motion = elements.mean_motion;
        return Err(TleError::Unusable(format!("{motion} revolutions a day")));
    }
    Ok(elements)
}

pub(super) fn example() -> Orbit {
    static ORBIT: LazyLock<Orbit> =
        LazyLock::new(|| Orbit::from_tle(EXAMPLE).expect("a test reads it"));
    ORBIT.clone()
}

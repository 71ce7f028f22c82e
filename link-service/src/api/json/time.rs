//! Times as RFC 3339 has them.

use std::time::Duration;

use jiff::Timestamp;

/// Since 1970, as text; nothing where the clock was not to be believed then.
pub(super) fn text(since_1970: Duration) -> Option<String> {
    if since_1970.is_zero() {
        return None;
    }
    let nanoseconds = i128::try_from(since_1970.as_nanos()).ok()?;
    let at = Timestamp::from_nanosecond(nanoseconds).ok()?;
    Some(at.to_string())
}

/// Since 1970, from text; what was before, is as then: both are over.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let at: Timestamp = text
        .parse()
        .map_err(|error: jiff::Error| error.to_string())?;
    Ok(Duration::try_from(at.as_duration()).unwrap_or_default())
}

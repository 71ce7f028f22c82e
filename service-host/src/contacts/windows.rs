//! Windows in which the ground listens: as they are written, and as a link takes them.
//!
//! ```toml
//! [[my-radio.contacts]]
//! start = 2026-11-27T10:00:00Z
//! end = 2026-11-27T10:08:30Z
//! ```

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use comms_service::link::{CONTACT_WINDOWS_MAX, ContactPlan, ContactWindow};
use jiff::Timestamp;
use toml::{Table, Value};

use crate::config_file::ConfigFile;

/// The list in the table of a service.
pub(super) const KEY: &str = "contacts";

/// From `start` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

impl Window {
    /// From two times as RFC 3339 has them.
    pub(super) fn parse(start: &str, end: &str) -> anyhow::Result<Self> {
        let time = |key: &str, text: &str| {
            let time = text.parse::<Timestamp>();
            time.with_context(|| {
                format!("{key} = {text} is no time with an offset, as 2026-11-27T10:00:00Z is")
            })
        };
        let (start, end) = (time("start", start)?, time("end", end)?);
        if end <= start {
            bail!("it ends at {end}, which is not after its start at {start}");
        }
        Ok(Window { start, end })
    }

    fn of_value(value: &Value) -> anyhow::Result<Self> {
        let table = value.as_table();
        let table = table.context("it is no table with `start` and `end`")?;
        if let Some(key) = table
            .keys()
            .find(|key| !["start", "end"].contains(&key.as_str()))
        {
            bail!("unknown key `{key}`; known are start, end");
        }
        let text = |key: &str| match table.get(key) {
            Some(Value::Datetime(time)) => Ok(time.to_string()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => bail!("`{key}` is no time"),
            None => bail!("`{key}` is missing"),
        };
        Window::parse(&text("start")?, &text("end")?)
    }
}

/// The windows in the table of `service`; none where it has no list.
///
/// # Errors
/// Which window is wrong, and how.
pub(crate) fn read(file: &ConfigFile, service: &str) -> anyhow::Result<Option<Vec<Window>>> {
    let own = file.table.get(service).and_then(Value::as_table);
    match own.and_then(|own| own.get(KEY)) {
        None => Ok(None),
        Some(windows) => of_list(windows)
            .with_context(|| format!("[[{service}.{KEY}]]"))
            .map(Some),
    }
}

fn of_list(windows: &Value) -> anyhow::Result<Vec<Window>> {
    let windows = windows.as_array().context("it is no list")?;
    are_few(windows.len())?;
    let windows = windows.iter().zip(1..).map(|(value, number)| {
        let window = Window::of_value(value);
        window.with_context(|| format!("window {number}"))
    });
    windows.collect()
}

/// # Errors
/// When a link takes no list as long.
pub(super) fn are_few(count: usize) -> anyhow::Result<()> {
    if count > CONTACT_WINDOWS_MAX {
        bail!("{count} windows; {CONTACT_WINDOWS_MAX} are the most: give the next ones");
    }
    Ok(())
}

/// As text, for a file of the state directory.
pub(super) fn to_toml(windows: &[Window]) -> anyhow::Result<String> {
    let windows = windows.iter().map(|window| {
        let times = [("start", window.start), ("end", window.end)];
        let times = times.map(|(key, time)| (key.to_owned(), Value::String(time.to_string())));
        Value::Table(Table::from_iter(times))
    });
    let windows = Value::Array(windows.collect());
    Ok(toml::to_string(&Table::from_iter([(
        KEY.to_owned(),
        windows,
    )]))?)
}

/// What [`to_toml`] made.
pub(super) fn of_toml(text: &str) -> anyhow::Result<Vec<Window>> {
    let table: Table = text.parse().context("it is not TOML")?;
    of_list(table.get(KEY).context("it has no windows")?)
}

/// What a link is told, where the clock has `wall` at `now`. Without a clock that is set,
/// nobody knows when the windows are.
pub(super) fn plan(windows: &[Window], now: Instant, wall: Option<Duration>) -> ContactPlan {
    let clock_is_set = wall.is_some();
    let wall = wall.unwrap_or_default();
    let at = |time: Timestamp| {
        // What is before 1970 is over like anything else that is.
        let time = Duration::try_from(time.as_duration()).unwrap_or_default();
        match time.checked_sub(wall) {
            Some(ahead) => now.checked_add(ahead),
            // Further back than the machine can count, it is over all the same.
            None => Some(now.checked_sub(wall - time).unwrap_or(now)),
        }
    };
    let windows = windows.iter().filter_map(|window| {
        let (start, end) = (at(window.start)?, at(window.end)?);
        (start < end).then_some(ContactWindow { start, end })
    });
    ContactPlan {
        windows: windows.collect(),
        clock_is_set,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> anyhow::Result<Option<Vec<Window>>> {
        let table = text.parse().unwrap();
        read(&ConfigFile { path: None, table }, "radio")
    }

    #[test]
    fn a_window_is_written_as_a_time_of_toml_or_as_text() {
        for times in [
            "start = 2026-11-27T10:00:00Z\nend = 2026-11-27T10:08:30Z",
            "start = '2026-11-27T11:00:00+01:00'\nend = '2026-11-27T10:08:30Z'",
        ] {
            let windows = read_text(&format!("[[radio.contacts]]\n{times}")).unwrap();
            let [window] = windows.unwrap().try_into().unwrap();
            assert_eq!(window.start.to_string(), "2026-11-27T10:00:00Z");
            assert_eq!((window.end - window.start).get_seconds(), 510);
        }
    }

    #[test]
    fn a_window_that_cannot_be_meant_is_named() {
        for (text, words) in [
            ("radio.contacts = 7", "no list"),
            ("radio.contacts = [7]", "window 1"),
            (
                "[[radio.contacts]]\nstart = 2026-11-27T10:00:00Z",
                "`end` is missing",
            ),
            (
                "[[radio.contacts]]\nstart = 2026-11-27T10:00:00\nend = 2026-11-28T10:00:00Z",
                "offset",
            ),
            (
                "[[radio.contacts]]\nstart = 2026-11-27T10:00:00Z\nend = 2026-11-27T10:00:00Z",
                "not after its start",
            ),
            ("[[radio.contacts]]\nstrat = 1", "`strat`"),
        ] {
            let error = format!("{:#}", read_text(text).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
        let many = "{ start = 2026-11-27T10:00:00Z, end = 2026-11-28T10:00:00Z },";
        let many = format!(
            "radio.contacts = [{}]",
            many.repeat(CONTACT_WINDOWS_MAX + 1)
        );
        let error = format!("{:#}", read_text(&many).unwrap_err());
        assert!(error.contains("4096 are the most"), "{error}");
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let window = Window::parse("2026-11-27T10:00:00.25Z", "2026-11-27T10:08:30Z").unwrap();
        let text = to_toml(&[window, window]).unwrap();
        assert_eq!(of_toml(&text).unwrap(), [window, window]);
        assert_eq!(of_toml(&to_toml(&[]).unwrap()).unwrap(), []);
    }

    #[test]
    fn a_window_is_as_far_from_now_as_the_clock_says() {
        let now = Instant::now();
        let wall = Duration::from_secs(2_000_000_000);
        let at = |seconds: i64| Timestamp::from_second(2_000_000_000 + seconds).unwrap();
        let window = |start, end| Window {
            start: at(start),
            end: at(end),
        };
        let plan = plan(&[window(-1, 60), window(100, 200)], now, Some(wall));
        let ahead = |at: Instant| at.saturating_duration_since(now).as_secs();
        let seen = plan.windows.iter();
        let seen = seen.map(|own| (ahead(own.start), ahead(own.end)));
        assert_eq!(seen.collect::<Vec<_>>(), [(0, 60), (100, 200)]);
        assert!(plan.clock_is_set);
    }

    #[test]
    fn a_window_of_long_ago_is_over_and_without_a_clock_nobody_knows() {
        let now = Instant::now();
        let old = Window::parse("1969-01-01T00:00:00Z", "2026-01-01T00:00:00Z").unwrap();
        let wall = Duration::from_secs(4_000_000_000);
        let plan_of_old = plan(&[old], now, Some(wall));
        assert!(plan_of_old.windows.iter().all(|window| window.end < now));
        assert!(!plan(&[old], now, None).clock_is_set);
    }
}

//! `payload-controller doctor`: calls a customer's `payload_exec` as it would be called on board,
//! and says what it was given, what it did, and what that would mean.

mod calls;
mod executable;
mod finding;
mod scratch;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use self::finding::{Finding, Level, Report};
use self::scratch::Scratch;
use super::arguments::window_config;
use super::running::GRACE;
use crate::core::{SignalVersion, Step, WindowOrder};

/// The time of configure on board, where the configuration says nothing else.
const CONFIGURE_MAX: Duration = Duration::from_secs(15);
/// Most s of the sample window.
const DURATION_S_MAX: u64 = 3600;

/// Says whether a payload_exec would do on board
///
/// It is called with the arguments of a sample window, in the environment that it would have:
/// first to configure, then for a short window. The exit code is 1 where a window would fail.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The payload_exec
    #[arg(value_name = "PAYLOAD_EXEC")]
    executable: PathBuf,

    /// The edition of the signalling that it speaks: 1 or 2
    #[arg(long = "version", value_name = "1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    edition: u8,

    /// For whom the window is
    #[arg(long, default_value = "john")]
    user: String,

    /// The directory that has window_configs [default: a new one, which is removed]
    #[arg(long, value_name = "DIR")]
    signaling_dir: Option<PathBuf>,

    /// s from the start of the window to its end
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=DURATION_S_MAX))]
    duration_s: u64,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Examines it, and prints what was found. False where a window would fail.
///
/// # Errors
/// It could not be examined.
pub fn examine(doctor: &Doctor) -> anyhow::Result<bool> {
    let report = examined(doctor)?;
    match doctor.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => print!("{report}"),
    }
    Ok(!report.would_fail)
}

fn examined(doctor: &Doctor) -> anyhow::Result<Report> {
    let version = match doctor.edition {
        2 => SignalVersion::V2,
        _ => SignalVersion::V1,
    };
    let path = std::path::absolute(&doctor.executable)?;
    let mut report = Report::new(&path, version.number());
    report.add(executable::look(&path));
    if report.would_fail {
        return Ok(report);
    }
    let scratch = Scratch::new(doctor.signaling_dir.as_deref(), &doctor.user)?;
    let order = WindowOrder {
        id: "1304893".parse()?,
        payload: "payload".parse()?,
        user: doctor.user.clone(),
        start_s: calls::now_s().saturating_add(CONFIGURE_MAX.as_secs()),
        duration_s: doctor.duration_s,
        parameters: "{\"executable\":\"example\"}".to_owned(),
    };
    let config = window_config(&order, version);
    match scratch.write(&order, &config) {
        Ok(written) => report.configured(&written, config),
        Err(why) => {
            report.add(Finding::new(Level::Failure, "configuration", why));
            return Ok(report);
        }
    }
    let call = calls::Caller {
        executable: &path,
        order: &order,
        version,
    };
    report.add(call.make(Step::Configure, CONFIGURE_MAX));
    let window = Duration::from_secs(doctor.duration_s);
    report.add(call.make(Step::Start, window));
    report.close(window.saturating_add(GRACE));
    Ok(report)
}

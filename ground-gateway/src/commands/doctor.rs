//! `ground doctor`: listens, or reads a file, and says why nothing gets through.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use radio_hal::config::AirConfig;
use radio_hal::{FrameBuffer, FrameDrop, Radio, RadioError};

use super::capture::Capture;
use super::input;
use crate::arguments::DoctorArguments;
use crate::config::GroundLinkConfig;
use crate::doctor::{HEARD_BYTES_MAX, Heard, diagnose};
use crate::error::GroundError;
use crate::hub;
use crate::output::{counted, note, print_line};
use crate::progress::Progress;
use crate::runtime::RuntimeDir;
use crate::stop::Stop;

/// How soon the end of the time, or a signal, is noticed.
const RECEIVE_TIMEOUT_MAX: Duration = Duration::from_millis(100);
/// Pause after the radio could not receive.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Prints the findings; gives whether everything heard is delivered.
pub(crate) fn doctor(
    link: &GroundLinkConfig,
    arguments: &DoctorArguments,
    stop: &Stop,
) -> Result<bool, GroundError> {
    let (heard, cut_short) = match (&arguments.pcap, &arguments.octets) {
        (Some(path), _) => from_capture(path, stop)?,
        (_, Some(path)) => {
            // One octet more than are looked at: enough to see that there are more.
            let octets = input::read_some(path, HEARD_BYTES_MAX + 1, stop)?;
            (Heard::from_octets(link, &octets), None)
        }
        (None, None) => (listen(link, arguments.limit, stop)?, None),
    };
    let mut head = format!(
        "link `{}` ({}): {}",
        link.name,
        link.radio,
        counted(heard.bytes(), "octet")
    );
    if heard.is_full() {
        head.push_str(", the most that are looked at");
    }
    let diagnosis = diagnose(&heard, link).map_err(|error| GroundError::Radio {
        link: link.name.clone(),
        source: error.into(),
    })?;
    let text = format!("{head}\n{diagnosis}");
    match print_line(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(GroundError::Output(error)),
        _ => cut_short.map_or(Ok(diagnosis.all_is_well()), Err),
    }
}

/// What is in the capture, and why it was not read to its end.
fn from_capture(path: &Path, stop: &Stop) -> Result<(Heard, Option<GroundError>), GroundError> {
    let mut capture = Capture::open(path, stop)?;
    let mut heard = Heard::from_capture(capture.link_type());
    while !heard.is_full() {
        match capture.next_frame() {
            Ok(Some(frame)) => heard.push(frame.octets),
            Ok(None) => break,
            Err(error @ GroundError::Interrupted { .. }) => return Err(error),
            // What could be read may tell enough.
            Err(error) => return Ok((heard, Some(error))),
        }
    }
    Ok((heard, None))
}

/// Listens to what comes out of the radio, and sends nothing.
fn listen(link: &GroundLinkConfig, limit: Duration, stop: &Stop) -> Result<Heard, GroundError> {
    let paths = RuntimeDir::from_environment()?.paths(link);
    // Held until the end, so that no other command takes the radio meanwhile.
    let Some(_lock) = paths.try_lock()? else {
        return Err(GroundError::Held {
            link: link.name.clone(),
            pid: paths.holder(),
        });
    };
    let mut radio = open_radio(link)?;
    let mut heard = Heard::on(radio.properties.medium);
    let _progress = Progress::start(format!("listening on link `{}`", link.name));
    log::info!(
        "link `{}`: listening for {} ms",
        link.name,
        limit.as_millis()
    );
    let began = Instant::now();
    let stop = stop.within(Some(limit));
    let mut received = FrameBuffer::new();
    while !heard.is_full() {
        received.clear();
        let remaining = limit.saturating_sub(began.elapsed());
        let timeout = remaining.min(RECEIVE_TIMEOUT_MAX);
        if timeout.is_zero() || stop.is_told() {
            break;
        }
        if let Err(error) = radio.receiver.receive(&mut received, timeout) {
            note(&format!("link `{}`: {error}", link.name));
            if !stop.sleep(ERROR_PAUSE) {
                break;
            }
        }
        received.iter().for_each(|piece| heard.push(piece));
    }
    heard.time = Some(began.elapsed());
    heard.foreign_sources = radio
        .counters
        .snapshot()
        .dropped_for(FrameDrop::ForeignSource);
    Ok(heard)
}

fn open_radio(link: &GroundLinkConfig) -> Result<Radio, GroundError> {
    // A TNC that is told nothing sends nothing, whatever it takes the octets for.
    let silent = link.radio.clone().with_air(AirConfig::default());
    silent
        .map_err(RadioError::from)
        .and_then(|radio| {
            radio
                .open_radio()
                .map_err(|error| hub::explained(error, &radio))
        })
        .map_err(|source| GroundError::Radio {
            link: link.name.clone(),
            source,
        })
}

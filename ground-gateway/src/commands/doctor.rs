//! `ground doctor`: listens, or reads a file, and says why nothing gets through.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use radio_hal::config::AirConfig;
use radio_hal::pcap::PcapReader;
use radio_hal::{FrameBuffer, FrameDrop, Radio, RadioError};

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
    let heard = match (&arguments.pcap, &arguments.octets) {
        (Some(path), _) => from_capture(path)?,
        (_, Some(path)) => from_octets(link, path)?,
        (None, None) => listen(link, arguments.limit, stop)?,
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
        _ => Ok(diagnosis.all_is_well()),
    }
}

fn open(path: &Path) -> Result<File, GroundError> {
    File::open(path).map_err(|source| GroundError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn from_capture(path: &Path) -> Result<Heard, GroundError> {
    let refused = |error: radio_hal::pcap::PcapError| GroundError::Capture {
        path: path.to_owned(),
        problem: error.to_string(),
    };
    let mut capture = PcapReader::new(BufReader::new(open(path)?)).map_err(refused)?;
    let mut heard = Heard::from_capture(capture.link_type());
    while let Some(frame) = capture.next_frame().map_err(refused)? {
        if heard.is_full() {
            break;
        }
        heard.push(frame.octets);
    }
    Ok(heard)
}

fn from_octets(link: &GroundLinkConfig, path: &Path) -> Result<Heard, GroundError> {
    let mut octets = Vec::new();
    open(path)?
        .take(HEARD_BYTES_MAX as u64)
        .read_to_end(&mut octets)
        .map_err(|source| GroundError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    Ok(Heard::from_octets(link, &octets))
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

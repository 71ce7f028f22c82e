//! What a command reads: a file of the user, or standard input.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread;

use crossbeam_channel::{bounded, select};

use crate::error::GroundError;
use crate::stop::Stop;

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// What `path` is called in errors.
pub(super) fn name(path: &Path) -> PathBuf {
    match path == Path::new(STANDARD_INPUT) {
        true => PathBuf::from("standard input"),
        false => path.to_owned(),
    }
}

/// Reads the whole file at `path`, of which at most `bytes_max` octets can be
/// sent; `advice` is said of a larger one.
pub(super) fn read(
    path: &Path,
    bytes_max: usize,
    advice: &'static str,
    stop: &Stop,
) -> Result<Vec<u8>, GroundError> {
    let standard_input = path == Path::new(STANDARD_INPUT);
    let (give, given) = bounded(1);
    let source = path.to_owned();
    // A pipe or a terminal may give nothing for ever: the user can interrupt us,
    // but not a read.
    let reading = thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let read = match standard_input {
                true => read_some(io::stdin(), bytes_max).map(|octets| (octets, 0)),
                false => read_file(&source, bytes_max),
            };
            let _ = give.send(read);
        });
    reading.map_err(|error| GroundError::System {
        what: "a thread",
        problem: error.to_string(),
    })?;
    let read = select! {
        recv(given) -> read => read.unwrap_or_else(|error| Err(io::Error::other(error))),
        recv(stop.told()) -> _ => return Err(GroundError::Interrupted { after: None }),
    };
    let name = name(path);
    let (octets, size) = read.map_err(|source| GroundError::Unreadable {
        path: name.clone(),
        source,
    })?;
    if octets.len() <= bytes_max {
        return Ok(octets);
    }
    if standard_input {
        let problem = format!("it has more than the {bytes_max} octets that can be sent{advice}");
        return Err(GroundError::Unreadable {
            path: name,
            source: io::Error::new(io::ErrorKind::FileTooLarge, problem),
        });
    }
    Err(GroundError::TooLarge {
        what: "file",
        bytes: usize::try_from(size)
            .unwrap_or(usize::MAX)
            .max(octets.len()),
        bytes_max,
        advice,
    })
}

/// The file's octets, as far as they are of use, and its size.
fn read_file(path: &Path, bytes_max: usize) -> io::Result<(Vec<u8>, u64)> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok((read_some(file, bytes_max)?, size))
}

/// One octet more than can be sent: enough to see that it is too large.
fn read_some(from: impl io::Read, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    from.take(limit.saturating_add(1))
        .read_to_end(&mut octets)?;
    Ok(octets)
}

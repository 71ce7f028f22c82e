//! What a command reads: a file of the user, or standard input.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, select};

use crate::error::GroundError;
use crate::stop::Stop;

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";
/// Octets that are read at once.
const PIECE_BYTES_MAX: usize = 1 << 16;

/// The octets at a path; reading them fails when it is time to stop.
///
/// A pipe or a terminal may give nothing for ever, and a named pipe may even wait to
/// be opened: the user can interrupt us, but not that. So it is done by a thread.
pub(super) struct Input {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    /// Of `piece`.
    bytes_taken: usize,
    stop: Stop,
}

impl Input {
    pub(super) fn open(path: &Path, stop: &Stop) -> Result<Self, GroundError> {
        let (give, pieces) = bounded(1);
        let path = path.to_owned();
        let reading = thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || match is_standard_input(&path) {
                true => pass_on(Ok(io::stdin()), &give),
                false => pass_on(File::open(path), &give),
            });
        reading.map_err(|error| GroundError::System {
            what: "a thread",
            problem: error.to_string(),
        })?;
        Ok(Input {
            pieces,
            piece: Vec::new(),
            bytes_taken: 0,
            stop: stop.clone(),
        })
    }
}

/// Gives what is read piece by piece, until the end, an error, or nobody wants more.
fn pass_on(from: io::Result<impl Read>, give: &Sender<io::Result<Vec<u8>>>) {
    let read = from.and_then(|mut from| {
        loop {
            let mut piece = vec![0; PIECE_BYTES_MAX];
            let bytes = match from.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            piece.truncate(bytes);
            if bytes == 0 || give.send(Ok(piece)).is_err() {
                return Ok(());
            }
        }
    });
    if let Err(error) = read {
        let _ = give.send(Err(error));
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes_taken == self.piece.len() {
            self.piece = select! {
                recv(self.pieces) -> piece => piece.unwrap_or_else(|_ended| Ok(Vec::new()))?,
                recv(self.stop.told()) -> _ => return Err(io::Error::other("interrupted")),
            };
            self.bytes_taken = 0;
        }
        let rest = self.piece.get(self.bytes_taken..).unwrap_or_default();
        let bytes = (&*rest).read(buffer)?;
        self.bytes_taken += bytes;
        Ok(bytes)
    }
}

/// What the failed reading of `path` means to the user.
pub(super) fn unreadable(path: &Path, source: io::Error, stop: &Stop) -> GroundError {
    match stop.is_told() {
        true => GroundError::Interrupted { after: None },
        false => GroundError::Unreadable {
            path: name(path),
            source,
        },
    }
}

/// What `path` is called in errors.
pub(super) fn name(path: &Path) -> PathBuf {
    match is_standard_input(path) {
        true => PathBuf::from("standard input"),
        false => path.to_owned(),
    }
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT)
}

/// The octets at `path`, `bytes_max` at most; those beyond are not read.
pub(super) fn read_some(
    path: &Path,
    bytes_max: usize,
    stop: &Stop,
) -> Result<Vec<u8>, GroundError> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut octets = Vec::new();
    match Input::open(path, stop)?
        .take(limit)
        .read_to_end(&mut octets)
    {
        Ok(_) => Ok(octets),
        Err(source) => Err(unreadable(path, source, stop)),
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
    // One octet more than can be sent: enough to see that it is too large.
    let octets = read_some(path, bytes_max.saturating_add(1), stop)?;
    if octets.len() <= bytes_max {
        return Ok(octets);
    }
    if is_standard_input(path) {
        let problem = format!("it has more than the {bytes_max} octets that can be sent{advice}");
        return Err(GroundError::Unreadable {
            path: name(path),
            source: io::Error::new(io::ErrorKind::FileTooLarge, problem),
        });
    }
    let size = fs::metadata(path).map_or(0, |metadata| metadata.len());
    Err(GroundError::TooLarge {
        what: "file",
        bytes: usize::try_from(size)
            .unwrap_or(usize::MAX)
            .max(octets.len()),
        bytes_max,
        advice,
    })
}

//! A capture that a command reads.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use radio_hal::pcap::{CapturedFrame, LinkType, PcapError, PcapReader};

use super::input::{self, Input};
use crate::error::GroundError;
use crate::stop::Stop;

/// A capture of the user; reading it fails when it is time to stop.
pub(super) struct Capture {
    reader: PcapReader<BufReader<Input>>,
    path: PathBuf,
    stop: Stop,
}

impl Capture {
    pub(super) fn open(path: &Path, stop: &Stop) -> Result<Self, GroundError> {
        let input = BufReader::new(Input::open(path, stop)?);
        Ok(Capture {
            reader: PcapReader::new(input).map_err(|error| failed(path, error, stop))?,
            path: path.to_owned(),
            stop: stop.clone(),
        })
    }

    pub(super) fn link_type(&self) -> LinkType {
        self.reader.link_type()
    }

    /// None at the end of the capture.
    pub(super) fn next_frame(&mut self) -> Result<Option<CapturedFrame<'_>>, GroundError> {
        let frame = self.reader.next_frame();
        frame.map_err(|error| failed(&self.path, error, &self.stop))
    }
}

fn failed(path: &Path, error: PcapError, stop: &Stop) -> GroundError {
    match error {
        PcapError::Io(source) => input::unreadable(path, source, stop),
        error => refused(path, &error),
    }
}

/// There is something wrong with the capture.
pub(super) fn refused(path: &Path, problem: &impl ToString) -> GroundError {
    GroundError::Capture {
        path: input::name(path),
        problem: problem.to_string(),
    }
}

//! `ground replay`: what became of every frame of a capture, a line each.

use std::io::{self, BufWriter, ErrorKind, Write};

use super::capture::{Capture, refused};
use crate::arguments::ReplayArguments;
use crate::config::GroundLinkConfig;
use crate::error::GroundError;
use crate::replay::{Replay, json_frame, json_summary, plain_line, plain_summary};
use crate::stop::Stop;

pub(crate) fn replay(
    link: &GroundLinkConfig,
    arguments: &ReplayArguments,
    stop: &Stop,
) -> Result<(), GroundError> {
    let path = &arguments.file;
    let mut capture = Capture::open(path, stop)?;
    let mut replay =
        Replay::new(link, capture.link_type()).map_err(|error| refused(path, &error))?;
    let mut output = Output {
        to: BufWriter::new(io::stdout().lock()),
        json: arguments.json,
        closed: false,
    };
    let end = loop {
        if stop.is_told() {
            return Err(GroundError::Interrupted { after: None });
        }
        match capture.next_frame() {
            Ok(None) => break Ok(()),
            Ok(Some(frame)) => {
                if let Err(error) = replay.frame(&frame) {
                    break Err(refused(path, &error));
                }
            }
            Err(error) => break Err(error),
        }
        output.settled(&mut replay)?;
        // Whoever reads has had enough, as `head` does.
        if output.closed {
            return Ok(());
        }
    };
    // What could be read is worth its lines, also where the rest is damaged.
    replay.finish();
    output.settled(&mut replay)?;
    let summary = replay.summary();
    match arguments.json {
        true => output.line(&json_summary(&summary))?,
        false => {
            for line in plain_summary(&summary) {
                output.line(&line)?;
            }
        }
    }
    output.flush()?;
    end
}

struct Output<W: Write> {
    to: W,
    json: bool,
    closed: bool,
}

impl<W: Write> Output<W> {
    fn settled(&mut self, replay: &mut Replay) -> Result<(), GroundError> {
        while let Some(frame) = replay.next_settled() {
            let line = match self.json {
                true => json_frame(&frame),
                false => plain_line(&frame),
            };
            self.line(&line)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), GroundError> {
        let written = writeln!(self.to, "{line}");
        self.unless_closed(written)
    }

    fn flush(&mut self) -> Result<(), GroundError> {
        let flushed = self.to.flush();
        self.unless_closed(flushed)
    }

    fn unless_closed(&mut self, result: io::Result<()>) -> Result<(), GroundError> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.closed = true,
            Err(error) => return Err(GroundError::Output(error)),
            Ok(()) => {}
        }
        Ok(())
    }
}

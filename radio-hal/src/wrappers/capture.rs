//! A capture of a radio's frames for Wireshark, both ways, while it works.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::channel::Direction;
use crate::deframer::Deframed;
use crate::error::{ErrorKind, RadioError};
use crate::framing::{Framing, FramingConfig};
use crate::pcap::{LinkType, PcapWriter};
use crate::watch::Observer;

/// The largest capture file, in octets; frames after that are not captured.
pub const CAPTURE_FILE_BYTES_MAX: u64 = 1 << 30;

const FILE_HEADER_BYTES: u64 = 24;
const RECORD_HEADER_BYTES: u64 = 16;

/// What a capture of `framing` holds: AX.25 behind a KISS type octet for KISS, AX.25
/// alone for other framings that carry it, else packets
/// ([`LinkType::User0`]).
pub fn link_type(framing: &FramingConfig) -> LinkType {
    match (framing.framing, &framing.ax25) {
        (Framing::KissAx25, _) => LinkType::Ax25Kiss,
        (_, Some(_)) => LinkType::Ax25,
        (_, None) => LinkType::User0,
    }
}

/// An observer that writes a capture to `path`, which it makes anew. Frames whose
/// borders were wrong are not in it. Each frame is in the file when it has passed.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if the file cannot be made.
pub fn capture(path: &Path, framing: &FramingConfig) -> Result<impl Observer + use<>, RadioError> {
    let link_type = link_type(framing);
    let cannot = |error: io::Error| {
        let text = format!("capture {} cannot be written: {error}", path.display());
        RadioError::new(ErrorKind::Unavailable, text)
    };
    let file = File::create(path).map_err(cannot)?;
    let writer = PcapWriter::new(file, link_type).map_err(cannot)?;
    Ok(Capture {
        writer: Some(writer),
        link_type,
        bytes: FILE_HEADER_BYTES,
        record: Vec::new(),
    })
}

struct Capture {
    /// `None` once the file is full or cannot be written.
    writer: Option<PcapWriter<File>>,
    link_type: LinkType,
    bytes: u64,
    record: Vec<u8>,
}

impl Observer for Capture {
    fn observe(&mut self, _direction: Direction, deframed: Deframed<'_>) {
        if deframed.frame.is_empty() && deframed.kiss_type.is_none() {
            return;
        }
        self.record.clear();
        if self.link_type == LinkType::Ax25Kiss {
            self.record.push(deframed.kiss_type.unwrap_or_default());
        }
        self.record.extend_from_slice(deframed.frame);
        let Some(writer) = &mut self.writer else {
            return;
        };
        self.bytes += RECORD_HEADER_BYTES + self.record.len() as u64;
        if self.bytes > CAPTURE_FILE_BYTES_MAX {
            log::warn!("the capture ends here: it would have over {CAPTURE_FILE_BYTES_MAX} octets");
            self.writer = None;
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let written = writer.write_frame(now.unwrap_or(Duration::ZERO), &self.record);
        if let Err(error) = written {
            log::warn!("the capture ends here: {error}");
            self.writer = None;
        }
    }
}

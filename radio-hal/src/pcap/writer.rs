//! Writing a capture.

use std::io::{self, Write};
use std::time::Duration;

use super::{
    CAPTURE_BYTES_MAX, FILE_HEADER_BYTES, LinkType, MAGIC_MICROSECONDS, RECORD_HEADER_BYTES,
    VERSION_MAJOR, VERSION_MINOR,
};

/// Writes one capture.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    writer: W,
}

impl<W: Write> PcapWriter<W> {
    /// Begins a capture by writing the file header.
    ///
    /// # Errors
    /// Those of `writer`.
    pub fn new(mut writer: W, link_type: LinkType) -> io::Result<Self> {
        let mut header = Vec::with_capacity(FILE_HEADER_BYTES);
        header.extend_from_slice(&MAGIC_MICROSECONDS.to_le_bytes());
        header.extend_from_slice(&VERSION_MAJOR.to_le_bytes());
        header.extend_from_slice(&VERSION_MINOR.to_le_bytes());
        // Time zone and accuracy, which every writer leaves 0.
        header.extend_from_slice(&[0; 8]);
        header.extend_from_slice(&CAPTURE_BYTES_MAX.to_le_bytes());
        header.extend_from_slice(&link_type.value().to_le_bytes());
        writer.write_all(&header)?;
        Ok(Self { writer })
    }

    /// Adds one frame, received or sent `since_epoch` after 1970-01-01 00:00 UTC.
    ///
    /// # Errors
    /// Those of the writer; [`io::ErrorKind::InvalidInput`] for a frame above
    /// [`CAPTURE_BYTES_MAX`] or a time after 2106, with nothing written.
    pub fn write_frame(&mut self, since_epoch: Duration, frame: &[u8]) -> io::Result<()> {
        let invalid = |message| io::Error::new(io::ErrorKind::InvalidInput, message);
        let seconds = u32::try_from(since_epoch.as_secs())
            .map_err(|_| invalid("a pcap capture cannot hold a time after 2106"))?;
        let octets = u32::try_from(frame.len())
            .ok()
            .filter(|octets| *octets <= CAPTURE_BYTES_MAX)
            .ok_or_else(|| invalid("the frame is longer than a pcap capture holds"))?;
        let mut header = Vec::with_capacity(RECORD_HEADER_BYTES);
        for field in [seconds, since_epoch.subsec_micros(), octets, octets] {
            header.extend_from_slice(&field.to_le_bytes());
        }
        self.writer.write_all(&header)?;
        self.writer.write_all(frame)
    }

    /// Flushes and gives the writer back.
    ///
    /// # Errors
    /// Those of the writer's flush.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.flush()?;
        Ok(self.writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_has_the_octets_of_the_format() {
        let mut capture = PcapWriter::new(Vec::new(), LinkType::Ax25Kiss).unwrap();
        capture
            .write_frame(Duration::new(1, 2_000), &[0x00, 0xAA])
            .unwrap();
        let expected = [
            0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 202, 0, 0, 0,
            1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0x00, 0xAA,
        ];
        assert_eq!(capture.finish().unwrap(), expected);
    }

    #[test]
    fn a_frame_that_no_reader_would_take_is_refused() {
        let mut capture = PcapWriter::new(Vec::new(), LinkType::User0).unwrap();
        let too_long = vec![0; CAPTURE_BYTES_MAX as usize + 1];
        assert!(capture.write_frame(Duration::ZERO, &too_long).is_err());
        let too_late = Duration::from_secs(1 << 32);
        assert!(capture.write_frame(too_late, b"x").is_err());
        assert_eq!(capture.finish().unwrap().len(), 24);
    }
}

//! Reading a capture.

use std::io::{self, Read};
use std::time::Duration;

use super::{
    CAPTURE_BYTES_MAX, FILE_HEADER_BYTES, LinkType, MAGIC_MICROSECONDS, MAGIC_NANOSECONDS,
    MAGIC_PCAPNG, RECORD_HEADER_BYTES, VERSION_MAJOR,
};

/// Reads one capture, of whichever program.
///
/// Holds one frame at a time, which takes at most [`CAPTURE_BYTES_MAX`] octets
/// whatever the file claims.
#[derive(Debug)]
pub struct PcapReader<R: Read> {
    reader: R,
    number: fn([u8; 4]) -> u32,
    /// What a unit of the second number of a time is.
    fraction: fn(u64) -> Duration,
    link_type: LinkType,
    frame: Vec<u8>,
    frames_read: u64,
}

/// One frame of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapturedFrame<'a> {
    /// When it was received or sent, after 1970-01-01 00:00 UTC.
    pub since_epoch: Duration,
    /// Its octets, as the capture's link type says.
    pub octets: &'a [u8],
    /// How many octets it had on the air; more than there are where the capture
    /// was told to cut frames short.
    pub original_bytes: u32,
}

impl<R: Read> PcapReader<R> {
    /// Reads the file header.
    ///
    /// # Errors
    /// [`PcapError`], all but those of a frame.
    pub fn new(mut reader: R) -> Result<Self, PcapError> {
        let mut header = [0; FILE_HEADER_BYTES];
        let octets = read_up_to(&mut reader, &mut header)?;
        let [m0, m1, m2, m3, v0, v1, .., l0, l1, l2, l3] = header;
        let magic = [m0, m1, m2, m3];
        if octets >= magic.len() && u32::from_be_bytes(magic) == MAGIC_PCAPNG {
            return Err(PcapError::Pcapng);
        }
        let little: fn([u8; 4]) -> u32 = u32::from_le_bytes;
        let big: fn([u8; 4]) -> u32 = u32::from_be_bytes;
        let micros: fn(u64) -> Duration = Duration::from_micros;
        let nanos: fn(u64) -> Duration = Duration::from_nanos;
        let kinds = [
            (little, MAGIC_MICROSECONDS, micros),
            (little, MAGIC_NANOSECONDS, nanos),
            (big, MAGIC_MICROSECONDS, micros),
            (big, MAGIC_NANOSECONDS, nanos),
        ];
        let kind = kinds
            .into_iter()
            .find(|(number, known, _)| number(magic) == *known);
        let Some((number, _, fraction)) = kind.filter(|_| octets == header.len()) else {
            return Err(PcapError::NotPcap { octets, magic });
        };
        // Twice, so that the low half of the number is it in either order.
        let major = number([v0, v1, v0, v1]) as u16;
        if major != VERSION_MAJOR {
            return Err(PcapError::Version { major });
        }
        let value = number([l0, l1, l2, l3]);
        let link_type = LinkType::from_value(value).ok_or(PcapError::LinkType { value })?;
        Ok(Self {
            reader,
            number,
            fraction,
            link_type,
            frame: Vec::new(),
            frames_read: 0,
        })
    }

    /// What the frames are.
    pub fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// The next frame; `None` at the end of the file.
    ///
    /// # Errors
    /// [`PcapError::Truncated`] where the file ends within a frame,
    /// [`PcapError::TooLong`] for a frame above [`CAPTURE_BYTES_MAX`], and
    /// [`PcapError::Io`]. Nothing more can be read then.
    pub fn next_frame(&mut self) -> Result<Option<CapturedFrame<'_>>, PcapError> {
        let mut header = [0; RECORD_HEADER_BYTES];
        let octets = read_up_to(&mut self.reader, &mut header)?;
        if octets == 0 {
            return Ok(None);
        }
        let frame = self.frames_read + 1;
        if octets < header.len() {
            return Err(PcapError::Truncated { frame });
        }
        let [
            s0,
            s1,
            s2,
            s3,
            f0,
            f1,
            f2,
            f3,
            c0,
            c1,
            c2,
            c3,
            o0,
            o1,
            o2,
            o3,
        ] = header;
        let number = self.number;
        let captured = number([c0, c1, c2, c3]);
        if captured > CAPTURE_BYTES_MAX {
            return Err(PcapError::TooLong {
                frame,
                octets: captured,
            });
        }
        self.frame.clear();
        // Exactly, since growing by itself would pass the limit.
        self.frame.reserve_exact(captured as usize);
        self.frame.resize(captured as usize, 0);
        if read_up_to(&mut self.reader, &mut self.frame)? < self.frame.len() {
            return Err(PcapError::Truncated { frame });
        }
        self.frames_read = frame;
        let seconds = Duration::from_secs(number([s0, s1, s2, s3]).into());
        Ok(Some(CapturedFrame {
            since_epoch: seconds + (self.fraction)(number([f0, f1, f2, f3]).into()),
            octets: &self.frame,
            original_bytes: number([o0, o1, o2, o3]).max(captured),
        }))
    }
}

/// Fills `buffer`, as far as there are octets; gives how many there were.
fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(octets) => filled += octets,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Why a capture cannot be read (further).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PcapError {
    /// The file does not begin as a capture does.
    #[error("it is no pcap capture: its {octets} first octets begin with {magic:02x?}")]
    NotPcap {
        /// How many octets of the 24 of a file header are there.
        octets: usize,
        /// The first four.
        magic: [u8; 4],
    },
    /// The file is a capture in Wireshark's newer format.
    #[error(
        "it is a pcapng capture, and only classic pcap is read: \
         convert it by `editcap -F pcap IN OUT` or `tshark -r IN -F pcap -w OUT`"
    )]
    Pcapng,
    /// A version of the format that never was.
    #[error("its pcap version is {major}, not {VERSION_MAJOR}")]
    Version {
        /// The major version.
        major: u16,
    },
    /// The frames are of a kind that no radio here has.
    #[error(
        "its link type is {value}: only 202 (AX.25 with KISS octet), 3 (AX.25), 147 (USER0) \
         and 228 (IPv4) are read"
    )]
    LinkType {
        /// The registry's number.
        value: u32,
    },
    /// The file ends within a frame.
    #[error("it ends within frame {frame}: it was cut short, or is still being written")]
    Truncated {
        /// The frame's number, from 1.
        frame: u64,
    },
    /// A frame longer than any capture holds.
    #[error("frame {frame} has {octets} octets; the most is {CAPTURE_BYTES_MAX}: it is damaged")]
    TooLong {
        /// The frame's number, from 1.
        frame: u64,
        /// Octets that it claims.
        octets: u32,
    },
    /// The reader failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcap::PcapWriter;

    type Frames = Vec<(Duration, Vec<u8>)>;

    fn read(file: &[u8]) -> Result<Frames, PcapError> {
        let mut reader = PcapReader::new(file)?;
        let mut frames = Vec::new();
        while let Some(frame) = reader.next_frame()? {
            frames.push((frame.since_epoch, frame.octets.to_vec()));
        }
        Ok(frames)
    }

    /// One frame of the octets AB CD, 7 s and 8 units after the epoch.
    fn capture(magic: u32, number: fn(u32) -> [u8; 4], short: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mut file = number(magic).to_vec();
        file.extend([short(2), short(4)].concat());
        for field in [0, 0, 65_535, 3, 7, 8, 2, 300] {
            file.extend(number(field));
        }
        file.extend([0xAB, 0xCD]);
        file
    }

    fn little(magic: u32) -> Vec<u8> {
        capture(magic, u32::to_le_bytes, u16::to_le_bytes)
    }

    #[test]
    fn what_the_writer_wrote_is_read() {
        for link_type in LinkType::ALL {
            let mut writer = PcapWriter::new(Vec::new(), link_type).unwrap();
            let frames = vec![
                (Duration::from_micros(1_000_002), vec![1, 2, 3]),
                (Duration::from_micros(4_000_000_000), Vec::new()),
                (Duration::from_secs(9), vec![9; CAPTURE_BYTES_MAX as usize]),
            ];
            for (since_epoch, octets) in &frames {
                writer.write_frame(*since_epoch, octets).unwrap();
            }
            let file = writer.finish().unwrap();
            let reader = PcapReader::new(file.as_slice()).unwrap();
            assert_eq!(reader.link_type(), link_type);
            assert_eq!(read(&file).unwrap(), frames);
        }
    }

    #[test]
    fn either_byte_order_and_either_unit_of_time_are_read() {
        for (magic, unit) in [
            (MAGIC_MICROSECONDS, Duration::from_micros(1)),
            (MAGIC_NANOSECONDS, Duration::from_nanos(1)),
        ] {
            let big = capture(magic, u32::to_be_bytes, u16::to_be_bytes);
            for file in [little(magic), big] {
                let mut reader = PcapReader::new(file.as_slice()).unwrap();
                assert_eq!(reader.link_type(), LinkType::Ax25);
                let frame = reader.next_frame().unwrap().unwrap();
                assert_eq!(frame.since_epoch, Duration::from_secs(7) + 8 * unit);
                assert_eq!(frame.octets, [0xAB, 0xCD]);
                assert_eq!(frame.original_bytes, 300);
                assert!(reader.next_frame().unwrap().is_none());
            }
        }
    }

    #[test]
    fn what_is_no_capture_is_refused() {
        for file in [&b""[..], b"abc", &[0x55; 100], &[0xA1, 0xB2, 0xCD, 0x34]] {
            assert!(matches!(read(file), Err(PcapError::NotPcap { .. })));
        }
        let cut_off = &little(MAGIC_MICROSECONDS)[..23];
        assert!(matches!(
            read(cut_off),
            Err(PcapError::NotPcap { octets: 23, .. })
        ));
    }

    #[test]
    fn a_pcapng_file_is_named_and_the_way_out_too() {
        let error = read(&[0x0A, 0x0D, 0x0D, 0x0A, 0x1C, 0, 0, 0]).unwrap_err();
        let text = error.to_string();
        for part in ["pcapng", "editcap -F pcap", "tshark", "-F pcap"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn unknown_link_types_and_versions_are_named() {
        let mut ethernet = little(MAGIC_MICROSECONDS);
        ethernet[20] = 1;
        assert!(matches!(
            read(&ethernet),
            Err(PcapError::LinkType { value: 1 })
        ));
        let mut version = little(MAGIC_MICROSECONDS);
        version[4] = 3;
        assert!(matches!(
            read(&version),
            Err(PcapError::Version { major: 3 })
        ));
    }

    #[test]
    fn a_file_that_ends_within_a_frame_gives_the_frames_before_it() {
        let whole = little(MAGIC_MICROSECONDS);
        for cut in FILE_HEADER_BYTES + 1..whole.len() {
            let mut twice = whole.clone();
            twice.extend(&whole[FILE_HEADER_BYTES..cut]);
            let mut reader = PcapReader::new(twice.as_slice()).unwrap();
            assert!(reader.next_frame().unwrap().is_some());
            assert!(matches!(
                reader.next_frame(),
                Err(PcapError::Truncated { frame: 2 })
            ));
        }
    }

    #[test]
    fn a_frame_that_claims_too_much_takes_no_memory() {
        for claimed in [CAPTURE_BYTES_MAX + 1, u32::MAX] {
            let mut file = little(MAGIC_MICROSECONDS);
            file[32..36].copy_from_slice(&claimed.to_le_bytes());
            let mut reader = PcapReader::new(file.as_slice()).unwrap();
            assert!(matches!(
                reader.next_frame(),
                Err(PcapError::TooLong { frame: 1, octets }) if octets == claimed
            ));
            assert_eq!(reader.frame.capacity(), 0);
        }
    }

    #[test]
    fn no_frame_takes_more_memory_than_the_longest_there_may_be() {
        let mut writer = PcapWriter::new(Vec::new(), LinkType::User0).unwrap();
        for octets in [CAPTURE_BYTES_MAX - 1, CAPTURE_BYTES_MAX] {
            writer
                .write_frame(Duration::ZERO, &vec![0; octets as usize])
                .unwrap();
        }
        let file = writer.finish().unwrap();
        let mut reader = PcapReader::new(file.as_slice()).unwrap();
        while reader.next_frame().unwrap().is_some() {}
        assert_eq!(reader.frame.capacity(), CAPTURE_BYTES_MAX as usize);
    }
}

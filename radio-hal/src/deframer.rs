//! Octets of the medium in, packets out; without I/O.

use crate::ax25::{ADDRESS_FIELD_BYTES_MAX, Ax25Error, UiFrame};
use crate::counters::FrameDrop;
use crate::framing::{FramingConfig, FramingError, KISS_FRAME_BYTES_MAX};
use crate::kiss::{Command, Decoder, KissError, KissFrame, Port};
use crate::station::Station;

/// Takes packets out of what a radio received.
///
/// Call order: [`push`](Self::push) what one `receive` gave (any part of a
/// stream, or exactly one datagram), then [`next_packet`](Self::next_packet)
/// until it gives `None`.
#[derive(Debug)]
pub struct Deframer {
    frames: Frames,
    link: Option<Link>,
}

#[derive(Debug)]
enum Frames {
    Kiss(Decoder),
    Datagram { octets: Vec<u8>, waiting: bool },
}

#[derive(Debug)]
struct Link {
    station: Station,
    info_bytes_max: usize,
}

impl Deframer {
    /// A deframer for `config`.
    ///
    /// # Errors
    /// Those of [`FramingConfig::validate`].
    pub fn new(config: &FramingConfig) -> Result<Self, FramingError> {
        config.validate()?;
        let link = config.ax25.as_ref().map(|ax25| Link {
            station: ax25.station(),
            info_bytes_max: ax25.n1,
        });
        let frames = if config.framing.uses_kiss() {
            // Control and PID octet, and whatever addresses there may be.
            let frame_bytes_max = link.as_ref().map_or(KISS_FRAME_BYTES_MAX, |link| {
                ADDRESS_FIELD_BYTES_MAX + 2 + link.info_bytes_max
            });
            Frames::Kiss(Decoder::new(frame_bytes_max))
        } else {
            Frames::Datagram {
                octets: Vec::new(),
                waiting: false,
            }
        };
        Ok(Self { frames, link })
    }

    /// Takes octets off the medium. With a datagram framing, `octets` is one
    /// datagram and takes the place of one that was not fetched.
    pub fn push(&mut self, octets: &[u8]) {
        match &mut self.frames {
            Frames::Kiss(decoder) => decoder.push(octets),
            Frames::Datagram {
                octets: datagram,
                waiting,
            } => {
                datagram.clear();
                datagram.extend_from_slice(octets);
                *waiting = true;
            }
        }
    }

    /// The next packet (never empty), or the reason why the next frame gave
    /// none; `None` when more octets are needed.
    pub fn next_packet(&mut self) -> Option<Result<&[u8], FrameDrop>> {
        let frame = match &mut self.frames {
            Frames::Kiss(decoder) => match decoder.next_frame()? {
                Ok(frame) => data_of(frame),
                Err(error) => {
                    log::debug!("frame dropped: {error}");
                    Err(FrameDrop::from(error))
                }
            },
            Frames::Datagram { octets, waiting } => {
                if !std::mem::take(waiting) {
                    return None;
                }
                Ok(octets.as_slice())
            }
        };
        let link = self.link.as_ref();
        Some(frame.and_then(|frame| packet_of(frame, link)))
    }
}

fn data_of(frame: KissFrame<'_>) -> Result<&[u8], FrameDrop> {
    if frame.command != Command::Data {
        return Err(FrameDrop::KissCommand);
    }
    if frame.port != Port::ZERO {
        return Err(FrameDrop::KissPort);
    }
    Ok(frame.payload)
}

fn packet_of<'a>(frame: &'a [u8], link: Option<&Link>) -> Result<&'a [u8], FrameDrop> {
    let packet = match link {
        None => frame,
        Some(_) if frame.is_empty() => frame,
        Some(link) => {
            let frame = UiFrame::new_checked(frame, link.info_bytes_max).map_err(|error| {
                log::debug!("frame dropped: {error}");
                FrameDrop::from(&error)
            })?;
            link.station.accept(&frame)?;
            frame.info()
        }
    };
    if packet.is_empty() {
        return Err(FrameDrop::Empty);
    }
    Ok(packet)
}

impl From<KissError> for FrameDrop {
    fn from(error: KissError) -> Self {
        match error {
            KissError::Escape { .. } => Self::KissEscape,
            KissError::Oversize { .. } => Self::Oversize,
            KissError::Noise { .. } => Self::Noise,
        }
    }
}

impl From<&Ax25Error> for FrameDrop {
    fn from(error: &Ax25Error) -> Self {
        match error {
            Ax25Error::Truncated { .. } => Self::Truncated,
            Ax25Error::AddressLength { .. } | Ax25Error::TooManyDigipeaters => Self::Address,
            Ax25Error::Callsign { .. } => Self::Callsign,
            Ax25Error::NotUi { .. } | Ax25Error::NotModelled { .. } | Ax25Error::NotFaithful => {
                Self::NotUi
            }
            Ax25Error::Pid { .. } => Self::Pid,
            Ax25Error::InfoTooLong { .. } => Self::InfoTooLong,
        }
    }
}

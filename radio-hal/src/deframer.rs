//! Octets of the medium in, packets out; without I/O.

use crate::ax25::{ADDRESS_FIELD_BYTES_MAX, Ax25Error, UiFrame};
use crate::counters::FrameDrop;
use crate::framing::{BARE_PACKET_BYTES_MAX, Framing, FramingConfig, FramingError};
use crate::hdlc::{self, HdlcError};
use crate::kiss::{self, Command, KissFrame, Port};
use crate::slip::{self, SlipError};
use crate::station::Station;

/// Takes packets out of what a radio received.
///
/// Call order: [`push`](Self::push) one piece that `receive` gave (any part of a
/// stream, or exactly one datagram), then [`next_packet`](Self::next_packet) or
/// [`next_frame`](Self::next_frame) until it gives `None`. After an error of
/// `receive`, [`reset`](Self::reset).
#[derive(Debug)]
pub struct Deframer {
    frames: Frames,
    link: Option<Link>,
}

/// A frame that was found, and what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deframed<'a> {
    /// What lay between the borders: an AX.25 frame or a packet. Empty where not
    /// even the borders were right.
    pub frame: &'a [u8],
    /// The octet that a KISS frame begins with.
    pub kiss_type: Option<u8>,
    /// The packet (never empty), or the reason why the frame gave none.
    pub packet: Result<&'a [u8], FrameDrop>,
}

#[derive(Debug)]
enum Frames {
    Kiss(kiss::Decoder),
    Slip(slip::Decoder),
    Hdlc(Box<hdlc::Decoder>),
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
        // Control and PID octet, and whatever addresses there may be.
        let frame_bytes_max = link.as_ref().map_or(BARE_PACKET_BYTES_MAX, |link| {
            ADDRESS_FIELD_BYTES_MAX + 2 + link.info_bytes_max
        });
        let frames = match config.framing {
            Framing::Kiss | Framing::KissAx25 => Frames::Kiss(kiss::Decoder::new(frame_bytes_max)),
            Framing::Slip => Frames::Slip(slip::Decoder::new(frame_bytes_max)),
            Framing::Hdlc => {
                let hdlc = config.hdlc.unwrap_or_default();
                Frames::Hdlc(Box::new(hdlc::Decoder::new(frame_bytes_max, &hdlc)))
            }
            Framing::Ax25 | Framing::Raw => Frames::Datagram {
                octets: Vec::new(),
                waiting: false,
            },
        };
        Ok(Self { frames, link })
    }

    /// Takes octets off the medium. With a framing without borders, `octets` is
    /// one datagram and takes the place of one that was not fetched.
    pub fn push(&mut self, octets: &[u8]) {
        match &mut self.frames {
            Frames::Kiss(decoder) => decoder.push(octets),
            Frames::Slip(decoder) => decoder.push(octets),
            Frames::Hdlc(decoder) => decoder.push(octets),
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

    /// What is in one datagram, where that is one frame: as [`push`](Self::push)
    /// and [`next_packet`](Self::next_packet), without a copy. `None` for a framing
    /// with borders of its own.
    pub(crate) fn packet_in<'a>(&self, datagram: &'a [u8]) -> Option<Result<&'a [u8], FrameDrop>> {
        match self.frames {
            Frames::Datagram { .. } => Some(packet_of(datagram, self.link.as_ref())),
            Frames::Kiss(_) | Frames::Slip(_) | Frames::Hdlc(_) => None,
        }
    }

    /// The next packet (never empty), or the reason why the next frame gave
    /// none; `None` when more octets are needed.
    pub fn next_packet(&mut self) -> Option<Result<&[u8], FrameDrop>> {
        self.next_frame().map(|deframed| deframed.packet)
    }

    /// The next frame with what is in it; `None` when more octets are needed.
    pub fn next_frame(&mut self) -> Option<Deframed<'_>> {
        let mut kiss_type = None;
        let found = match &mut self.frames {
            Frames::Kiss(decoder) => decoder.next_frame()?.map_err(reason_of).map(|frame| {
                kiss_type = Some(frame.command.type_octet(frame.port));
                (frame.payload, is_data(frame))
            }),
            Frames::Slip(decoder) => decoder
                .next_frame()?
                .map_err(reason_of)
                .map(|frame| (frame, Ok(()))),
            Frames::Hdlc(decoder) => decoder
                .next_frame()?
                .map_err(reason_of)
                .map(|frame| (frame, Ok(()))),
            Frames::Datagram { octets, waiting } => {
                if !std::mem::take(waiting) {
                    return None;
                }
                Ok((octets.as_slice(), Ok(())))
            }
        };
        let (frame, packet) = match found {
            Ok((frame, for_us)) => {
                let link = self.link.as_ref();
                (frame, for_us.and_then(|()| packet_of(frame, link)))
            }
            Err(reason) => (&[][..], Err(reason)),
        };
        Some(Deframed {
            frame,
            kiss_type,
            packet,
        })
    }

    /// The medium was interrupted: what comes next does not continue what came
    /// before. Gives [`FrameDrop::Interrupted`] if a frame was cut off.
    pub fn reset(&mut self) -> Option<FrameDrop> {
        let cut_off = match &mut self.frames {
            Frames::Kiss(decoder) => decoder.reset(),
            Frames::Slip(decoder) => decoder.reset(),
            Frames::Hdlc(decoder) => decoder.reset(),
            Frames::Datagram { .. } => false,
        };
        cut_off.then_some(FrameDrop::Interrupted)
    }
}

fn reason_of<E: std::fmt::Display + Into<FrameDrop>>(error: E) -> FrameDrop {
    log::debug!("frame dropped: {error}");
    error.into()
}

fn is_data(frame: KissFrame<'_>) -> Result<(), FrameDrop> {
    if frame.command != Command::Data {
        return Err(FrameDrop::KissCommand);
    }
    if frame.port != Port::ZERO {
        return Err(FrameDrop::KissPort);
    }
    Ok(())
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

impl From<SlipError> for FrameDrop {
    fn from(error: SlipError) -> Self {
        match error {
            SlipError::Escape { .. } => Self::Escape,
            SlipError::Oversize { .. } => Self::Oversize,
            SlipError::Noise { .. } => Self::Noise,
        }
    }
}

impl From<HdlcError> for FrameDrop {
    fn from(error: HdlcError) -> Self {
        match error {
            HdlcError::Fcs { .. } => Self::Fcs,
            HdlcError::Abort => Self::Abort,
            HdlcError::NotOctets { .. } => Self::NotOctets,
            HdlcError::TooShort { .. } => Self::Noise,
            HdlcError::Oversize { .. } => Self::Oversize,
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

//! A radio on a line in memory: right in all, but for the defect it is given.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use radio_hal::conformance::{Bench, Link, Setup};
use radio_hal::{
    ErrorKind, FrameBuffer, FramingConfig, Medium, Radio, RadioError, RadioProperties,
    RadioReceiver, RadioTransmitter,
};

use super::defect::Defect;
use super::line::{Claim, Line};

/// The radio's MTU, in octets.
const FRAME_BYTES_MAX: usize = 2100;
/// How long the line may take no octet.
const STALL: Duration = Duration::from_millis(400);
/// "For ever", in a test that has to end.
const FOR_EVER: Duration = Duration::from_secs(30);

/// What the radio is like.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    pub(crate) medium: Medium,
    pub(crate) credits_max: usize,
    pub(crate) defect: Defect,
}

impl Bench for Model {
    fn setup(&self) -> Setup {
        match self.medium {
            Medium::Stream => Setup::stream(FramingConfig::kiss()),
            Medium::Datagrams => Setup::datagrams(FramingConfig::raw()),
        }
    }

    fn connect(&mut self) -> Result<Link, RadioError> {
        let (model, line) = (*self, Line::new());
        let far = line.clone();
        let reopen = move || model.open(&line);
        Ok(Link {
            radio: reopen()?,
            far: Box::new(far),
            reopen: Some(Box::new(reopen)),
        })
    }
}

impl Model {
    fn open(self, line: &Line) -> Result<Radio, RadioError> {
        let claim = Arc::new(line.claim()?);
        if self.defect == Defect::KeepsTheDevice {
            std::mem::forget(Arc::clone(&claim));
        }
        let half = Half {
            model: self,
            line: line.clone(),
            generation: Some(line.state().generation),
            both_halves: Arc::default(),
            _claim: claim,
        };
        let properties = RadioProperties::new(self.medium)
            .with_frame_bytes_max(FRAME_BYTES_MAX)
            .with_frames_in_flight_max(self.credits_max);
        let receiver = Receiver {
            half: half.clone(),
            pieces: 0,
        };
        Ok(Radio::new(properties, receiver, Transmitter(half)))
    }
}

#[derive(Clone)]
struct Half {
    model: Model,
    line: Line,
    /// Which line it has open; `None` while there is none.
    generation: Option<u64>,
    both_halves: Arc<Mutex<()>>,
    _claim: Arc<Claim>,
}

impl Half {
    fn has(&self, defect: Defect) -> bool {
        self.model.defect == defect
    }
}

fn error(kind: ErrorKind, text: &str) -> RadioError {
    RadioError::new(kind, text)
}

struct Receiver {
    half: Half,
    pieces: usize,
}

impl Receiver {
    /// The next pieces of the line; none if none came in time.
    fn read(&mut self, deadline: Instant) -> Result<Vec<Vec<u8>>, RadioError> {
        let line = self.half.line.clone();
        let mut state = line.state();
        loop {
            let open = Some(state.generation) == self.half.generation;
            let lost = self.half.generation.is_some() && !(open && state.plugged);
            if lost && !state.plugged && self.half.has(Defect::ForgetsWhatItRead) {
                state.to_near.clear();
            }
            if open {
                let merged = self.half.has(Defect::MergesDatagrams) && state.to_near.len() > 2;
                let count = if merged { state.to_near.len() } else { 1 };
                let count = count.min(state.to_near.len());
                if count > 0 {
                    return Ok(state.to_near.drain(..count).collect());
                }
            }
            if lost {
                self.half.generation = None;
                if !self.half.has(Defect::ForgetsTheError) {
                    return Err(error(ErrorKind::Disconnected, "the line was cut"));
                }
            }
            let reopens = !self.half.has(Defect::StaysDeaf);
            if self.half.generation.is_none() && state.plugged && reopens {
                self.half.generation = Some(state.generation);
                continue;
            }
            if self.half.has(Defect::SpinsWhileGone) && !state.plugged {
                return Ok(Vec::new());
            }
            match line.wait(state, deadline) {
                Some(changed) => state = changed,
                None => return Ok(Vec::new()),
            }
        }
    }

    fn octets_min(&self) -> usize {
        match self.half.model.defect {
            Defect::WaitsForEightOctets => 8,
            Defect::NeverWaits | Defect::SpinsWhileGone => 0,
            _ => 1,
        }
    }

    fn read_spoiled(&mut self, deadline: Instant) -> Result<Vec<Vec<u8>>, RadioError> {
        let mut pieces = self.read(deadline)?;
        for piece in &mut pieces {
            self.spoil(piece)?;
        }
        Ok(pieces)
    }

    fn spoil(&self, piece: &mut Vec<u8>) -> Result<(), RadioError> {
        let has_wrong_escape = piece.windows(2).any(|pair| pair == b"\xDB\xDB");
        match self.half.model.defect {
            Defect::LosesLoneOctets if piece.len() == 1 && piece[0] != 0xC0 => piece.clear(),
            Defect::GivesTheFirstFrameOnly => {
                let end = piece.iter().skip(1).position(|octet| *octet == 0xC0);
                piece.truncate(end.map_or(piece.len(), |end| end + 2));
            }
            Defect::ObeysXonXoff => piece.retain(|octet| ![0x11, 0x13].contains(octet)),
            Defect::FailsAtNoise if has_wrong_escape => {
                return Err(error(ErrorKind::Io, "framing error"));
            }
            Defect::PanicsAtNoise if has_wrong_escape => panic!("an escape that cannot be"),
            _ => {}
        }
        Ok(())
    }
}

impl RadioReceiver for Receiver {
    fn receive(&mut self, received: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        let both_halves = Arc::clone(&self.half.both_halves);
        let shared = self.half.has(Defect::LocksBothHalves);
        let guard = shared.then(|| both_halves.lock().unwrap());
        let timeout = match self.half.model.defect {
            Defect::ReceivesForEver => FOR_EVER,
            Defect::NeverWaits => Duration::ZERO,
            _ => timeout,
        };
        let deadline = Instant::now() + timeout;
        let mut pieces = self.read_spoiled(deadline)?;
        while pieces.iter().map(Vec::len).sum::<usize>() < self.octets_min() {
            if Instant::now() >= deadline {
                break;
            }
            pieces.extend(self.read_spoiled(deadline)?);
        }
        self.pieces += pieces.len();
        if self.half.has(Defect::MergesDatagrams) {
            received.push(&pieces.concat());
        } else {
            pieces.iter().for_each(|piece| received.push(piece));
        }
        if self.half.has(Defect::GivesAPieceTwice) && self.pieces % 3 == 2 {
            pieces.iter().for_each(|piece| received.push(piece));
        }
        if guard.is_some() {
            drop(guard);
            // The other half has its turn.
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

struct Transmitter(Half);

impl Transmitter {
    fn has(&self, defect: Defect) -> bool {
        self.0.has(defect)
    }

    /// Puts all octets on the line as there is room.
    fn write(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        let stall = match self.0.model.defect {
            Defect::TransmitsForEver => FOR_EVER,
            _ => STALL,
        };
        let deadline = Instant::now() + stall;
        let line = self.0.line.clone();
        let mut state = line.state();
        let mut rest = frame;
        while !rest.is_empty() {
            if !state.plugged {
                return Err(error(ErrorKind::Disconnected, "the line is gone"));
            }
            let whole = self.0.model.medium == Medium::Datagrams;
            let room = state.room_bytes();
            let room = if whole && room < rest.len() { 0 } else { room };
            let (part, later) = rest.split_at(room.min(rest.len()));
            state.put(part);
            rest = later;
            line.changed();
            if rest.is_empty() {
                break;
            }
            state = match line.wait(state, deadline) {
                Some(changed) => changed,
                None if self.has(Defect::LosesWhatHasNoRoom) => return Ok(()),
                None => {
                    if self.has(Defect::SendsInSpiteOfTheError) {
                        line.state().put(rest);
                    }
                    return Err(error(ErrorKind::Timeout, "the line stalls"));
                }
            }
        }
        Ok(())
    }
}

impl RadioTransmitter for Transmitter {
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        let both_halves = Arc::clone(&self.0.both_halves);
        let shared = self.has(Defect::LocksBothHalves);
        let _guard = shared.then(|| both_halves.lock().unwrap());
        if frame.len() > FRAME_BYTES_MAX && !self.has(Defect::TakesAnyLength) {
            return Err(error(ErrorKind::PacketTooLong, "at most 2100 octets"));
        }
        let generation = self.0.line.state().generation;
        if self.has(Defect::StaysDumb) && self.0.generation != Some(generation) {
            return Err(error(ErrorKind::Disconnected, "the line was cut"));
        }
        let lies = self.has(Defect::RefusesInSpiteOfCredits);
        if self.0.model.credits_max > 1 && self.room_frames() <= usize::from(lies) {
            return Err(error(ErrorKind::Full, "no credit"));
        }
        let sent = match self.0.model.defect {
            Defect::WritesOnce => frame.get(..60).unwrap_or(frame),
            _ => frame,
        };
        self.write(sent)
    }

    fn credits(&mut self, timeout: Duration) -> Result<usize, RadioError> {
        let deadline = Instant::now() + timeout;
        loop {
            let credits = match (self.0.model.defect, self.0.model.credits_max) {
                (Defect::GivesTooManyCredits, max) => max + 2,
                (_, 1) => usize::from(self.0.line.state().plugged),
                (_, max) => self.room_frames().min(max),
            };
            if credits > 0 || Instant::now() >= deadline {
                return Ok(credits);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn transmit_all(&mut self, frames: &FrameBuffer) -> Result<usize, RadioError> {
        let mut taken = 0;
        for frame in frames.iter() {
            match self.transmit(frame) {
                Ok(()) => taken += 1,
                Err(error) if taken == 0 => return Err(error),
                Err(_) if self.has(Defect::CountsAllFrames) => return Ok(frames.len()),
                Err(_) => break,
            }
        }
        Ok(taken)
    }
}

impl Transmitter {
    fn room_frames(&self) -> usize {
        let state = self.0.line.state();
        if state.plugged {
            state.room_bytes() / FRAME_BYTES_MAX
        } else {
            0
        }
    }
}

//! KISS and AX.25.

use std::hint::black_box;

use anyhow::{Result, ensure};
use ax25::frame::Ax25Frame;
use radio_hal::Callsign;
use radio_hal::ax25::{UiFrame, UiRepr};
use radio_hal::kiss::{self, Command, Port};

use super::work::Work;
use super::{SIZE_USUAL, octets};
use crate::figure::Figure;
use crate::section::Run;

/// Two addresses, control and PID.
const UI_HEADER_BYTES: usize = 16;

/// Both, for frames of `bytes`.
///
/// # Errors
/// When a codec does not take what it is given.
pub(super) fn measure(run: &Run, bytes: usize) -> Result<Vec<Figure>> {
    let mut figures = kiss_figures(run, bytes)?;
    figures.extend(ax25_figures(run, bytes)?);
    Ok(figures)
}

fn kiss_figures(run: &Run, bytes: usize) -> Result<Vec<Figure>> {
    let payload = octets(bytes);
    let work = |name: &str| Work {
        run,
        name: name.to_owned(),
        bytes,
        times_faster: None,
        allocates_nothing: true,
    };
    let mut encoded = Vec::new();
    let mut figures = work("KISS encode").alone(|| {
        encoded.clear();
        kiss::encode(Port::ZERO, Command::Data, black_box(&payload), &mut encoded);
        black_box(&encoded);
    });
    let mut decoder = kiss::Decoder::new(bytes);
    decoder.push(&encoded);
    let decoded = decoder.next_frame();
    ensure!(
        decoded.is_some_and(|frame| frame.is_ok_and(|frame| frame.payload == payload)),
        "KISS did not decode what it encoded"
    );
    figures.extend(work("KISS decode").alone(|| {
        decoder.push(black_box(&encoded));
        while let Some(frame) = decoder.next_frame() {
            let _ = black_box(frame);
        }
    }));
    Ok(figures)
}

fn ax25_figures(run: &Run, bytes: usize) -> Result<Vec<Figure>> {
    let information = octets(bytes - UI_HEADER_BYTES);
    let header = UiRepr::new(Callsign::new("SAT1", 1)?, Callsign::new("GND", 2)?, vec![])?;
    let mut frame = Vec::new();
    header.emit(&information, &mut frame);

    let mut built = Vec::new();
    let ours = |built: &mut Vec<u8>| {
        built.clear();
        if let Ok(view) = UiFrame::new_checked(black_box(&frame), bytes) {
            view.repr().emit(view.info(), built);
        }
        black_box(&*built);
    };
    ours(&mut built);
    ensure!(built == frame, "AX.25 did not build what it parsed");
    let theirs = || {
        let parsed = Ax25Frame::from_bytes(black_box(&frame));
        black_box(parsed.map(|parsed| parsed.to_bytes()))
    };
    ensure!(
        theirs().is_ok_and(|built| built == frame),
        "the crate ax25 did not build what it parsed"
    );
    let work = Work {
        run,
        name: "AX.25 parse + build, beside ax25".to_owned(),
        bytes,
        times_faster: (bytes == SIZE_USUAL).then_some(3.0),
        allocates_nothing: true,
    };
    work.beside(|| ours(&mut built), || drop(theirs()))
}

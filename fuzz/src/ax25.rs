use radio_hal::ax25::{DIGIPEATERS_MAX, UiFrame};
use radio_hal::{Callsign, typed};

const N1: usize = 64;

/// AX.25: a frame that is taken keeps all its promises, and comes back from its
/// own description; the typed form gives the same octets. Text that is read as
/// a callsign reads the same again.
pub fn ax25(input: &[u8]) {
    if let Ok(frame) = UiFrame::new_checked(input, N1) {
        assert!(frame.info().len() <= N1);
        assert!(frame.digipeaters().count() <= DIGIPEATERS_MAX);
        let repr = frame.repr();
        let mut emitted = Vec::new();
        repr.emit(frame.info(), &mut emitted);
        assert_eq!(emitted.len(), input.len());
        assert_eq!(repr.header_bytes() + frame.info().len(), input.len());
        let again = UiFrame::new_checked(&emitted, N1);
        assert_eq!(again.as_ref().map(UiFrame::repr), Ok(repr));
        assert_eq!(again.map(|again| again.info()), Ok(frame.info()));
    }
    if let Ok(frame) = typed::parse(input, N1) {
        assert_eq!(frame.to_bytes(), input);
    }
    let callsign = str::from_utf8(input).ok().map(str::parse::<Callsign>);
    if let Some(Ok(callsign)) = callsign {
        assert_eq!(callsign.to_string().parse(), Ok(callsign));
    }
}

//! Which AX.25 frames are for us.

use crate::ax25::UiFrame;
use crate::callsign::Callsign;
use crate::counters::FrameDrop;

/// A station on the air: who we are, whom we talk to, and by which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Our own callsign.
    pub callsign: Callsign,
    /// The station we send to.
    pub peer: Callsign,
    /// Further destinations whose frames we take, such as `CQ`.
    pub broadcast: Vec<Callsign>,
    /// The digipeaters our frames go through, first one first.
    pub digipeaters: Vec<Callsign>,
}

impl Station {
    /// Whether a received frame is for us.
    ///
    /// The source is not compared with `peer`: a callsign proves nothing, and a
    /// second ground station may take over a pass. Authentication is the
    /// business of the packet layer.
    ///
    /// # Errors
    /// [`FrameDrop::OwnEcho`] for a frame we sent, heard again through a
    /// digipeater or our own receiver; [`FrameDrop::NotAddressedToUs`];
    /// [`FrameDrop::NotYetRepeated`] while a digipeater of the frame's path has
    /// still to repeat it, since we shall hear it again from there
    /// (AX.25 v2.2 §3.12.4).
    pub fn accept(&self, frame: &UiFrame<'_>) -> Result<(), FrameDrop> {
        if frame.source() == self.callsign {
            return Err(FrameDrop::OwnEcho);
        }
        let destination = frame.destination();
        if destination != self.callsign && !self.broadcast.contains(&destination) {
            return Err(FrameDrop::NotAddressedToUs);
        }
        if frame.digipeaters().any(|digipeater| !digipeater.repeated) {
            return Err(FrameDrop::NotYetRepeated);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ax25::{Digipeater, UiRepr};

    fn verdict(destination: &str, source: &str, path: &[(&str, bool)]) -> Result<(), FrameDrop> {
        let station = Station {
            callsign: "SAT1-1".parse().unwrap(),
            peer: "GND-2".parse().unwrap(),
            broadcast: vec!["CQ".parse().unwrap()],
            digipeaters: Vec::new(),
        };
        let path = path
            .iter()
            .map(|(callsign, repeated)| Digipeater {
                callsign: callsign.parse().unwrap(),
                repeated: *repeated,
            })
            .collect();
        let mut octets = Vec::new();
        UiRepr::new(destination.parse().unwrap(), source.parse().unwrap(), path)
            .unwrap()
            .emit(b"x", &mut octets);
        station.accept(&UiFrame::new_checked(&octets, 256).unwrap())
    }

    #[test]
    fn frames_for_us_and_broadcasts_are_taken() {
        assert_eq!(verdict("SAT1-1", "GND-2", &[]), Ok(()));
        assert_eq!(verdict("CQ", "ANY", &[("RPT", true)]), Ok(()));
    }

    #[test]
    fn the_same_characters_with_another_ssid_are_another_station() {
        assert_eq!(
            verdict("SAT1-2", "GND-2", &[]),
            Err(FrameDrop::NotAddressedToUs)
        );
    }

    #[test]
    fn our_own_frame_heard_again_is_an_echo() {
        assert_eq!(verdict("CQ", "SAT1-1", &[]), Err(FrameDrop::OwnEcho));
    }

    #[test]
    fn a_frame_on_its_way_to_a_digipeater_is_not_for_us_yet() {
        assert_eq!(
            verdict("SAT1-1", "GND-2", &[("RPT-1", true), ("RPT-2", false)]),
            Err(FrameDrop::NotYetRepeated)
        );
    }
}

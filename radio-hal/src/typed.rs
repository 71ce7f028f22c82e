//! The strict front end of the crate `ax25`, for those who want its typed
//! frames (UI, I, S and U frames, modulo 8).
//!
//! `ax25` 0.4 is lenient and lossy: it takes address fields of any length,
//! control characters as callsigns and any number of digipeaters, and it
//! rewrites PIDs, command bits and reserved bits, and forgets what trails an S
//! frame. A frame handed out here is one that `ax25` gives back octet for octet.
//!
//! One thing cannot be seen in a single frame: whether the link runs modulo
//! 128, where I frames have a second control octet that reads like a PID.
//! Frames of a link set up with SABME do not belong here.

use ax25::frame::{Ax25Frame, FrameContent};

use crate::address::AddressField;
use crate::ax25::Ax25Error;

/// Parses one whole AX.25 frame (no flags, no FCS, no KISS octets) with at most
/// `info_bytes_max` (N1) octets of information.
///
/// # Errors
/// The address field is held to the same rules as in
/// [`UiFrame::new_checked`](crate::ax25::UiFrame::new_checked), with the same
/// errors. Then [`Ax25Error::NotModelled`] for a frame type that `ax25` does not
/// know (SREJ, SABME, XID, TEST), [`Ax25Error::InfoTooLong`] above N1, and
/// [`Ax25Error::NotFaithful`] for a frame that it would alter.
pub fn parse(octets: &[u8], info_bytes_max: usize) -> Result<Ax25Frame, Ax25Error> {
    AddressField::new_checked(octets)?;
    let frame = Ax25Frame::from_bytes(octets).map_err(|error| Ax25Error::NotModelled {
        reason: error.to_string(),
    })?;
    let info_bytes = match &frame.content {
        FrameContent::Information(content) => content.info.len(),
        FrameContent::UnnumberedInformation(content) => content.info.len(),
        _ => 0,
    };
    if info_bytes > info_bytes_max {
        return Err(Ax25Error::InfoTooLong {
            octets: info_bytes,
            info_bytes_max,
        });
    }
    if frame.to_bytes() != octets {
        return Err(Ax25Error::NotFaithful);
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ax25::UiRepr;

    /// GND-2 from SAT1-1 as a command, then `content`.
    fn frame(content: &[u8]) -> Vec<u8> {
        let mut octets = Vec::new();
        UiRepr::new(
            "GND-2".parse().unwrap(),
            "SAT1-1".parse().unwrap(),
            Vec::new(),
        )
        .unwrap()
        .emit(&[], &mut octets);
        octets.truncate(14);
        octets.extend_from_slice(content);
        octets
    }

    #[test]
    fn ui_i_s_and_u_frames_of_modulo_8_are_taken() {
        for content in [
            &[0x03, 0xF0, 1, 2][..],
            &[0x22, 0xF0, 1, 2],
            &[0x31],
            &[0x35],
            &[0x39],
            &[0x3F],
            &[0x53],
            &[0x1F],
            &[0x73],
            &[0x97, 0x01, 0x22, 0x3F],
        ] {
            assert!(parse(&frame(content), 256).is_ok(), "{content:02X?}");
        }
    }

    #[test]
    fn frame_types_without_a_model_are_refused_by_name() {
        for content in [&[0x3D][..], &[0x7F], &[0xBF], &[0xF3, 1]] {
            assert!(matches!(
                parse(&frame(content), 256),
                Err(Ax25Error::NotModelled { .. })
            ));
        }
    }

    #[test]
    fn what_the_crate_ax25_would_alter_is_refused() {
        let layer_3_pid = frame(&[0x03, 0xA5, 1]);
        let trailing_on_rr = frame(&[0x31, 0xAA]);
        let trailing_on_sabm = frame(&[0x3F, 0xAA]);
        let mut version_1 = frame(&[0x03, 0xF0]);
        version_1[6] &= 0x7F;
        let mut reserved_bits = frame(&[0x03, 0xF0]);
        reserved_bits[13] &= !0x20;
        for octets in [
            layer_3_pid,
            trailing_on_rr,
            trailing_on_sabm,
            version_1,
            reserved_bits,
        ] {
            assert_eq!(parse(&octets, 256), Err(Ax25Error::NotFaithful));
        }
    }

    #[test]
    fn what_the_crate_ax25_takes_wrongly_is_refused() {
        let mut leading_zero = frame(&[0x03, 0xF0]);
        leading_zero.insert(0, 0);
        assert!(parse(&leading_zero, 256).is_err());

        let mut fifteen_octets = frame(&[0x03, 0xF0]);
        fifteen_octets.insert(13, 0x40);
        assert!(parse(&fifteen_octets, 256).is_err());

        assert_eq!(
            parse(&frame(&[[0x03, 0xF0].as_slice(), &[0; 257]].concat()), 256),
            Err(Ax25Error::InfoTooLong {
                octets: 257,
                info_bytes_max: 256
            })
        );
    }
}

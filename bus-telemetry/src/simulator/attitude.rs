//! Pointing to the Earth without an error.

use crate::orbit::vector::{cross, norm, times, unit};
use crate::state::{Attitude, AttitudeMode, Euler, Inertial, Quaternion, Vector};

/// The body's axes are those of the orbital frame.
pub(super) fn to_nadir(inertial: &Inertial) -> Attitude {
    let r = inertial.r_eci_km;
    let momentum = cross(r, inertial.v_eci_km_s);
    let z = times(unit(r), -1.0);
    let y = times(unit(momentum), -1.0);
    let x = cross(y, z);
    // Once round the orbit's normal, which is -y, a revolution.
    let turn_rad_s = norm(momentum) / norm(r).powi(2);
    let mode = AttitudeMode::NadirPointYaw;
    Attitude {
        mode,
        mode_commanded: Some(mode),
        body_from_eci: Some(quaternion([x, y, z])),
        body_from_orbit: Some(Quaternion::IDENTITY),
        euler: Some(Euler {
            roll_deg: 0.0,
            pitch_deg: 0.0,
            yaw_deg: 0.0,
        }),
        rates_deg_s: Some([0.0, -turn_rad_s.to_degrees(), 0.0]),
        control_error_deg: Some(0.0),
        target: None,
    }
}

/// The rotation whose matrix has these rows, by Shepperd's method: from the largest of the four
/// components, so that nothing small is divided by.
fn quaternion([a, b, c]: [Vector; 3]) -> Quaternion {
    let [a0, a1, a2] = a;
    let [b0, b1, b2] = b;
    let [c0, c1, c2] = c;
    let trace = a0 + b1 + c2;
    let [x, y, z, w] = if trace >= a0.max(b1).max(c2) {
        [c1 - b2, a2 - c0, b0 - a1, 1.0 + trace]
    } else if a0 >= b1.max(c2) {
        [1.0 + a0 - b1 - c2, a1 + b0, a2 + c0, c1 - b2]
    } else if b1 >= c2 {
        [a1 + b0, 1.0 - a0 + b1 - c2, b2 + c1, a2 - c0]
    } else {
        [a2 + c0, b2 + c1, 1.0 - a0 - b1 + c2, b0 - a1]
    };
    let norm = (x * x + y * y + z * z + w * w).sqrt();
    let [x, y, z, w] = [x, y, z, w].map(|component| component / norm);
    Quaternion { x, y, z, w }
}

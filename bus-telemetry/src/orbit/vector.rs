//! Arithmetic of three components.

use crate::state::Vector;

pub(crate) fn dot([ax, ay, az]: Vector, [bx, by, bz]: Vector) -> f64 {
    ax * bx + ay * by + az * bz
}

pub(crate) fn cross([ax, ay, az]: Vector, [bx, by, bz]: Vector) -> Vector {
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

pub(crate) fn minus([ax, ay, az]: Vector, [bx, by, bz]: Vector) -> Vector {
    [ax - bx, ay - by, az - bz]
}

pub(crate) fn times(vector: Vector, factor: f64) -> Vector {
    vector.map(|component| component * factor)
}

pub(crate) fn norm(vector: Vector) -> f64 {
    dot(vector, vector).sqrt()
}

/// The direction of `vector`, which is not zero.
pub(crate) fn unit(vector: Vector) -> Vector {
    times(vector, 1.0 / norm(vector))
}

//! HDLC as a receiver meets it: cut, shifted, aborted, damaged.

mod borders;
mod errors;
mod round_trip;
mod row;
mod sizes;

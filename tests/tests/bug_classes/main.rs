//! Classes of bugs that others' uplinks had, each with a test that ours has not.
//!
//! The numbers are those of the project's list of such classes:
//!
//! | class | what went wrong | where here |
//! |---|---|---|
//! | 1 | a length off the wire was trusted | `wire_lengths` |
//! | 2 | an inner length was larger than the outer one | `inner_lengths` |
//! | 3 | framing or escapes overflowed a buffer | `framing_overflow` |
//! | 4 | an uplink reached a panic | `panics` |
//! | 5 | dropped frames leaked memory | `memory` |
//! | 13 | AX.25 addresses were not checked | `ax25_addresses` |

mod ax25_addresses;
mod framing_overflow;
mod inner_lengths;
mod memory;
mod packets;
mod panics;
mod random;
mod wire_lengths;

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
//! | 9 | counters of the two ends fell apart | `counters` |
//! | 12 | a check did not cover what it was for | `checks` |
//! | 13 | AX.25 addresses were not checked | `ax25_addresses` |
//! | 14 | an attacker's first tries were answered | `red_team` |

mod ax25_addresses;
mod checks;
mod counters;
mod ends;
mod framing_overflow;
mod inner_lengths;
mod memory;
mod packets;
mod panics;
mod random;
mod red_team;
mod wire_lengths;

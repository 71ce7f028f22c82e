//! Between the store and a satellite: windows go up as commands, and how they stand comes back;
//! uploads go up as files.
//!
//! | part | what stands there |
//! |---|---|
//! | `core` | what is to be said next, to whom; without a link |
//! | `words` | GraphQL: what is asked, and what an answer says |
//! | `uplink` | the link, as the courier needs it |
//! | `round` | one exchange, noted before and after |
//! | `uploads` | the same for files |
//! | `running` | the thread of a satellite |
//!
//! A window is noted as offered before the spacecraft is told of it, so that it is known for
//! ever after that it may be there. Until its preparation is to begin, the same order is told
//! again where no answer came: there it is the same window. From its start on, it is only asked
//! what became of it.

mod core;
mod round;
mod running;
mod uplink;
mod uploads;
mod words;

pub(crate) use round::Courier;
pub(crate) use running::{Contact, CourierThread};
pub(crate) use uplink::LinkUplink;
#[cfg(test)]
pub(crate) use uplink::{Silence, Uplink};

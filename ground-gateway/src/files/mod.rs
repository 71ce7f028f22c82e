//! Files on a link: what was asked for, how far it is, and where it goes.
//!
//! | part | what stands there |
//! |---|---|
//! | `settings` | `[link.files]` |
//! | `transfer` | how one file stands, as commands and programs see it |
//! | `orders` | what commands asked for, durable until it has ended |
//! | `outgoing` | a file of the user, brought into the store to be sent |
//! | `delivery` | a file that came, brought to where the user wants it |
//! | `rate` | octets a second, as measured |
//! | `passes` | what a pass moves, and how many more a file needs |
//! | `words` | condition codes in words |

pub(crate) mod app;
pub(crate) mod delivery;
pub(crate) mod orders;
pub(crate) mod outgoing;
pub(crate) mod passes;
pub(crate) mod rate;
pub(crate) mod settings;
pub(crate) mod transfer;
pub(crate) mod words;

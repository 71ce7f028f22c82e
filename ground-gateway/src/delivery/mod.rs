//! What came down from the agent on board goes on to whoever it is for: into a directory or a
//! bucket, each file once.
//!
//! | part | what stands there |
//! |---|---|
//! | `settings` | `[delivery]` |
//! | `bundle` | a file that came, opened |
//! | `object` | what is known of a file at its place |
//! | `key` | what it is called there |
//! | `place` | where it goes: a directory, a bucket |
//! | `journal` | which file is where, on the disk |
//! | `deliverer` | one file, from where it came to its place |
//! | `receipts` | what became of them on their way up |
//! | `manifest` | what one pass brought, as an object |
//! | `status` | what was delivered, for people |
//! | `upload` | a bundle for the other way |
//! | `running` | the thread |
//!
//! A key is in the journal before anything is put there, and a bundle goes only once its
//! receipt is in the journal as due: whenever the process ends, the next one does the rest.

mod bundle;
mod counts;
mod deliverer;
mod journal;
mod key;
mod manifest;
mod object;
mod place;
mod receipts;
mod running;
mod settings;
pub(crate) mod status;
mod step;
#[cfg(test)]
mod tests;
mod upload;

#[cfg(test)]
pub(crate) use bundle::inspect;
pub(crate) use deliverer::Ground;
pub(crate) use manifest::draw;
#[cfg(test)]
pub(crate) use object::Object;
pub(crate) use receipts::Fate;
pub(crate) use running::{Beginning, DeliveryThread};
pub(crate) use settings::is_topic;
pub use settings::{DeliverySettings, PlaceSettings};
pub(crate) use upload::{Upload, bundle, bundle_as};

/// The app whose files are delivered: the agent.
pub(crate) const APP: &str = "oort";
/// Beneath the root of files: what the agent sent and what is no bundle. No app is called so.
pub(crate) const DEAD_FOLDER: &str = "oort.dead";

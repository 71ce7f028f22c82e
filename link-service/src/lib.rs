//! Files between payload apps, on-board services, other spacecraft and the ground: each app
//! has an inbox and an outbox, and a **link request** names a file in the outbox and who is
//! to have it.
//!
//! | room | what it knows |
//! |---|---|
//! | [`names`] | which names of apps and files are taken |
//! | [`request`] | what may be asked for |
//! | [`code`] | how it ended |
//! | [`queue`] | what runs next |
//! | [`courier`] | how files go down |
//! | [`operator_staging`] | how they go down by means of the operator's own |
//! | [`bucket`] | inboxes and outboxes in a bucket |
//! | [`desk`] | who takes requests, and knows how they stand |
//! | [`settings`] | what the configuration says |
//! | [`registry`] | which apps there are, and where their directories are |
//! | [`policy`] | who may send what to whom |
//! | [`api`] | the ways in for programs |
//! | [`access`] | both together, and how another configuration takes their place |
//! | [`service`] | the command `link-service` |
//! | [`record`] | how far a transfer is |
//! | [`journal`] | what is known of transfers across restarts |
//! | [`mover`] | how a file gets from an outbox to an inbox, and what a crash may leave |
//! | [`dropbox`] | requests that are dropped as files |
//! | [`bundle`] | several files as one, where they go over a link |
//! | [`folders`] | inboxes and outboxes, the only I/O on them |

pub mod access;
pub mod api;
pub mod bucket;
pub mod bundle;
pub mod code;
#[cfg(target_os = "linux")]
pub mod courier;
pub mod desk;
pub mod dropbox;
pub mod folders;
pub mod journal;
pub mod mover;
pub mod names;
#[cfg(target_os = "linux")]
pub mod operator_staging;
pub mod policy;
pub mod queue;
pub mod record;
pub mod registry;
pub mod request;
pub mod service;
pub mod settings;

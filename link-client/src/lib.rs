//! Sends files to other apps, the ground and other spacecraft, and receives them, by the link
//! service.
//!
//! ```no_run
//! # fn main() -> Result<(), link_client::LinkError> {
//! let link = link_client::LinkClient::from_env();
//! link.send("analyser", "/tmp/image.raw")?.wait()?;
//! link.downlink("/tmp/report.pdf")?;
//! # Ok(()) }
//! ```
//!
//! and on the other side
//!
//! ```no_run
//! # fn look_at(_: &std::path::Path) {}
//! # fn main() -> Result<(), link_client::LinkError> {
//! for delivery in link_client::LinkClient::from_env().receive() {
//!     let delivery = delivery?;
//!     look_at(delivery.path());
//!     delivery.ack()?;
//! }
//! # Ok(()) }
//! ```
//!
//! A file that is sent again, unchanged and to the same recipients, is the same request: an
//! app that does not know whether it sent it before it crashed, sends it. What was refused or
//! failed is tried anew.
//!
//! Everything blocks; there is one connection for each question. While the service restarts,
//! questions are asked again for as long as [`LinkClient::with_patience`] says.

mod answer;
mod client;
mod error;
mod http;
mod original;
mod outbox;
mod receive;
mod request;
mod sent;
mod tracking;
mod transport;

pub use answer::{Directories, Link, LinkFile, LinkRecipient, Standing};
pub use client::{LinkClient, SOCKET_VARIABLE};
pub use error::LinkError;
pub use receive::{DeliveredFile, Deliveries, Delivery};
pub use request::{Priority, Request};
pub use sent::Sent;

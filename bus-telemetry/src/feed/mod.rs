//! What others tell: partial snapshots as JSON, one in each datagram that programs on board send,
//! or in each answer of a service that is asked by GraphQL.

mod answer;
mod board;
mod check;
mod graphql;
mod intake;
mod question;
mod snapshot;
mod udp;

pub use board::Board;
pub use graphql::{GraphQlFeed, GraphQlFeedError};
pub use intake::Counters;
pub use question::{QUERY_DEFAULT, QUERY_OCTETS_MAX, Question, QuestionError};
pub use snapshot::{FeedError, SNAPSHOT_OCTETS_MAX, Snapshot};
pub use udp::UdpFeed;

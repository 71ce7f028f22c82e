//! GraphQL over HTTP, with GraphiQL in the browser and a metrics page.
//!
//! | request | answer |
//! |---|---|
//! | `POST /`, `POST /graphql` | executes the query, or the batch of queries, in the body |
//! | `GET /graphql?query=…` | executes a query without side effects |
//! | `GET /?query=…` with no `text/html` in `Accept` | the same |
//! | `GET /` with it, as browsers ask; `GET /graphiql` | GraphiQL, which needs no Internet |
//! | `GET /metrics` | metrics in the Prometheus text format |
//!
//! A body is taken as JSON whatever its content type says, or when it has
//! none, since that is how flight services have always posted queries; only
//! `application/graphql` means that the body is the query itself.
//!
//! Everything runs on one thread named `graphql-http`; queries run on at most
//! [`limits::EXECUTIONS_MAX`] more, so that a slow resolver holds up neither
//! the others nor the metrics. No access control, and TLS only where the feature `tls` is on and
//! asked for ([`HttpServer::start_encrypted`]): listen on the loopback interface or on a network
//! where every host is trusted.
//!
//! Pages of other origins, which a browser on such a host may show, cannot
//! POST: a request with `Origin` is refused unless `Host` is the same, and an IP
//! address or `localhost` (against DNS rebinding). So GraphiQL works at
//! `http://127.0.0.1:8150/`, not at a name of the machine. A GET comes without
//! `Origin`, so a rebound name can still read; it cannot command.

pub mod body;
mod door;
mod endpoint;
mod error_document;
mod execution;
mod execution_threads;
mod graphiql;
mod graphql;
pub mod limits;
mod origin;
mod routes;
mod server;
mod tls;
mod write_stall;

pub use axum;
pub use door::{DoorName, Doors, UnixDoor};
pub use endpoint::Endpoint;
pub use limits::Limits;
pub use origin::foreign_page;
pub use server::{HttpServer, PeerAddress, StartError};

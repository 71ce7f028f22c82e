//! What the server serves.

use std::sync::Arc;

use axum::Router;
use juniper::http::{GraphQLBatchRequest, GraphQLBatchResponse};
use juniper::{DefaultScalarValue, GraphQLType, RootNode};

/// What an [`HttpServer`](super::HttpServer) serves: two functions, called
/// from its threads, several at once.
#[derive(Clone)]
pub struct Endpoint {
    /// Executes a query or a batch of queries.
    pub graphql: Arc<dyn Fn(GraphQLBatchRequest) -> GraphQLBatchResponse + Send + Sync>,
    /// Writes the metrics page, in the format of [`prometheus`](crate::prometheus).
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// What it serves beside GraphQL, under paths of its own.
    pub routes: Router,
}

impl Endpoint {
    /// Serves the schema `root`, every query with the same `context`, and an
    /// empty metrics page.
    pub fn new<Q, M, S>(root: RootNode<Q, M, S, DefaultScalarValue>, context: Q::Context) -> Self
    where
        Q: GraphQLType<DefaultScalarValue> + Send + Sync + 'static,
        Q::Context: Send + Sync + 'static,
        Q::TypeInfo: Send + Sync,
        M: GraphQLType<DefaultScalarValue, Context = Q::Context> + Send + Sync + 'static,
        M::TypeInfo: Send + Sync,
        S: GraphQLType<DefaultScalarValue, Context = Q::Context> + Send + Sync + 'static,
        S::TypeInfo: Send + Sync,
    {
        Self {
            graphql: Arc::new(move |request| request.execute_sync(&root, &context)),
            metrics: Arc::new(String::new),
            routes: Router::new(),
        }
    }

    /// The same with these routes beside GraphQL: an interface for programs, say.
    #[must_use]
    pub fn with_routes(self, routes: Router) -> Self {
        Self { routes, ..self }
    }

    /// The same with this metrics page.
    #[must_use]
    pub fn with_metrics(self, metrics: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self {
            metrics: Arc::new(metrics),
            ..self
        }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

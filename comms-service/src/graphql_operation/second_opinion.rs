//! The scanner against a whole GraphQL service (juniper): whatever it lets pass as
//! queries must change nothing there, whichever operation is asked for.

use std::sync::atomic::{AtomicU32, Ordering};

use juniper::http::GraphQLBatchRequest;
use juniper::{EmptySubscription, RootNode, graphql_object};
use proptest::prelude::*;

use super::is_only_queries;

#[derive(Default)]
struct Thruster {
    fired: AtomicU32,
}

impl juniper::Context for Thruster {}

struct Query;

#[graphql_object(context = Thruster)]
impl Query {
    fn a(b: Option<Vec<String>>) -> i32 {
        b.map_or(0, |b| b.len() as i32)
    }

    fn c() -> Query {
        Query
    }
}

struct Mutation;

#[graphql_object(context = Thruster)]
impl Mutation {
    fn fire(context: &Thruster) -> bool {
        context.fired.fetch_add(1, Ordering::Relaxed);
        true
    }
}

type Schema = RootNode<Query, Mutation, EmptySubscription<Thruster>>;

/// How often a service fires at `body`, and whether it understood it.
fn posted(body: &str) -> (u32, bool) {
    let schema = Schema::new(Query, Mutation, EmptySubscription::new());
    let thruster = Thruster::default();
    let request = serde_json::from_str::<GraphQLBatchRequest>(body);
    let understood = request.is_ok_and(|request| request.execute_sync(&schema, &thruster).is_ok());
    (thruster.fired.into_inner(), understood)
}

fn body(document: &str, operation_name: Option<&str>) -> String {
    let request = serde_json::json!({ "query": document, "operationName": operation_name });
    request.to_string()
}

/// Pieces from which requests are put together: whole definitions, and what could
/// hide one from a scanner.
const PIECES: [&str; 40] = [
    "{ a }",
    "query Q { a }",
    "mutation M { fire }",
    "mutation { fire }",
    "fragment F on Query { a }",
    "query",
    "mutation",
    "subscription",
    "Q",
    "M",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "a",
    "a(b: ",
    "fire",
    "c {",
    "\"",
    "\"\"\"",
    "\\",
    "\\\"",
    "\\\"\"\"",
    "#",
    "\n",
    "\r",
    "\r\n",
    ",",
    ":",
    "...",
    "...F",
    "@include(if: true)",
    "$v",
    "=",
    "1",
    "\u{feff}",
    "\u{2028}",
    "x",
];

const NAMES: [Option<&str>; 3] = [None, Some("Q"), Some("M")];

#[test]
fn the_service_fires_at_a_mutation_and_not_at_a_query() {
    assert_eq!(posted(&body("mutation { fire }", None)), (1, true));
    let both = "query Q { a } mutation M { fire }";
    assert_eq!(posted(&body(both, Some("M"))), (1, true));
    assert_eq!(posted(&body(both, Some("Q"))), (0, true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_passes_as_queries_fires_nothing(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..12),
        gap in prop::sample::select(vec!["", " "]),
    ) {
        let document = pieces.join(gap);
        for name in NAMES {
            let body = body(&document, name);
            let (fired, _) = posted(&body);
            prop_assert!(fired == 0 || !is_only_queries(body.as_bytes()), "{body}");
        }
    }

    /// A mutation between two halves of something that could hide it.
    #[test]
    fn a_mutation_hidden_in_pieces_is_found(
        before in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..6),
        after in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..6),
    ) {
        let document = format!("query Q {{ a }} {} mutation M {{ fire }} {}", before.join(" "), after.join(" "));
        let body = body(&document, Some("M"));
        let (fired, _) = posted(&body);
        prop_assert!(fired == 0 || !is_only_queries(body.as_bytes()), "{body}");
    }

    /// Keys in any number and order, and requests in lists.
    #[test]
    fn what_passes_as_a_request_of_queries_fires_nothing(
        entries in prop::collection::vec(
            prop::sample::select(vec![
                r#""query":"{a}""#, r#""query":"mutation M{fire}""#, r#""qu\u0065ry":"mutation M{fire}""#,
                r#""query":"query Q{a} mutation M{fire}""#, r#""operationName":"M""#, r#""operationName":"Q""#,
                r#""operationName":null"#, r#""variables":{"a":1}"#, r#""variables":null"#,
                r#""extensions":null"#, r#""extensions":{"persistedQuery":{}}"#, r#""id":"x""#,
            ]),
            0..4,
        ),
        shape in 0..3,
    ) {
        let object = format!("{{{}}}", entries.join(","));
        let body = match shape {
            0 => object,
            1 => format!("[{object}]"),
            _ => format!("[{{\"query\":\"{{a}}\"}},{object}]"),
        };
        let (fired, _) = posted(&body);
        prop_assert!(fired == 0 || !is_only_queries(body.as_bytes()), "{body}");
    }
}

/// The costly mistake the other way round is harmless, but plain queries must pass.
#[test]
fn plain_queries_pass_and_are_understood() {
    for document in [
        "{ a }",
        "query Q { a c { a } }",
        "query Q { ...F } fragment F on Query { a }",
    ] {
        let body = body(document, None);
        assert!(is_only_queries(body.as_bytes()), "{document}");
        assert_eq!(posted(&body), (0, true), "{document}");
    }
}

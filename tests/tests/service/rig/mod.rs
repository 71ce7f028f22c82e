//! A flight: the communications service under test, a radio made of channels,
//! and at the radio's other end either an operator or the test itself.

mod entity;
mod ground;
mod radio;
mod satellite;
mod setup;

pub(crate) use entity::{Entity, Told};
pub(crate) use ground::Ground;
pub(crate) use heliograph_tests::ports::{bind_udp, free_udp_port, free_udp_range};
pub(crate) use radio::Radio;
pub(crate) use satellite::Satellite;
pub(crate) use setup::{READ_TIMEOUT, Setup};

use serde_json::Value;

/// A service and its operator. Dropped, it ends as [`Satellite`] does.
pub(crate) struct Flight {
    pub(crate) satellite: Satellite,
    pub(crate) ground: Ground,
}

impl Flight {
    /// With everything as [`Setup`] has it by default.
    pub(crate) fn start() -> Self {
        Setup::default().flight()
    }
}

/// The code and the message of an answer that is one of the framework's own
/// error documents; panics when it is none.
#[track_caller]
pub(crate) fn error_document(answer: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(answer);
    let read: Value = serde_json::from_slice(answer)
        .unwrap_or_else(|error| panic!("{error}: no error document: {text}"));
    let error = &read["errors"][0];
    let field = |field: &Value| match field.as_str() {
        Some(text) => text.to_owned(),
        None => panic!("no error document: {read}"),
    };
    (
        field(&error["extensions"]["code"]),
        field(&error["message"]),
    )
}

/// The body of a GraphQL request that no other has.
pub(crate) fn query(number: usize) -> Vec<u8> {
    format!(r#"{{"query":"{{ping}}","number":{number}}}"#).into_bytes()
}

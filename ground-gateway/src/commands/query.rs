//! `ground query`: one GraphQL request, and its answer.

use std::io;

use serde_json::{Value, json};

use super::input;
use crate::arguments::{QueryArguments, Variables};
use crate::client::{LinkClient, SEE_LIMIT};
use crate::error::GroundError;
use crate::output::print_line;
use crate::progress::Progress;

/// Characters of an answer that an error repeats.
const EXCERPT_CHARACTERS: usize = 120;

pub(crate) fn query(client: &LinkClient, arguments: &QueryArguments) -> Result<(), GroundError> {
    let port = arguments.service;
    let body = body(&document(client, arguments)?, arguments.variables.as_ref());
    let answer = {
        let link = &client.config().name;
        let _progress = Progress::start(format!("waiting for port {port} on link `{link}`"));
        client.query(
            port,
            &body,
            arguments.patience(client.config().comms.format),
        )?
    };
    if serde_json::from_slice::<serde::de::IgnoredAny>(&answer).is_err() {
        let text = String::from_utf8_lossy(&answer);
        return Err(GroundError::NotJson {
            port,
            bytes: answer.len(),
            excerpt: text.chars().take(EXCERPT_CHARACTERS).collect(),
        });
    }
    print_line(answer.trim_ascii_end()).map_err(GroundError::Output)
}

/// What stands on the command line, or in the file that it names.
fn document(client: &LinkClient, arguments: &QueryArguments) -> Result<String, GroundError> {
    let Some(path) = &arguments.file else {
        return Ok(arguments.query.clone().unwrap_or_default());
    };
    let bytes_max = client.config().message_bytes_max();
    let octets = input::read(path, bytes_max, SEE_LIMIT, client.stop())?;
    let problem = match String::from_utf8(octets) {
        Ok(document) if !document.trim().is_empty() => return Ok(document),
        Ok(_) => "it is empty",
        Err(_) => "it is no UTF-8 text",
    };
    Err(GroundError::Unreadable {
        path: input::name(path),
        source: io::Error::new(io::ErrorKind::InvalidData, problem),
    })
}

/// The body of the request that the service gets.
fn body(query: &str, variables: Option<&Variables>) -> Vec<u8> {
    match (serde_json::from_str(query), variables) {
        (Ok(Value::Object(request)), None) if request.contains_key("query") => query.into(),
        (Ok(Value::Object(mut request)), Some(variables)) if request.contains_key("query") => {
            request.insert("variables".to_owned(), Value::Object(variables.clone()));
            Value::Object(request).to_string().into()
        }
        (_, None) => json!({ "query": query }).to_string().into(),
        (_, Some(variables)) => json!({ "query": query, "variables": variables })
            .to_string()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(query: &str, variables: Option<&str>) -> String {
        let variables = variables.map(|text| serde_json::from_str::<Variables>(text).unwrap());
        String::from_utf8(body(query, variables.as_ref())).unwrap()
    }

    #[test]
    fn a_document_is_wrapped_and_a_request_is_passed_as_it_is() {
        assert_eq!(text("{ a }", None), r#"{"query":"{ a }"}"#);
        assert_eq!(text("{\"query\": \"x\"}", None), "{\"query\": \"x\"}");
        assert_eq!(text("{}", None), r#"{"query":"{}"}"#);
    }

    #[test]
    fn variables_go_with_either() {
        let whole = r#"{"query":"q","variables":{"a":1}}"#;
        assert_eq!(text("q", Some("{\"a\": 1}")), whole);
        assert_eq!(text("{\"query\": \"q\"}", Some("{\"a\": 1}")), whole);
    }
}

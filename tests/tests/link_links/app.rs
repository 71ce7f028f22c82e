//! An app at its socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::PATIENCE;

/// An app with its directories.
pub(crate) struct App {
    pub(crate) root: PathBuf,
}

impl App {
    /// What the service answers at the socket.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = UnixStream::connect(self.root.join("link.sock")).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: link\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a request");
        stream.write_all(body.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// Puts a file into the outbox, and asks for it to be sent: the id.
    pub(crate) fn send(&self, name: &str, octets: &[u8], to: &str) -> String {
        let outbox = self.root.join("outbox");
        let part = outbox.join(format!("{name}.part"));
        std::fs::write(&part, octets).expect("a file");
        std::fs::rename(part, outbox.join(name)).expect("a name");
        let request = json!({ "linkType": "CROSSLINK", "fileName": name, "destinationAppId": to });
        let answer = self.ask("POST", "/v1/links", &request);
        assert_eq!(answer["code"], "ACCEPTED", "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    /// How a request stands now.
    pub(crate) fn status(&self, id: &str) -> Value {
        self.ask("GET", &format!("/v1/links/{id}"), &Value::Null)
    }

    /// How it ended.
    #[track_caller]
    pub(crate) fn end(&self, id: &str) -> Value {
        eventually(PATIENCE, || {
            let path = format!("/v1/links/{id}?waitSeconds=5");
            let answer = self.ask("GET", &path, &Value::Null);
            (answer["code"] != "ACCEPTED").then_some(answer)
        })
    }

    /// The only delivery that is there, once it is.
    #[track_caller]
    pub(crate) fn delivery(&self) -> Value {
        let answer = self.ask("GET", "/v1/inbox?waitSeconds=30", &Value::Null);
        let deliveries = answer["deliveries"].as_array().expect("deliveries");
        assert_eq!(deliveries.len(), 1, "{answer}");
        deliveries[0].clone()
    }

    /// What is in the inbox under that name.
    pub(crate) fn inbox(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.root.join("inbox").join(name)).ok()
    }

    /// Whether a file is in the outbox.
    pub(crate) fn has_source(&self, name: &str) -> bool {
        self.root.join("outbox").join(name).exists()
    }
}

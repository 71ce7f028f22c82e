//! A service that answers by HTTP, as it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// What it does with a request.
#[derive(Clone)]
pub(crate) enum Does {
    /// Answers with this status and body.
    Answers(u16, String),
    /// Holds the connection open and says nothing.
    IsSilent,
    /// Says that it is elsewhere.
    Redirects(String),
}

/// A request.
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// What it was asked, in that order.
    pub(crate) asked: Receiver<Asked>,
}

impl Server {
    /// Answers each request by `answer`, of its body. It ends with the test.
    pub(crate) fn start(answer: impl Fn(&str) -> Does + Send + 'static) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), answer)
    }

    /// The same, there.
    pub(crate) fn start_at(at: SocketAddr, answer: impl Fn(&str) -> Does + Send + 'static) -> Self {
        let listener = TcpListener::bind(at).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = channel();
        thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&stream) else {
                    continue;
                };
                let does = answer(&request.body);
                let _ = tell.send(request);
                let head = match &does {
                    Does::Answers(status, body) => {
                        format!(
                            "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n",
                            body.len()
                        )
                    }
                    Does::Redirects(to) => {
                        format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n")
                    }
                    Does::IsSilent => {
                        held.push(stream);
                        continue;
                    }
                };
                let body = match does {
                    Does::Answers(_, body) => body,
                    _ => String::new(),
                };
                let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_lowercase()),
        }
    }
    let length = lines
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        line: lines.remove(0),
        headers: lines,
        body: String::from_utf8(body).unwrap(),
    })
}

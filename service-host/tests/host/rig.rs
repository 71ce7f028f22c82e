//! A service to test, and an HTTP client that shows every octet.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use juniper::{EmptySubscription, RootNode, graphql_object};
use service_host::http::{Endpoint, HttpServer, Limits};

/// Long enough for a loaded machine; no test waits for it in vain.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the resolvers of the test service see.
pub(crate) struct Service {
    name: Mutex<String>,
    slow_entered: Sender<()>,
    slow_may_leave: Receiver<()>,
}

impl juniper::Context for Service {}

/// The tests' ends of the resolver `slow`: a message when it is entered, and
/// one to let it leave.
pub(crate) struct Slow {
    pub(crate) entered: Receiver<()>,
    pub(crate) leave: Sender<()>,
}

struct Query;

#[graphql_object(context = Service)]
impl Query {
    fn name(context: &Service) -> String {
        context.name.lock().unwrap().clone()
    }

    fn echo(text: String) -> String {
        text
    }

    fn blob(bytes: i32) -> String {
        "x".repeat(usize::try_from(bytes).unwrap())
    }

    fn broken() -> bool {
        panic!("a resolver with a bug")
    }

    fn slow(context: &Service) -> bool {
        context.slow_entered.send(()).unwrap();
        context.slow_may_leave.recv().is_ok()
    }
}

struct Mutation;

#[graphql_object(context = Service)]
impl Mutation {
    fn rename(context: &Service, name: String) -> bool {
        *context.name.lock().unwrap() = name;
        true
    }
}

/// The test service on a free port.
pub(crate) fn start() -> HttpServer {
    start_with(Limits::default()).0
}

/// The same with these limits, and with a grip on its resolver `slow`.
pub(crate) fn start_with(limits: Limits) -> (HttpServer, Slow) {
    let (slow_entered, entered) = unbounded();
    let (leave, slow_may_leave) = unbounded();
    let service = Service {
        name: Mutex::new("flatsat".to_owned()),
        slow_entered,
        slow_may_leave,
    };
    let root = RootNode::new(Query, Mutation, EmptySubscription::<Service>::new());
    let endpoint = Endpoint::new(root, service).with_metrics(|| "up 1\n".to_owned());
    let server = HttpServer::start_with(free_port(), endpoint, limits).unwrap();
    (server, Slow { entered, leave })
}

pub(crate) fn free_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The message of an error document.
    pub(crate) fn refusal(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/json"));
        let message = &self.json()["errors"][0]["message"];
        message.as_str().unwrap().to_owned()
    }
}

/// A connection to the server, which can be kept open.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn connect(server: &HttpServer) -> Self {
        let stream = TcpStream::connect(server.local_addr()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.0.write_all(octets.as_ref()).unwrap();
    }

    /// Reads one answer, by its content length.
    pub(crate) fn receive(&mut self) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            self.0.read_exact(&mut octet).unwrap();
            head.push(octet[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
        };
        let length = answer.header("content-length").unwrap().parse().unwrap();
        answer.body.resize(length, 0);
        self.0.read_exact(&mut answer.body).unwrap();
        answer
    }

    pub(crate) fn ask(&mut self, octets: impl AsRef<[u8]>) -> Answer {
        self.send(octets);
        self.receive()
    }
}

pub(crate) fn post_octets(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// POSTs with exactly these further header lines, each ended by CR LF.
pub(crate) fn post(server: &HttpServer, path: &str, headers: &str, body: &str) -> Answer {
    Client::connect(server).ask(post_octets(path, headers, body))
}

pub(crate) fn get(server: &HttpServer, path: &str, headers: &str) -> Answer {
    Client::connect(server).ask(format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
    ))
}

//! How many files a second are handed over on loopback, with and without waiting for the disk,
//! and what a query costs by the size of what came up.
//!
//! `cargo run --release -p oort-agent --example sends -- [DIRECTORY] [SECONDS]`

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oort_agent::agent::{Agent, AgentSettings};
use oort_agent::api::{self, Api};
use oort_agent::clock::SystemClock;
use oort_agent::item::Uuid;
use oort_agent::store::{Floor, Store};
use oort_agent::telemetry::Unavailable;
use service_host::http::{Doors, HttpServer, Limits};

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Octets of each file.
const FILE_BYTES: usize = 1000;
const CONNECTIONS: [usize; 2] = [1, 8];
const QUERIES: u32 = 200;

fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = arguments.next().map_or(Ok(5), |seconds| seconds.parse())?;
    for sync in [true, false] {
        let creations = creations(&directory, sync)?;
        let how = if sync { " that are synced" } else { "" };
        println!("the disk alone: {creations:.0} new files{how} a second");
        for connections in CONNECTIONS {
            let sends = sends(&directory, sync, connections, Duration::from_secs(seconds))?;
            let sync = if sync {
                "waiting for the disk"
            } else {
                "without sync"
            };
            println!("{connections} connections, {sync}: {sends:.0} sends/s");
        }
    }
    for bytes in [1_000, 1_000_000, 100_000_000] {
        let (first, later) = query(&directory, bytes)?;
        println!("query of a file of {bytes} octets: first {first:?}, later {later:?}");
    }
    Ok(())
}

/// What the disk does of itself: new files of that length, one after the other.
fn creations(directory: &Path, sync: bool) -> Result<f64, Failed> {
    let root = directory.join(format!("oort-agent-creations-{}", Uuid::random()?));
    fs::create_dir(&root)?;
    let began = Instant::now();
    let mut count = 0_u32;
    while began.elapsed() < Duration::from_secs(1) {
        count += 1;
        let mut file = fs::File::create_new(root.join(count.to_string()))?;
        file.write_all(&[7; FILE_BYTES])?;
        if sync {
            file.sync_all()?;
        }
    }
    let rate = f64::from(count) / began.elapsed().as_secs_f64();
    fs::remove_dir_all(root)?;
    Ok(rate)
}

struct Site {
    root: PathBuf,
    server: HttpServer,
}

impl Site {
    fn start(directory: &Path, sync: bool) -> Result<Site, Failed> {
        let root = directory.join(format!("oort-agent-sends-{}", Uuid::random()?));
        fs::create_dir_all(root.join("payload"))?;
        let work = root.join("work");
        fs::create_dir(&work)?;
        let store = Store::open(&fs::canonicalize(&work)?)?;
        let store = if sync { store } else { store.without_sync() };
        let settings = AgentSettings {
            floor: Floor::Bytes(0),
            sync,
            ..AgentSettings::default()
        };
        let agent = Agent::open(store, settings, Box::new(SystemClock::default()))?;
        let routes = Api {
            agent: Arc::new(agent),
            telemetry: Arc::new(Unavailable),
            token: None,
            collector_token: None,
        }
        .routes();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let (doors, limits) = (Doors::default(), Limits::default());
        let server = HttpServer::start_routes(address, routes, &doors, limits, api::THREADS)?;
        Ok(Site { root, server })
    }

    fn end(self) -> Result<(), Failed> {
        self.server.stop();
        Ok(fs::remove_dir_all(self.root)?)
    }
}

/// Sends a second: each file is written before, by whoever sends it.
fn sends(directory: &Path, sync: bool, connections: usize, time: Duration) -> Result<f64, Failed> {
    let site = Site::start(directory, sync)?;
    let address = site.server.local_addr();
    let sent = AtomicU64::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        let all: Vec<_> = (0..connections)
            .map(|connection| {
                let (payload, sent) = (site.root.join("payload"), &sent);
                scope.spawn(move || -> Result<(), Failed> {
                    let mut client = Client::connect(address)?;
                    let mut number = 0_u64;
                    while began.elapsed() < time {
                        number += 1;
                        let path = payload.join(format!("{connection}-{number}"));
                        fs::write(&path, [7; FILE_BYTES])?;
                        let body = format!(
                            "{{\"destination\": \"ground\", \"filepath\": \"{}\", \"topic\": \"t\"}}",
                            path.display()
                        );
                        client.ask("POST", "/sdk/v1/send_file", &body)?;
                        sent.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        all.into_iter()
            .try_for_each(|one| one.join().map_err(|_| "a client panicked")?)
    })?;
    let rate = sent.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    site.end()?;
    Ok(rate)
}

/// How long the first query takes, and a later one.
fn query(directory: &Path, bytes: usize) -> Result<(Duration, Duration), Failed> {
    let site = Site::start(directory, false)?;
    let mut client = Client::connect(site.server.local_addr())?;
    let id = Uuid::random()?;
    let octets = vec![7; bytes];
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &octets);
    let uploads = site.root.join("work/uploads");
    fs::write(uploads.join(format!("{id}.data.oort")), octets)?;
    let meta = format!(
        "{{\"meta_version\": \"1.3\", \"topic\": \"t\", \"node\": \"g\", \"time\": 1, \"file_info\": \
         {{\"id\": \"{id}\", \"path\": \"/a\", \"size\": {bytes}, \"modified\": 1, \"created\": 1, \
         \"crc32\": \"{sum:08x}\"}}, \"send_options\": {{}}}}"
    );
    fs::write(uploads.join(format!("{id}.meta.oort")), meta)?;
    let mut ask = || -> Result<Duration, Failed> {
        let began = Instant::now();
        let answer = client.ask("GET", "/sdk/v1/query_available_files/t", "")?;
        let took = began.elapsed();
        match answer.contains(&id.to_string()) {
            true => Ok(took),
            false => Err(answer.into()),
        }
    };
    let first = ask()?;
    let mut later = Duration::ZERO;
    for _ in 0..QUERIES {
        later += ask()?;
    }
    site.end()?;
    Ok((first, later / QUERIES))
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Result<Client, Failed> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Client(BufReader::new(stream)))
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<String, Failed> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut head = String::new();
        let mut length = 0;
        loop {
            let from = head.len();
            self.0.read_line(&mut head)?;
            let line = head.get(from..).unwrap_or_default().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        let body = String::from_utf8(body)?;
        match head.starts_with("HTTP/1.1 200") {
            true => Ok(body),
            false => Err(format!("{head}{body}").into()),
        }
    }
}

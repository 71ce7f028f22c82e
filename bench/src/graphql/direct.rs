//! The least that stands beside it: a connection and a thread for each outstanding
//! request, and an ordinary HTTP client.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::{ANSWER, QUERY, Round, TIMEOUT};

const WARM_UP: usize = 50;
/// ureq's own buffers of 128 KiB cost it a fifth of its speed.
const BUFFER_BYTES: usize = 8192;

/// Asks the server at `port` for `time`, with so many outstanding.
///
/// # Errors
/// When a request fails, or is answered by something else.
pub(super) fn ask(port: u16, outstanding: usize, time: Duration) -> Result<Round> {
    let begin = Barrier::new(outstanding + 1);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..outstanding)
            .map(|_| scope.spawn(|| ask_in_turn(port, &begin, &is_over)))
            .collect();
        begin.wait();
        let began = Instant::now();
        thread::sleep(time);
        is_over.store(true, Ordering::Relaxed);
        let took = began.elapsed();
        let mut latencies = Vec::new();
        for thread in threads {
            let of_one = thread.join().map_err(|_| anyhow!("a thread panicked"))?;
            latencies.extend(of_one?);
        }
        Ok(Round::new(latencies, took))
    })
}

/// One request after the other.
fn ask_in_turn(port: u16, begin: &Barrier, is_over: &AtomicBool) -> Result<Vec<Duration>> {
    let agent = agent();
    let url = format!("http://{}/", SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let mut answer = Vec::new();
    // Whoever fails before the others begin does not keep them from it.
    let warm = (0..WARM_UP).try_for_each(|_| ask_once(&agent, &url, &mut answer));
    begin.wait();
    warm?;
    let mut latencies = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let began = Instant::now();
        ask_once(&agent, &url, &mut answer)?;
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}

fn ask_once(agent: &Agent, url: &str, answer: &mut Vec<u8>) -> Result<()> {
    let request = agent.post(url).header("Content-Type", "application/json");
    let response = request.send(QUERY)?;
    answer.clear();
    response.into_body().into_reader().read_to_end(answer)?;
    ensure!(answer == ANSWER, "the server answered something else");
    Ok(())
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("heliograph")
        .input_buffer_size(BUFFER_BYTES)
        .output_buffer_size(BUFFER_BYTES)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), ByNumbers)
}

/// There is nothing to look up. ureq's own resolver would start a thread for each request.
#[derive(Debug)]
struct ByNumbers;

impl Resolver for ByNumbers {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let authority = uri.authority().map(|authority| authority.as_str());
        let address = authority.and_then(|address| address.parse().ok());
        let mut resolved = self.empty();
        resolved.push(address.ok_or(Error::HostNotFound)?);
        Ok(resolved)
    }
}

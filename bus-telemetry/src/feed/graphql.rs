//! A thread that asks a service again and again.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use log::{info, warn};
use serde_json::json;
use ureq::{Agent, Error};

use super::answer::read;
use super::intake::{Counters, Intake};
use super::question::{Question, QuestionError};
use super::snapshot::{FeedError, SNAPSHOT_OCTETS_MAX};
use crate::state::BusState;
use crate::telemetry::{Telemetry, TelemetryError};

const BUFFER_OCTETS: usize = 8192;

/// Telemetry of a service that is asked by GraphQL over HTTP.
///
/// Its thread ends when it is dropped, after the answer that it may wait for.
#[derive(Debug)]
pub struct GraphQlFeed {
    intake: Arc<Intake>,
    stop: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

/// Why a service is not asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphQlFeedError {
    /// What is to be asked.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// There is no thread.
    #[error("no thread for the telemetry of the bus: {0}")]
    Thread(#[from] io::Error),
}

/// Why there is no answer, or none that is taken.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Http(#[from] Error),
    #[error("it answers with status {0}")]
    Status(u16),
    #[error("{0}")]
    Told(#[from] FeedError),
}

impl GraphQlFeed {
    /// Begins to ask, and gives nothing that is older than the question says. It does not wait
    /// for the service.
    ///
    /// # Errors
    /// [`GraphQlFeedError`].
    pub fn start(question: Question) -> Result<Self, GraphQlFeedError> {
        question.check()?;
        let intake = Arc::new(Intake::new(question.age_max));
        let (stop, stopped) = channel();
        let asking = Asking {
            agent: agent(question.timeout),
            body: json!({ "query": question.query }).to_string(),
            question,
            intake: Arc::clone(&intake),
            trouble: None,
        };
        let thread = thread::Builder::new().name("bus-telemetry".to_owned());
        let thread = thread.spawn(move || asking.run(&stopped))?;
        Ok(Self {
            intake,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What became of the answers so far.
    pub fn counters(&self) -> Counters {
        self.intake.counters()
    }
}

/// Ages are by a clock that does not jump, so that `now` is of no interest. They count from
/// when the service was asked.
impl Telemetry for GraphQlFeed {
    fn state(&self, _now: Duration) -> Result<BusState, TelemetryError> {
        self.intake.state()
    }
}

impl Drop for GraphQlFeed {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Asking {
    agent: Agent,
    /// Of each request.
    body: String,
    question: Question,
    intake: Arc<Intake>,
    /// What was said last of what is wrong, so that it is not said each time.
    trouble: Option<String>,
}

impl Asking {
    fn run(mut self, stopped: &Receiver<Infallible>) {
        loop {
            let asked = Instant::now();
            let trouble = match self.ask() {
                Ok(trouble) => trouble,
                Err(error) => Some(error.to_string()),
            };
            self.say(trouble);
            let pause = self.question.every.saturating_sub(asked.elapsed());
            if stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    /// Asks once. What is told may come with an error beside it.
    fn ask(&self) -> Result<Option<String>, Trouble> {
        let asked = self.intake.now();
        let body = match self.post() {
            Ok(body) => body,
            Err(Trouble::Told(error)) => {
                self.intake.take(Err(error), asked)?;
                return Ok(None);
            }
            Err(trouble) => {
                self.intake.failed();
                return Err(trouble);
            }
        };
        let (told, beside) = match read(&body) {
            Ok((snapshot, beside)) => (Ok(snapshot), beside),
            Err(error) => (Err(error), None),
        };
        self.intake.take(told, asked)?;
        Ok(beside)
    }

    fn post(&self) -> Result<Vec<u8>, Trouble> {
        let request = self.agent.post(&self.question.url);
        let request = request.header("Content-Type", "application/json");
        let request = request.header("Accept", "application/json");
        let mut response = request.send(&self.body)?;
        let status = response.status();
        if !status.is_success() {
            return Err(Trouble::Status(status.as_u16()));
        }
        // One octet more, by which an answer that is too long is known.
        let most = SNAPSHOT_OCTETS_MAX as u64 + 1;
        let body = response.body_mut().with_config().limit(most).read_to_vec();
        match body {
            Err(Error::BodyExceedsLimit(_)) => Err(FeedError::TooLong.into()),
            body => Ok(body?),
        }
    }

    fn say(&mut self, trouble: Option<String>) {
        let url = &self.question.url;
        match (&self.trouble, &trouble) {
            (before, Some(trouble)) if before.as_ref() != Some(trouble) => {
                warn!("bus telemetry from {url}: {trouble}");
            }
            (Some(_), None) => info!("bus telemetry from {url} comes again"),
            _ => {}
        }
        self.trouble = trouble;
    }
}

fn agent(timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("heliograph")
        .input_buffer_size(BUFFER_OCTETS)
        .output_buffer_size(BUFFER_OCTETS)
        .build();
    config.into()
}

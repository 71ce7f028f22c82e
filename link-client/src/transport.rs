//! Where the service is, and how it is asked.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Link;
use crate::error::LinkError;
use crate::http::{self, Answer, Question};

/// An answer comes so long after it was waited for on purpose, at most.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Between two tries to reach the service.
const TRY_PAUSE: Duration = Duration::from_millis(50);
/// There is no such request.
const NOT_FOUND: u16 = 404;

#[derive(Clone, Debug)]
pub(crate) enum Address {
    Unix(PathBuf),
    Tcp(String, String),
}

/// Asks the service.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    pub(crate) address: Address,
    pub(crate) patience: Duration,
}

impl Transport {
    /// Asks by GET. The service may take `wait` for it.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        wait: Duration,
    ) -> Result<T, LinkError> {
        understood(&self.ask("GET", path, None, wait)?)
    }

    /// The same; nothing where there is nothing.
    pub(crate) fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, LinkError> {
        match self.ask("GET", path, None, Duration::ZERO)? {
            Answer { status, .. } if status == NOT_FOUND => Ok(None),
            answer => understood(&answer).map(Some),
        }
    }

    /// Asks by POST. Whatever is asked so may be asked twice.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, LinkError> {
        let body = serde_json::to_vec(body);
        let body = body.map_err(|error| LinkError::NoAnswer(error.to_string()))?;
        understood(&self.ask("POST", path, Some(&body), Duration::ZERO)?)
    }

    /// Asks until there is an answer.
    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&[u8]>,
        wait: Duration,
    ) -> Result<Answer, LinkError> {
        let until = Instant::now() + self.patience;
        loop {
            match self.ask_once(method, path, body, wait) {
                Ok(answer) => return Ok(answer),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(LinkError::NoAnswer(error.to_string()));
                }
                Err(error) if Instant::now() >= until => {
                    let at = self.at();
                    return Err(LinkError::NoService { at, error });
                }
                Err(_) => std::thread::sleep(TRY_PAUSE),
            }
        }
    }

    fn ask_once(
        &self,
        method: &str,
        path: &str,
        body: Option<&[u8]>,
        wait: Duration,
    ) -> io::Result<Answer> {
        let time = Some(wait + ANSWER_TIME);
        let mut question = Question {
            method,
            path,
            token: None,
            body,
        };
        match &self.address {
            Address::Unix(socket) => {
                let mut stream = UnixStream::connect(socket)?;
                stream.set_read_timeout(time)?;
                stream.set_write_timeout(time)?;
                http::ask(&mut stream, &question)
            }
            Address::Tcp(address, token) => {
                let mut stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(time)?;
                stream.set_write_timeout(time)?;
                question.token = Some(token);
                http::ask(&mut stream, &question)
            }
        }
    }

    fn at(&self) -> String {
        match &self.address {
            Address::Unix(socket) => socket.display().to_string(),
            Address::Tcp(address, _) => address.clone(),
        }
    }
}

fn understood<T: DeserializeOwned>(answer: &Answer) -> Result<T, LinkError> {
    let no_answer = |error: serde_json::Error| {
        let status = answer.status;
        LinkError::NoAnswer(format!("status {status}: {error}"))
    };
    if (200..300).contains(&answer.status) {
        return serde_json::from_slice(&answer.body).map_err(no_answer);
    }
    let link: Link = serde_json::from_slice(&answer.body).map_err(no_answer)?;
    Err(LinkError::Refused {
        link: Box::new(link),
        retry_after: answer.retry_after,
    })
}

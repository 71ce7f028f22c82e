//! What a hub and its clients say to each other: JSON, one value a line, one
//! request a connection.
//!
//! ```text
//! client: {"query":{"port":8020,"payload":"eyJx…","timeout_ms":5000,"retries":0}}
//! hub:    {"accepted":{}}                 from here on the command is the hub's
//! hub:    {"answer":{"payload":"eyJk…"}}  or {"failed":{"message":"…"}}
//! ```
//! `send` ends with `{"sent":{}}`; so does `converse`, after `{"replied":{…}}` for
//! each reply; `resync` ends with `{"resynced":{}}`, `contact` with
//! `{"contact":{"heard_ms_ago":n}}`; `listen` gives `{"heard":{…}}` for each
//! datagram and `{"lost":{"messages":n}}` where the client was too slow, until
//! either side closes. A client that closes takes its command back. A hub that is about to leave says
//! `{"leaving":{"within_ms":n}}` instead of `accepted`, or just closes: a client
//! that has not seen `accepted` asks the next hub. Payloads are base64.
//!
//! Files are another matter: what is asked for is durable, and outlives client and hub.
//! ```text
//! client: {"get":{"key":"9f…","remote":"log.txt","local":"/home/a/log.txt",…}}
//! hub:    {"accepted":{}}
//! hub:    {"transfer":{"id":"2-17","state":"moving",…}}   again and again
//! hub:    {"transfer":{"id":"2-17","state":"arrived",…}}  or "failed", the last
//! ```
//! A request with the same `key` is the same request: a client whose hub closes before the
//! end asks the next one, with the key. A client that closes takes nothing back. `files`
//! gives a `transfer` for each, then `{"listed":{}}`; `names` a `name` for each, then the same; `ends` gives `{"ends":{"last":n}}` and
//! then a `transfer` for each that has ended since; `change` ends with `{"changed":{}}`.

use std::io::{self, BufRead, Read as _, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::transfer::Transfer;
use crate::patience::Patience;

/// Most replies that a client may ask for: so many may wait for it.
pub(crate) const REPLIES_MAX: u32 = 1024;

/// Octets of a line beside the payload.
/// A path, escaped, is the longest of it.
const LINE_OVERHEAD_BYTES: usize = 64 * 1024;

/// Octets of the longest line on a link whose messages have at most
/// `message_bytes_max` octets.
pub(crate) fn line_bytes_max(message_bytes_max: usize) -> usize {
    // A datagram from the satellite is a message too.
    message_bytes_max.div_ceil(3).saturating_mul(4) + LINE_OVERHEAD_BYTES
}

/// The one request of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Request {
    /// A command that is answered.
    Query(CommandRequest),
    /// A message that is not.
    Send(CommandRequest),
    /// A message whose service may answer many times.
    Converse {
        command: CommandRequest,
        replies_max: u32,
    },
    /// Everything that comes down unasked.
    Listen {},
    /// New keys, within that time.
    Resync { timeout_ms: u64 },
    /// Whether the satellite was heard.
    Contact {},
    /// A file up.
    Put(PutFile),
    /// A file down.
    Get(GetFile),
    /// How files stand, once or again and again; with `all` those that have ended, too.
    Files { all: bool, watch: bool },
    /// The names of the satellite's files in a directory, or in its root.
    Names { directory: Option<String> },
    /// Files that end after the end of this number, or from now on.
    Ends { after: Option<u64> },
    /// Something else is to become of a transaction.
    Change { id: String, change: Change },
}

/// A file that is to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutFile {
    /// Hexadecimal; drawn at random by who asks.
    pub(crate) key: String,
    /// Absolute.
    pub(crate) local: PathBuf,
    /// A name at the satellite, or `app:ID[/DIR]`.
    pub(crate) remote: String,
    /// Whether it takes the place of a file that the app has.
    pub(crate) overwrite: bool,
    pub(crate) acknowledged: bool,
    pub(crate) priority: u8,
}

/// A file that the satellite is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetFile {
    /// As that of [`PutFile`].
    pub(crate) key: String,
    pub(crate) remote: String,
    /// Absolute.
    pub(crate) local: PathBuf,
    /// Whether it may replace a file.
    pub(crate) force: bool,
    pub(crate) acknowledged: bool,
    pub(crate) priority: u8,
}

/// What may become of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    Cancel,
    Suspend,
    Resume,
}

/// A command for a service on the satellite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandRequest {
    pub(crate) port: u16,
    #[serde(with = "base64_text")]
    pub(crate) payload: Vec<u8>,
    pub(crate) timeout_ms: u64,
    pub(crate) retries: u32,
}

impl CommandRequest {
    pub(crate) fn new(port: u16, payload: &[u8], patience: Patience) -> Self {
        let patience = patience.limited();
        CommandRequest {
            port,
            payload: payload.to_vec(),
            timeout_ms: u64::try_from(patience.timeout.as_millis()).unwrap_or(u64::MAX),
            retries: patience.retries,
        }
    }

    pub(crate) fn patience(&self) -> Patience {
        let patience = Patience {
            timeout: Duration::from_millis(self.timeout_ms),
            retries: self.retries,
        };
        patience.limited()
    }
}

/// What a hub says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Reply {
    /// The request is the hub's now, and is never to be made again.
    Accepted {},
    /// The request was not taken: the hub leaves within that time.
    Leaving {
        within_ms: u64,
    },
    Answer {
        #[serde(with = "base64_text")]
        payload: Vec<u8>,
    },
    Replied {
        #[serde(with = "base64_text")]
        payload: Vec<u8>,
    },
    Sent {},
    Resynced {},
    Contact {
        heard_ms_ago: Option<u64>,
    },
    Failed {
        message: String,
    },
    Heard(Heard),
    Lost {
        messages: u64,
    },
    Transfer(Box<Transfer>),
    Name {
        name: String,
    },
    Listed {},
    Ends {
        last: u64,
    },
    Changed {},
}

/// A message that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// The downlink port by which it entered the satellite.
    pub port: u16,
    /// 0 for the datagram of an app.
    pub command_id: u64,
    /// The octets of the app, unchanged.
    #[serde(with = "base64_text")]
    pub payload: Vec<u8>,
}

/// Writes `value` as one line.
pub(crate) fn write_line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// Reads one line; none when the other side closed before its end.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for a line that is too long or not a `T`.
pub(crate) fn read_line<T: DeserializeOwned>(
    from: &mut impl BufRead,
    bytes_max: usize,
) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    from.by_ref().take(limit).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        return Ok(Some(serde_json::from_slice(&line)?));
    }
    if line.len() < bytes_max {
        return Ok(None);
    }
    let problem = format!("a line is longer than {bytes_max} octets");
    Err(io::Error::new(io::ErrorKind::InvalidData, problem))
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_replies_look_as_described() {
        let request = Request::Query(CommandRequest::new(8020, b"{}", Patience::default()));
        let mut line = Vec::new();
        write_line(&mut line, &request).unwrap();
        let text = r#"{"query":{"port":8020,"payload":"e30=","timeout_ms":5000,"retries":0}}"#;
        assert_eq!(line, format!("{text}\n").as_bytes());
        assert_eq!(read_line(&mut line.as_slice(), 100).unwrap(), Some(request));

        let reply: Reply = serde_json::from_str(r#"{"accepted":{}}"#).unwrap();
        assert_eq!(reply, Reply::Accepted {});
        let unknown = serde_json::from_str::<Request>(r#"{"listen":{"port":1}}"#);
        assert!(unknown.is_err());
    }

    #[test]
    fn the_largest_message_fits_into_a_line_and_no_more_is_read() {
        let heard = Heard {
            port: u16::MAX,
            command_id: u64::MAX,
            payload: vec![0xFF; 1000],
        };
        let mut line = Vec::new();
        write_line(&mut line, &Reply::Heard(heard)).unwrap();
        let bytes_max = line_bytes_max(1000);
        assert!(read_line::<Reply>(&mut line.as_slice(), bytes_max).is_ok());

        let endless = vec![b' '; bytes_max + 1];
        let error = read_line::<Reply>(&mut endless.as_slice(), bytes_max).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_line_that_is_cut_off_is_no_line() {
        let cut = br#"{"accepted":{}}"#;
        assert_eq!(read_line::<Reply>(&mut cut.as_slice(), 100).unwrap(), None);
    }
}

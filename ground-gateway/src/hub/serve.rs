//! One connection of a client: its request, and what the hub says to it.

use std::io::{self, BufReader, Read as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use comms_service::link::{Command, CommandFailure, TIMEOUT_MAX};
use comms_service::message::PayloadType;
use crossbeam_channel::RecvTimeoutError;

use super::files::{self, Files};
use super::protocol::{self, CommandRequest, REPLIES_MAX, Reply, Request};
use super::shared::{Outcome, Refused, Shared};
use crate::patience::TRANSMIT_WAIT_MAX;

/// How long a client may take for its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to read a reply.
pub(super) const REPLY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a listener to whom nothing is said is checked to be there.
const LISTENER_CHECK: Duration = Duration::from_millis(500);
/// How often a client that waits for the outcome of its command is.
const ASKER_CHECK: Duration = Duration::from_millis(50);
/// How long such a check may take.
pub(super) const CHECK_TIMEOUT: Duration = Duration::from_millis(1);

/// Answers the one request of `client`. An error is the client's loss: it went
/// away or is no client at all.
pub(super) fn serve(shared: &Shared, client: u64, mut stream: UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
    stream.set_write_timeout(Some(REPLY_TIMEOUT))?;
    let bytes_max = protocol::line_bytes_max(shared.config.message_bytes_max());
    let request = protocol::read_line(&mut BufReader::new(&stream), bytes_max);
    match request {
        Ok(None) => Ok(()),
        Ok(Some(Request::Query(command))) => {
            answer_command(shared, &mut stream, command, PayloadType::GraphQl, 0)
        }
        Ok(Some(Request::Send(command))) => {
            answer_command(shared, &mut stream, command, PayloadType::Udp, 0)
        }
        Ok(Some(Request::Converse {
            command,
            replies_max,
        })) => {
            let replies_max = replies_max.clamp(1, REPLIES_MAX);
            answer_command(shared, &mut stream, command, PayloadType::Udp, replies_max)
        }
        Ok(Some(Request::Listen {})) => listen(shared, client, stream),
        Ok(Some(Request::Resync { timeout_ms })) => {
            resync(shared, stream, Duration::from_millis(timeout_ms))
        }
        Ok(Some(Request::Contact {})) => tell_contact(shared, &mut stream),
        Ok(Some(request)) => serve_files(shared, &mut stream, request),
        Err(error) => {
            let message = format!("the request is not understood: {error}");
            protocol::write_line(&mut stream, &Reply::Failed { message })
        }
    }
}

/// Requests that concern files.
fn serve_files(shared: &Shared, stream: &mut UnixStream, request: Request) -> io::Result<()> {
    let Some(of_link) = shared.files() else {
        let message = match shared.is_closing() {
            // The next hub is asked.
            true => return Ok(()),
            false => format!("link `{}` has no files", shared.config.name),
        };
        return protocol::write_line(stream, &Reply::Failed { message });
    };
    let of_link: &Files = &of_link;
    match request {
        Request::Put(put) => files::put(of_link, stream, &put),
        Request::Get(get) => files::get(of_link, stream, &get),
        Request::Files { all, watch } => files::list(of_link, stream, all, watch),
        Request::Names { directory } => files::names(of_link, stream, directory.as_deref()),
        Request::Ends { after } => files::tell_ends(of_link, stream, after),
        Request::Change { id, change } => files::change(of_link, stream, &id, change),
        _ => Ok(()),
    }
}

/// Says why a client is not taken.
pub(super) fn refuse(stream: &mut UnixStream, refused: Refused) -> io::Result<()> {
    stream.set_write_timeout(Some(REPLY_TIMEOUT))?;
    let reply = match refused {
        Refused::Leaving(within) => Reply::Leaving {
            within_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
        },
        Refused::Because(message) => Reply::Failed { message },
    };
    protocol::write_line(stream, &reply)
}

fn answer_command(
    shared: &Shared,
    stream: &mut UnixStream,
    request: CommandRequest,
    payload_type: PayloadType,
    replies_max: u32,
) -> io::Result<()> {
    let patience = request.patience();
    let deadline = Instant::now() + patience.longest();
    let (command_id, outcomes) = match shared.admit(deadline, replies_max) {
        Ok(admitted) => admitted,
        Err(refused) => return refuse(stream, refused),
    };
    let _taken_back = TakenBack { shared, command_id };
    // Before the command goes out: a client that does not hear of it, because
    // it is gone or we are about to be, may ask again without its command
    // running twice.
    protocol::write_line(stream, &Reply::Accepted {})?;
    let port = request.port;
    let command = Command {
        command_id,
        payload_type,
        port,
        payload: request.payload,
        timeout: patience.timeout,
        retries: patience.retries,
    };
    match replies_max {
        0 => shared.send(command),
        replies_max => shared.converse(command, replies_max),
    }
    stream.set_read_timeout(Some(CHECK_TIMEOUT))?;
    let outcome = loop {
        match outcomes.recv_deadline(deadline.min(Instant::now() + ASKER_CHECK)) {
            Ok(Outcome::Replied(payload)) => {
                let payload = payload.to_vec();
                protocol::write_line(stream, &Reply::Replied { payload })?;
            }
            Ok(outcome) => break Some(outcome),
            Err(_) if Instant::now() >= deadline => break None,
            Err(_) if is_open(stream)? => {}
            // Nobody waits for it any more.
            Err(_) => return Ok(()),
        }
    };
    let reply = match outcome {
        // Replies do not get here: the loop passes them on.
        Some(Outcome::Answered(payload) | Outcome::Replied(payload)) => Reply::Answer {
            payload: payload.to_vec(),
        },
        Some(Outcome::Sent) => Reply::Sent {},
        Some(Outcome::Failed(failure)) => Reply::Failed {
            message: failure_text(shared, port, &failure),
        },
        None => Reply::Failed {
            message: format!(
                "the radio of link `{}` has not taken the message for port {port} within {} s",
                shared.config.name,
                TRANSMIT_WAIT_MAX.as_secs()
            ),
        },
    };
    protocol::write_line(stream, &reply)
}

/// A command that is taken back when this is dropped, if it is not done by then.
struct TakenBack<'a> {
    shared: &'a Shared,
    command_id: u64,
}

impl Drop for TakenBack<'_> {
    fn drop(&mut self) {
        self.shared.take_back(self.command_id);
    }
}

fn failure_text(shared: &Shared, port: u16, failure: &CommandFailure) -> String {
    let (link, satellite) = (&shared.config.name, &shared.config.satellite);
    match failure {
        CommandFailure::TimedOut { tries, timeout } => {
            let timeout_ms = timeout.as_millis();
            let tries = match tries {
                1 => String::new(),
                tries => format!(" after each of {tries} tries"),
            };
            format!(
                "no answer from port {port} within {timeout_ms} ms{tries} on link `{link}` to \
                 `{satellite}`: is the satellite there, and does it run a communications service?"
            )
        }
        CommandFailure::NotCarried(reason) => {
            format!("link `{link}` cannot carry the message for port {port}: {reason}")
        }
        CommandFailure::Dropped(reason) => {
            let cause = shared.last_error().unwrap_or_default();
            let reason = reason.as_str();
            format!("link `{link}` did not send the message for port {port} ({reason}): {cause}")
        }
        failure => format!("link `{link}` did not send the message for port {port}: {failure}"),
    }
}

fn listen(shared: &Shared, client: u64, mut stream: UnixStream) -> io::Result<()> {
    let queue = shared.add_listener(client);
    protocol::write_line(&mut stream, &Reply::Accepted {})?;
    // A listener may be suspended for as long as it likes: it loses messages.
    // The hub unblocks this write by shutting the connection down.
    stream.set_write_timeout(None)?;
    stream.set_read_timeout(Some(CHECK_TIMEOUT))?;
    loop {
        let next = queue.next(LISTENER_CHECK);
        let messages = queue.take_lost();
        if messages > 0 {
            protocol::write_line(&mut stream, &Reply::Lost { messages })?;
        }
        match next {
            Ok(heard) => {
                let reply = Reply::Heard((*heard).clone());
                protocol::write_line(&mut stream, &reply)?;
            }
            Err(RecvTimeoutError::Timeout) if is_open(&mut stream)? => {}
            Err(_) => return Ok(()),
        }
    }
}

fn tell_contact(shared: &Shared, stream: &mut UnixStream) -> io::Result<()> {
    protocol::write_line(stream, &Reply::Accepted {})?;
    let ago = shared.heard_ago();
    let heard_ms_ago = ago.map(|ago| u64::try_from(ago.as_millis()).unwrap_or(u64::MAX));
    protocol::write_line(stream, &Reply::Contact { heard_ms_ago })
}

/// Waits for new keys, which the engine asks for when the satellite offers them.
fn resync(shared: &Shared, mut stream: UnixStream, timeout: Duration) -> io::Result<()> {
    let (link, satellite) = (&shared.config.name, &shared.config.satellite);
    let deadline = Instant::now() + timeout.min(TIMEOUT_MAX);
    if !shared.want_resync() {
        let message = format!("link `{link}` has no security: there are no keys to renew");
        return protocol::write_line(&mut stream, &Reply::Failed { message });
    }
    protocol::write_line(&mut stream, &Reply::Accepted {})?;
    // Its time-out is the pause between two looks.
    stream.set_read_timeout(Some(ASKER_CHECK))?;
    while shared.wants_resync() {
        if Instant::now() >= deadline {
            let message = format!(
                "no new keys on link `{link}` within {} s: `{satellite}` offers them only after it \
                 lost its state, or when it has not heard this station for a day, and only to who \
                 has its key",
                timeout.as_secs()
            );
            return protocol::write_line(&mut stream, &Reply::Failed { message });
        }
        if !is_open(&mut stream)? {
            return Ok(());
        }
    }
    protocol::write_line(&mut stream, &Reply::Resynced {})
}

/// Whether the client, which has nothing more to say, still holds its end.
pub(super) fn is_open(stream: &mut UnixStream) -> io::Result<bool> {
    match stream.read(&mut [0; 1]) {
        Ok(octets) => Ok(octets > 0),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {
                Ok(true)
            }
            _ => Err(error),
        },
    }
}

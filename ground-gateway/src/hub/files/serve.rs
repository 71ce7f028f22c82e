//! What clients are told of files.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Files;
use super::requests::check_path;
use crate::files::transfer::{Direction, State, Transfer};
use crate::hub::protocol::{self, Change, GetFile, PutFile, Reply};
use crate::hub::serve::{CHECK_TIMEOUT, is_open};

/// Between two words about a file of which nothing is new.
const REPEAT: Duration = Duration::from_secs(1);
/// Between two looks whether the client is there.
const CLIENT_CHECK: Duration = Duration::from_millis(200);
/// Between two lists for who watches.
const LIST_PAUSE: Duration = Duration::from_millis(500);
/// Octets of the longest path.
const PATH_BYTES_MAX: usize = 4096;

/// Sends a file, and tells how it goes.
pub(in crate::hub) fn put(
    files: &Files,
    stream: &mut UnixStream,
    request: &PutFile,
) -> io::Result<()> {
    if let Err(message) = check(&request.local) {
        return refuse(stream, message);
    }
    protocol::write_line(stream, &Reply::Accepted {})?;
    stream.set_read_timeout(Some(CHECK_TIMEOUT))?;
    let mut told = Instant::now();
    let begun = files.put(request, |octets| {
        let tells = told.elapsed() >= REPEAT;
        if tells {
            told = Instant::now();
            let transfer = copying(request, octets);
            let _ = protocol::write_line(stream, &Reply::Transfer(Box::new(transfer)));
        }
        // Nobody waits for what is not begun.
        is_open(stream).unwrap_or(false) && !files.is_stopping()
    });
    match begun {
        Ok(()) => follow(files, stream, &request.key),
        // The next hub is asked for it.
        Err(_) if files.is_stopping() => Ok(()),
        Err(message) => refuse(stream, message),
    }
}

/// Asks for a file, and tells how it goes.
pub(in crate::hub) fn get(
    files: &Files,
    stream: &mut UnixStream,
    request: &GetFile,
) -> io::Result<()> {
    if let Err(message) = check(&request.local) {
        return refuse(stream, message);
    }
    protocol::write_line(stream, &Reply::Accepted {})?;
    stream.set_read_timeout(Some(CHECK_TIMEOUT))?;
    match files.get(request) {
        Ok(key) => follow(files, stream, &key),
        Err(_) if files.is_stopping() => Ok(()),
        Err(message) => refuse(stream, message),
    }
}

/// Tells how an order stands until it has ended, the client is gone, or the hub leaves.
fn follow(files: &Files, stream: &mut UnixStream, key: &str) -> io::Result<()> {
    let mut told: Option<(Instant, Transfer)> = None;
    loop {
        let Some(transfer) = files.transfer(key) else {
            return refuse(stream, "the order is not known any more".to_owned());
        };
        let is_over = transfer.is_over();
        let is_new = match &told {
            None => true,
            Some((at, before)) => at.elapsed() >= REPEAT || *before != transfer,
        };
        if is_new {
            protocol::write_line(stream, &Reply::Transfer(Box::new(transfer.clone())))?;
            told = Some((Instant::now(), transfer));
        }
        if is_over {
            return Ok(());
        }
        if !goes_on(files, stream, CLIENT_CHECK)? {
            return Ok(());
        }
    }
}

/// Tells how everything stands, once, or as long as the client watches.
pub(in crate::hub) fn list(
    files: &Files,
    stream: &mut UnixStream,
    all: bool,
    watch: bool,
) -> io::Result<()> {
    protocol::write_line(stream, &Reply::Accepted {})?;
    stream.set_read_timeout(Some(CHECK_TIMEOUT))?;
    files.look();
    loop {
        for transfer in files.transfers(all) {
            protocol::write_line(stream, &Reply::Transfer(Box::new(transfer)))?;
        }
        protocol::write_line(stream, &Reply::Listed {})?;
        let next = Instant::now() + LIST_PAUSE;
        while watch && Instant::now() < next {
            if !goes_on(files, stream, CLIENT_CHECK)? {
                return Ok(());
            }
        }
        if !watch {
            return Ok(());
        }
    }
}

/// Tells of each file that ended after the end of that number, or from now on.
pub(in crate::hub) fn tell_ends(
    files: &Files,
    stream: &mut UnixStream,
    after: Option<u64>,
) -> io::Result<()> {
    let mut last = after.unwrap_or_else(|| files.ends());
    protocol::write_line(stream, &Reply::Accepted {})?;
    protocol::write_line(stream, &Reply::Ends { last })?;
    stream.set_read_timeout(Some(CHECK_TIMEOUT))?;
    loop {
        for transfer in files.ends_after(last) {
            last = transfer.end.unwrap_or(last);
            protocol::write_line(stream, &Reply::Transfer(Box::new(transfer)))?;
        }
        if !goes_on(files, stream, CLIENT_CHECK)? {
            return Ok(());
        }
    }
}

/// Tells the names of the satellite's files in a directory, or in the root.
pub(in crate::hub) fn names(
    files: &Files,
    stream: &mut UnixStream,
    directory: Option<&str>,
) -> io::Result<()> {
    protocol::write_line(stream, &Reply::Accepted {})?;
    stream.set_read_timeout(Some(CHECK_TIMEOUT))?;
    let id = match files.begin_listing(directory) {
        Ok(id) => id,
        Err(_) if files.is_stopping() => return Ok(()),
        Err(message) => return refuse(stream, message),
    };
    let listed = loop {
        match files.listed(id) {
            Some(listed) => break Some(listed),
            None if !matches!(goes_on(files, stream, CLIENT_CHECK), Ok(true)) => break None,
            None => {}
        }
    };
    files.end_listing(id);
    match listed {
        None => Ok(()),
        Some(Err(message)) => refuse(stream, message),
        Some(Ok(names)) => {
            for name in names {
                protocol::write_line(stream, &Reply::Name { name })?;
            }
            protocol::write_line(stream, &Reply::Listed {})
        }
    }
}

/// Cancels, suspends or resumes.
pub(in crate::hub) fn change(
    files: &Files,
    stream: &mut UnixStream,
    id: &str,
    change: Change,
) -> io::Result<()> {
    protocol::write_line(stream, &Reply::Accepted {})?;
    match files.change(id, change) {
        Ok(()) => protocol::write_line(stream, &Reply::Changed {}),
        Err(message) => refuse(stream, message),
    }
}

/// Waits for news; false when there is nobody to tell, or nothing more to come from here.
fn goes_on(files: &Files, stream: &mut UnixStream, pause: Duration) -> io::Result<bool> {
    files.wait(pause);
    if files.is_dead() {
        let message = "the file entity has stopped: see the log of who holds the link";
        refuse(stream, message.to_owned())?;
        return Ok(false);
    }
    Ok(!files.is_stopping() && is_open(stream)?)
}

fn refuse(stream: &mut UnixStream, message: String) -> io::Result<()> {
    protocol::write_line(stream, &Reply::Failed { message })
}

fn check(path: &Path) -> Result<(), String> {
    check_path(path)?;
    match path.as_os_str().len() <= PATH_BYTES_MAX {
        true => Ok(()),
        false => Err(format!("a path has at most {PATH_BYTES_MAX} octets")),
    }
}

fn copying(request: &PutFile, octets: u64) -> Transfer {
    Transfer {
        id: String::new(),
        direction: Direction::Up,
        remote: request.remote.clone(),
        local: request.local.to_string_lossy().into_owned(),
        state: State::Copying,
        octets,
        size: None,
        holes: 0,
        octets_to_repeat: 0,
        octets_per_s: None,
        octets_per_pass: None,
        passes_left: None,
        end: None,
        failure: None,
    }
}

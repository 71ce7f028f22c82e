//! A payload's HTTP server, as light as one can be, so that it hides nobody: a thread for
//! each connection, and always the same answer.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};

use super::ANSWER;
use crate::child;

const REQUEST_BYTES_MAX: usize = 16 * 1024;
const LENGTH: &str = "content-length:";

/// Runs it until who started it has gone. The ready line names its port.
///
/// # Errors
/// When there is no socket, or nobody to be told.
pub(crate) fn run() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    child::ready(&[listener.local_addr()?.port()])?;
    child::end_when_alone();
    let answer = answer();
    for stream in listener.incoming() {
        let (mut stream, answer) = (stream?, answer.clone());
        stream.set_nodelay(true)?;
        // A client that goes, or says something else, costs itself its connection.
        thread::spawn(move || serve(&mut stream, &answer));
    }
    Ok(())
}

fn answer() -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        ANSWER.len()
    );
    [head.as_bytes(), ANSWER].concat()
}

fn serve(stream: &mut TcpStream, answer: &[u8]) -> Result<()> {
    let mut buffer = vec![0; REQUEST_BYTES_MAX];
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        let bytes = stream.read(room)?;
        if bytes == 0 {
            return Ok(());
        }
        filled += bytes;
        if is_whole(buffer.get(..filled).unwrap_or_default())? {
            filled = 0;
            stream.write_all(answer)?;
        }
    }
}

/// Whether a request has come to its end; nobody sends a second before the answer.
fn is_whole(request: &[u8]) -> Result<bool> {
    let end = request.windows(4).position(|octets| octets == b"\r\n\r\n");
    let Some((head, body)) = end.and_then(|end| request.split_at_checked(end + 4)) else {
        return Ok(false);
    };
    let head = std::str::from_utf8(head)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_at_checked(LENGTH.len())?;
        name.eq_ignore_ascii_case(LENGTH).then_some(value.trim())
    });
    let length: usize = length.context("no Content-Length")?.parse()?;
    Ok(body.len() >= length)
}

//! Reading a request, of which the service forgives nothing.

use std::io::{self, BufRead, Read, Write};

const HEAD_BYTES_MAX: u64 = 64 * 1024;
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A request as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its place among the service's requests, from 0.
    pub number: usize,
    /// The place of its connection among the service's connections, from 0.
    pub connection: usize,
    /// Such as `POST`.
    pub method: String,
    /// The target of the request line, such as `/graphql`.
    pub path: String,
    /// Names and values in their order, names as they were written.
    pub headers: Vec<(String, String)>,
    /// The body, without chunked coding.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the client asked for the connection to end with this exchange.
    pub(super) fn asks_to_close(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Reads one request; `None` when the client closed the connection before its
/// first octet. What the client asks to hear before its body goes to `writer`.
pub(super) fn read(
    reader: &mut impl BufRead,
    writer: &mut impl Write,
    connection: usize,
) -> io::Result<Option<Request>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut head = reader.take(HEAD_BYTES_MAX);
    let (method, path) = request_line(&line(&mut head)?)?;
    let mut request = Request {
        number: 0,
        connection,
        method,
        path,
        headers: headers(&mut head)?,
        body: Vec::new(),
    };
    if request.header("expect").is_some() {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    request.body = body(reader, &request)?;
    Ok(Some(request))
}

fn request_line(line: &str) -> io::Result<(String, String)> {
    let mut parts = line.split(' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(path), Some("HTTP/1.1"), None) => Ok((method.into(), path.into())),
        _ => Err(malformed(format!("no request line: {line:?}"))),
    }
}

fn headers(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| malformed(format!("no header: {line:?}")))?;
        headers.push((name.into(), value.trim().into()));
    }
}

fn body(reader: &mut impl BufRead, request: &Request) -> io::Result<Vec<u8>> {
    if let Some(coding) = request.header("transfer-encoding") {
        return match coding {
            "chunked" => chunks(reader),
            other => Err(malformed(format!("transfer coding {other:?}"))),
        };
    }
    let Some(length) = request.header("content-length") else {
        return Ok(Vec::new());
    };
    let length = length
        .parse()
        .map_err(|_| malformed(format!("content length {length:?}")))?;
    let mut body = Vec::new();
    exactly(reader, length, &mut body)?;
    Ok(body)
}

fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(&mut reader.take(HEAD_BYTES_MAX))?;
        let length = u64::from_str_radix(&size, 16)
            .map_err(|_| malformed(format!("chunk size {size:?}")))?;
        exactly(reader, length, &mut body)?;
        let end = line(&mut reader.take(HEAD_BYTES_MAX))?;
        if !end.is_empty() {
            return Err(malformed(format!("{end:?} after a chunk")));
        }
        if length == 0 {
            return Ok(body);
        }
    }
}

fn exactly(reader: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if body.len() as u64 + length > BODY_BYTES_MAX {
        return Err(malformed(format!("a body over {BODY_BYTES_MAX} octets")));
    }
    let read = reader.take(length).read_to_end(body)? as u64;
    if read < length {
        return Err(malformed(format!("{read} of {length} octets of body")));
    }
    Ok(())
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(malformed(format!("no whole line: {line:?}"))),
    }
}

fn malformed(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

//! One question and its answer in HTTP/1.1.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::time::Duration;

/// Most octets of an answer's head.
const HEAD_BYTES_MAX: u64 = 64 << 10;
/// Most header lines of an answer.
const HEADERS_MAX: usize = 64;
/// Most octets of an answer.
const BODY_BYTES_MAX: u64 = 16 << 20;

/// What is asked.
pub(crate) struct Question<'q> {
    pub(crate) method: &'q str,
    pub(crate) path: &'q str,
    pub(crate) token: Option<&'q str>,
    pub(crate) body: Option<&'q [u8]>,
}

/// What was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// Asks on a connection of its own.
pub(crate) fn ask(stream: &mut (impl Read + Write), question: &Question<'_>) -> io::Result<Answer> {
    let Question {
        method,
        path,
        token,
        body,
    } = question;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    if let Some(token) = token {
        head += &format!("Authorization: Bearer {token}\r\n");
    }
    if let Some(body) = body {
        let bytes = body.len();
        head += &format!("Content-Type: application/json\r\nContent-Length: {bytes}\r\n");
    }
    let mut octets = (head + "\r\n").into_bytes();
    octets.extend_from_slice(body.unwrap_or_default());
    stream.write_all(&octets)?;
    stream.flush()?;
    read(BufReader::new(stream))
}

fn read(mut stream: impl BufRead) -> io::Result<Answer> {
    let mut head = Vec::new();
    let mut limited = stream.by_ref().take(HEAD_BYTES_MAX);
    while !head.ends_with(b"\r\n\r\n") {
        if limited.read_until(b'\n', &mut head)? == 0 {
            return Err(match head.is_empty() {
                true => ErrorKind::UnexpectedEof.into(),
                false => no_answer("its head does not end"),
            });
        }
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut headers);
    let is_whole = parsed.parse(&head).map_err(no_answer)?.is_complete();
    let Some(status) = parsed.code.filter(|_| is_whole) else {
        return Err(no_answer("its head is none"));
    };
    let header = |name: &str| {
        let mut headers = parsed.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok().map(str::trim)
    };
    let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok());
    let is_chunked = header("transfer-encoding").is_some_and(|how| how == "chunked");
    let body = match header("content-length") {
        _ if is_chunked => read_chunks(stream)?,
        Some(bytes) => read_bytes(&mut stream, bytes.parse().map_err(no_answer)?)?,
        None => {
            let mut body = Vec::new();
            stream.take(BODY_BYTES_MAX).read_to_end(&mut body)?;
            body
        }
    };
    Ok(Answer {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        body,
    })
}

fn read_chunks(mut stream: impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.by_ref().take(HEAD_BYTES_MAX).read_line(&mut line)?;
        let bytes = line.trim_end().split(';').next().unwrap_or_default();
        let bytes = u64::from_str_radix(bytes, 16).map_err(no_answer)?;
        if bytes == 0 {
            return Ok(body);
        }
        if body.len() as u64 + bytes > BODY_BYTES_MAX {
            return Err(no_answer("it is too long"));
        }
        body.append(&mut read_bytes(&mut stream, bytes)?);
        read_bytes(&mut stream, 2)?;
    }
}

fn read_bytes(stream: &mut impl BufRead, bytes: u64) -> io::Result<Vec<u8>> {
    if bytes > BODY_BYTES_MAX {
        return Err(no_answer("it is too long"));
    }
    let mut body = Vec::new();
    match stream.take(bytes).read_to_end(&mut body)? as u64 == bytes {
        true => Ok(body),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn no_answer(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(octets: &str) -> io::Result<Answer> {
        read(octets.as_bytes())
    }

    #[test]
    fn an_answer_is_read_whichever_way_its_length_is_told() {
        for octets in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and more",
            "HTTP/1.1 200 OK\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1;x\r\n}\r\n0\r\n\r\n",
        ] {
            let answer = answer(octets).unwrap();
            assert_eq!(
                (answer.status, &*answer.body),
                (200, &b"{}"[..]),
                "{octets}"
            );
        }
    }

    #[test]
    fn what_is_cut_off_or_no_http_is_an_error() {
        for (octets, kind) in [
            ("", ErrorKind::UnexpectedEof),
            ("HTTP/1.1 200 OK\r\nConte", ErrorKind::InvalidData),
            ("SSH-2.0\r\n\r\n", ErrorKind::InvalidData),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
                ErrorKind::UnexpectedEof,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}",
                ErrorKind::InvalidData,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                ErrorKind::InvalidData,
            ),
        ] {
            assert_eq!(answer(octets).unwrap_err().kind(), kind, "{octets}");
        }
    }

    #[test]
    fn when_to_come_again_is_understood() {
        let octets = "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
        let answer = answer(octets).unwrap();
        assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
    }
}

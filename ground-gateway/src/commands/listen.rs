//! `ground listen`: what comes down unasked, a line each.

use std::io::ErrorKind;

use serde::Serialize;

use super::plain_text;
use crate::arguments::ListenArguments;
use crate::client::{LinkClient, ListenEvent};
use crate::error::GroundError;
use crate::hub::Heard;
use crate::output::{counted, note, print_line};
use crate::progress::Progress;

pub(crate) fn listen(client: &LinkClient, arguments: &ListenArguments) -> Result<(), GroundError> {
    let link = &client.config().name;
    let mut progress = Some(Progress::start(format!("waiting for link `{link}`")));
    let mut listener = client.listen_for(arguments.limit)?;
    drop(progress.replace(Progress::start(format!("listening on link `{link}`"))));
    let count = arguments.count.unwrap_or(u64::MAX);
    let mut left = count;
    while left > 0 {
        let event = listener.next_event()?;
        // Once there is output, it shows that we listen.
        drop(progress.take());
        match event {
            None if arguments.count.is_none() => return Ok(()),
            None => {
                return Err(GroundError::HeardTooFew {
                    link: link.clone(),
                    heard: count - left,
                    count,
                });
            }
            Some(ListenEvent::Lost(messages)) => {
                let messages = counted(messages, "message");
                note(&format!("{messages} lost: printing was too slow"));
            }
            Some(ListenEvent::Heard(heard)) => {
                let line = match arguments.json {
                    true => json_line(&heard),
                    false => plain_line(&heard),
                };
                match print_line(line.as_bytes()) {
                    Ok(()) => left -= 1,
                    // Whoever reads has had enough, as `head` does.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                    Err(error) => return Err(GroundError::Output(error)),
                }
            }
        }
    }
    Ok(())
}

/// `port 13011: text`, without what would confuse a terminal.
fn plain_line(heard: &Heard) -> String {
    format!("port {}: {}", heard.port, plain_text(&heard.payload))
}

/// One object of `--json`: exactly one of `text` and `hex` is there.
#[derive(Serialize)]
struct JsonLine<'a> {
    port: u16,
    command_id: u64,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

fn json_line(heard: &Heard) -> String {
    let text = std::str::from_utf8(&heard.payload).ok();
    let line = JsonLine {
        port: heard.port,
        command_id: heard.command_id,
        bytes: heard.payload.len(),
        text,
        hex: text.is_none().then(|| hex::encode(&heard.payload)),
    };
    // Numbers and texts: nothing in it can fail.
    serde_json::to_string(&line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(payload: &[u8]) -> Heard {
        Heard {
            port: 13_011,
            command_id: 0,
            payload: payload.to_vec(),
        }
    }

    #[test]
    fn a_message_is_one_plain_line() {
        assert_eq!(plain_line(&heard(b"hello\n")), "port 13011: hello");
        assert_eq!(
            plain_line(&heard(b"a\nb\x1b[2J")),
            "port 13011: a\\nb\\u{1b}[2J"
        );
        assert_eq!(plain_line(&heard(&[0xFF, 0x00])), "port 13011: ff00");
    }

    #[test]
    fn a_message_is_one_json_object() {
        let text = json_line(&heard(b"hello\n"));
        let expected = r#"{"port":13011,"command_id":0,"bytes":6,"text":"hello\n"}"#;
        assert_eq!(text, expected);
        assert!(json_line(&heard(&[0xFF])).contains(r#""hex":"ff""#));
    }
}

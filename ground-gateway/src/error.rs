//! What can go wrong on the ground, in words for the operator.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use comms_service::CommsError;
use file_delivery::setup::OpenError;
use radio_hal::RadioError;
use service_host::config_file::ConfigError;

use crate::output::counted;

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroundError {
    /// The configuration file cannot be read.
    #[error(transparent)]
    ConfigFile(#[from] ConfigError),
    /// The configuration does not hold what it should.
    #[error("{file}: {problem}")]
    Config {
        /// The file, or a phrase that says there is none.
        file: String,
        /// What is wrong, with the key.
        problem: String,
    },
    /// No link of that name is configured.
    #[error("there is no link `{name}` in {file}, which has {known}{}", hint(.nearest))]
    UnknownLink {
        /// The name asked for.
        name: String,
        /// The file, or a phrase that says there is none.
        file: String,
        /// The names there are, for people.
        known: String,
        /// The one most like it.
        nearest: Option<String>,
    },
    /// The directory of locks and sockets cannot be used.
    #[error("the runtime directory {} {problem}", path.display())]
    RuntimeDir {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// A file of the runtime directory cannot be used.
    #[error("cannot {doing} {}: {source}", path.display())]
    RuntimeFile {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The radio does not open.
    #[error("cannot open the radio of link `{link}`: {source}")]
    Radio {
        /// The link.
        link: String,
        /// What the radio said.
        source: RadioError,
    },
    /// The radio is open, but the link does not start.
    #[error("cannot start link `{link}`: {source}")]
    Start {
        /// The link.
        link: String,
        /// Why.
        source: CommsError,
    },
    /// The files of the link cannot be used.
    #[error("link `{link}`: {source}")]
    Files {
        /// The link.
        link: String,
        /// What cannot be used, and why.
        source: OpenError,
    },
    /// What came down cannot be delivered.
    #[error("link `{link}`: [delivery]: {problem}")]
    Delivery {
        /// The link.
        link: String,
        /// What is wrong.
        problem: String,
    },
    /// When there is contact is not known.
    #[error("link `{link}`: {problem}")]
    Contacts {
        /// The link.
        link: String,
        /// Why, and what to do.
        problem: String,
    },
    /// What was heard cannot be looked up.
    #[error("link `{link}`: {problem}")]
    Archive {
        /// The link.
        link: String,
        /// Why, and what to do.
        problem: String,
    },
    /// Windows and uploads cannot be served.
    #[error("[tasking]: {problem}")]
    Tasking {
        /// What is wrong.
        problem: String,
    },
    /// The link carries no files.
    #[error(
        "link `{link}` of {file} has no files: give it a table [link.files], which may be empty, \
         where the satellite has a file entity on it{}",
        format_advice(*.carries_pdus)
    )]
    NoFiles {
        /// The link.
        link: String,
        /// The file, or a phrase that says there is none.
        file: String,
        /// Whether its packet format could carry them.
        carries_pdus: bool,
    },
    /// A file is not where it was to be, and will not be.
    #[error("{name}: {failure}")]
    NotTransferred {
        /// The file.
        name: String,
        /// Why.
        failure: String,
    },
    /// Nobody waits for a file any more, which goes on.
    #[error(
        "interrupted; transaction {id} goes on whenever this link is held, as by `ground serve`; \
         `ground files --cancel {id}` ends it"
    )]
    TransferGoesOn {
        /// The transaction.
        id: String,
    },
    /// Another process holds the link and does not speak.
    #[error(
        "link `{link}` is held by another process{}, which does not answer: wait for it, or end it",
        process(.pid)
    )]
    HubSilent {
        /// The link.
        link: String,
        /// The process, where the lock names it.
        pid: Option<u32>,
    },
    /// Another command holds the link, and so the radio.
    #[error(
        "link `{link}` is held by another `ground`{}, which has the radio: end it first, or capture \
         what it hears and use --pcap",
        process(.pid)
    )]
    Held {
        /// The link.
        link: String,
        /// The process, where the lock names it.
        pid: Option<u32>,
    },
    /// The process that held the link ended after it took the command, which
    /// therefore may have reached the satellite.
    #[error(
        "the process that held the link `{link}` ended before an answer came: the command may have reached the satellite"
    )]
    HubEnded {
        /// The link.
        link: String,
    },
    /// The process that holds the link sent something that is not understood.
    #[error("the process that holds link `{link}` speaks another language ({problem}): end it")]
    Protocol {
        /// The link.
        link: String,
        /// What it sent.
        problem: String,
    },
    /// The command was tried, and failed.
    #[error("{message}")]
    Failed {
        /// Why, in the words of the process that holds the link.
        message: String,
    },
    /// The message is larger than this link carries.
    #[error("the {what} has {}; at most {bytes_max} can be sent{advice}", counted(*.bytes, "octet"))]
    TooLarge {
        /// The message in the user's words.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
        /// What to do, with its punctuation; may be empty.
        advice: &'static str,
    },
    /// The other end of the link answered that there is no answer.
    #[error("{message}")]
    LinkAnswer {
        /// Its reason.
        message: String,
    },
    /// The service's answer is not what a GraphQL service answers.
    #[error("the answer of port {port} is no JSON ({}): {excerpt}", counted(*.bytes, "octet"))]
    NotJson {
        /// The service's port.
        port: u16,
        /// Size of the answer.
        bytes: usize,
        /// Its beginning.
        excerpt: String,
    },
    /// Listening ended before as many messages came as were asked for.
    #[error("heard {heard} of {count} messages on link `{link}`")]
    HeardTooFew {
        /// The link.
        link: String,
        /// Messages that came.
        heard: u64,
        /// Messages asked for.
        count: u64,
    },
    /// Fewer replies came than were asked for.
    #[error(
        "port {port} sent {replies} of {count} replies on link `{link}` within {} ms: has it a reply \
         window on the satellite (reply-windows)?",
        timeout.as_millis()
    )]
    RepliedTooFew {
        /// The service's port.
        port: u16,
        /// The link.
        link: String,
        /// Replies that came.
        replies: u32,
        /// Replies asked for.
        count: u32,
        /// Waited, after the radio took the message.
        timeout: Duration,
    },
    /// The user stopped it.
    #[error("interrupted{}", waited(.after))]
    Interrupted {
        /// How long a command that was under way had been waited for.
        after: Option<Duration>,
    },
    /// A file of the user cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A capture cannot be read, or not to its end, or is not one of the link.
    #[error("capture {}: {problem}", path.display())]
    Capture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The result cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// The system refuses a thread, a signal handler or random bits.
    #[error("the system refuses {what}: {problem}")]
    System {
        /// What it refuses.
        what: &'static str,
        /// Its answer.
        problem: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => String::new(),
    }
}

fn format_advice(carries_pdus: bool) -> &'static str {
    match carries_pdus {
        true => "",
        false => "; they need format `space-packet`",
    }
}

fn process(pid: &Option<u32>) -> String {
    match pid {
        Some(pid) => format!(" ({pid})"),
        None => String::new(),
    }
}

fn waited(after: &Option<Duration>) -> String {
    match after {
        Some(after) => format!(
            " after {} ms: the command may have reached the satellite",
            after.as_millis()
        ),
        None => String::new(),
    }
}

/// Longest line of an error, in characters; a satellite may say more.
const LINE_CHARACTERS_MAX: usize = 1_000;

/// The text as one line that no terminal can misunderstand.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (count, character) in words.chars().enumerate() {
        if count == LINE_CHARACTERS_MAX {
            line.push('…');
            break;
        }
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Whole characters of the text, of at most so many octets.
pub(crate) fn beginning(text: &str, bytes_max: usize) -> &str {
    let mut ends = (0..=bytes_max.min(text.len())).rev();
    let end = ends.find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_it_quotes() {
        assert_eq!(one_line("a\n  b\r\n\tc\u{1b}[2J\n"), "a b c\\u{1b}[2J");
        let long = one_line(&"x".repeat(5_000));
        assert_eq!(long.chars().count(), LINE_CHARACTERS_MAX + 1);
    }

    #[test]
    fn a_beginning_is_of_whole_characters() {
        for (bytes_max, found) in [(0, ""), (1, ""), (2, "ä"), (3, "ä"), (4, "äö"), (9, "äö")]
        {
            assert_eq!(beginning("äö", bytes_max), found);
        }
    }
}

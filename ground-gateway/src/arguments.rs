//! The command line.

mod contacts;
mod files;
mod tasking;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand};
use comms_service::PacketFormat;
use service_host::arguments::LogLevel;

pub(crate) use contacts::{ArchiveArguments, ContactsArguments};
pub(crate) use files::{
    DeliveryKeyArguments, FilesArguments, GetArguments, PutArguments, ServeArguments,
    TransferArguments,
};
pub(crate) use tasking::{AuditArguments, TokenAddArguments, TokenArguments, TokenCommand};

use crate::hub::REPLIES_MAX;
use crate::patience::{Patience, RETRIES_MAX, parse_timeout, retries_default};

/// Speaks with a satellite: asks its services, sends messages to them, gets and puts
/// files, and listens to what comes down.
///
/// Several commands share one link: the first opens the radio, the others go
/// through it.
#[derive(Debug, Parser)]
#[command(name = "ground", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: CommonArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  ground query --service 8020 '{ battery { voltage } }'
  ground send --port 8021 --text 'heater on'
  ground listen --count 3
  ground get logs/today.txt
  ground doctor

Exit codes:
  0  done: the answer is printed, the message is sent, the time to listen is over
  1  failed, as one line on standard error says
  2  the arguments are not understood
  130, 143  a second SIGINT or SIGTERM came before the end";

const QUERY_AFTER_HELP: &str = "\
Example:
  ground query --service 8020 '{ battery { voltage } }'

Exit codes:
  0  the service answered, be it with GraphQL errors: the answer is printed
  1  no answer came, or it is no JSON, as one line on standard error says
  2  the arguments are not understood";

const SEND_AFTER_HELP: &str = "\
Example:
  ground send --port 8021 --text 'heater on'

Exit codes:
  0  the radio took the message; nobody says whether it arrived
  1  the radio did not take it, as one line on standard error says
  2  the arguments are not understood";

const LISTEN_AFTER_HELP: &str = "\
Example:
  ground listen --count 3 --for 10m

Exit codes:
  0  ended by --count, --for, Ctrl-C or whoever reads the output
  1  failed, or heard fewer messages than --count, as one line on standard error says
  2  the arguments are not understood";

const RESYNC_AFTER_HELP: &str = "\
Example:
  ground resync --timeout 10m

Exit codes:
  0  both ends have new keys
  1  not within --timeout, as one line on standard error says
  2  the arguments are not understood";

const REPLAY_AFTER_HELP: &str = "\
Example:
  ground replay --link uhf pass.pcap

Exit codes:
  0  the capture was read to its end
  1  it was not, as one line on standard error says
  2  the arguments are not understood";

const DOCTOR_AFTER_HELP: &str = "\
Example:
  ground doctor --link uhf --for 30s

Exit codes:
  0  everything that was heard is delivered
  1  something is not, or nothing was heard: the findings say why
  2  the arguments are not understood";

/// What all commands take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Link and log")]
pub(crate) struct CommonArguments {
    /// Link to use, by its name in the configuration [default: the first; for files, the
    /// first that has files]
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) link: Option<String>,

    /// Configuration file [default: ./config.toml, then /etc/heliograph/config.toml]
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Log this and worse: error, warn, info, debug or trace; RUST_LOG overrides it
    #[arg(short, long, value_name = "LEVEL", value_enum, global = true,
          default_value_t = LogLevel::Error, hide_possible_values = true)]
    pub(crate) log_level: LogLevel,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a service by GraphQL, and print its answer
    ///
    /// Errors that the service answers are an answer: they are printed, and the
    /// exit code is 0.
    #[command(after_help = QUERY_AFTER_HELP)]
    Query(QueryArguments),
    /// Send one UDP message to a service, which does not answer
    #[command(after_help = SEND_AFTER_HELP)]
    Send(SendArguments),
    /// Print what comes down unasked
    #[command(after_help = LISTEN_AFTER_HELP)]
    Listen(ListenArguments),
    /// Get a file from the satellite
    ///
    /// The satellite is asked for it, and sends it when it hears that, through as many
    /// passes as that takes. What was asked for goes on whenever this link is held by any
    /// command, after Ctrl-C and after a restart of this machine too; asked for again, it is
    /// waited for.
    #[command(after_help = files::GET_AFTER_HELP)]
    Get(GetArguments),
    /// Put a file to the satellite
    ///
    /// A copy is kept until the satellite has it, so the file here may change or go
    /// meanwhile. It goes on whenever this link is held by any command, after Ctrl-C and
    /// after a restart of this machine too.
    #[command(after_help = files::PUT_AFTER_HELP)]
    Put(PutArguments),
    /// Show how files stand that go or come; cancel, suspend or resume one
    #[command(after_help = files::FILES_AFTER_HELP)]
    Files(FilesArguments),
    /// Hold the link, go on with files, take those that the satellite sends, and serve the
    /// tasking API where it is configured
    ///
    /// Prints a line for each file that has arrived, either way, or never will.
    #[command(after_help = files::SERVE_AFTER_HELP)]
    Serve(ServeArguments),
    /// List when the satellite is in contact, or what waits needs
    ///
    /// By the elements and stations of the configuration, or the schedule that it gives. With
    /// --plan, says how many contacts the files that wait need, and what was heard in the last.
    #[command(after_help = contacts::CONTACTS_AFTER_HELP)]
    Contacts(ContactsArguments),
    /// Print frames that were heard, of the packet archive
    ///
    /// Whoever holds the link writes it meanwhile. What comes is in it within half a second.
    #[command(after_help = contacts::ARCHIVE_AFTER_HELP)]
    Archive(ArchiveArguments),
    /// Make the key that signs receipts of deliveries, and print the public key for the agent
    #[command(after_help = files::DELIVERY_KEY_AFTER_HELP)]
    DeliveryKey(DeliveryKeyArguments),
    /// Say who may ask what of the tasking API
    #[command(after_help = tasking::TOKEN_AFTER_HELP)]
    Token(TokenArguments),
    /// Print who asked what of the tasking API, and what came of it
    ///
    /// The log is only added to. Of what changes nothing, many of the same are one entry.
    #[command(after_help = tasking::AUDIT_AFTER_HELP)]
    Audit(AuditArguments),
    /// Get new keys, after this station or the satellite lost its state
    ///
    /// On a link with security only. The satellite offers new keys once a minute when
    /// it lost its state, or has not heard this station for a day. A station without
    /// any state takes them by itself.
    #[command(after_help = RESYNC_AFTER_HELP)]
    Resync(ResyncArguments),
    /// Print what becomes of every frame of a capture, and why
    ///
    /// Frames to us go through the ground's end of the link, our own frames through
    /// the satellite's. Classic pcap with link type 202 (AX.25 with KISS octet), 3
    /// (AX.25), 147 (USER0: whole packets) or, for format "udp", 228 (IPv4).
    #[command(after_help = REPLAY_AFTER_HELP)]
    Replay(ReplayArguments),
    /// Listen, and say why nothing gets through
    ///
    /// Tries framings, callsigns, packet formats and APID presets on what is heard,
    /// and names the keys to change. Nothing is transmitted.
    #[command(after_help = DOCTOR_AFTER_HELP)]
    Doctor(DoctorArguments),
}

impl Command {
    /// Whether it is about files, which not every link has.
    pub(crate) fn needs_files(&self) -> bool {
        use Command::{Files, Get, Put, Serve};
        matches!(self, Get(_) | Put(_) | Files(_) | Serve(_))
    }
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("document").required(true))]
pub(crate) struct QueryArguments {
    /// Port of the service on the satellite
    #[arg(long, value_name = "PORT", value_parser = port())]
    pub(crate) service: u16,

    /// GraphQL document, or a whole request as a JSON object with a key "query"
    #[arg(group = "document", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) query: Option<String>,

    /// File that holds QUERY instead, or - for standard input
    #[arg(long, group = "document", value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,

    /// Variables of the document, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = variables)]
    pub(crate) variables: Option<Variables>,

    /// Wait for the answer after each try: 1500, 1500ms, 5s or 2m
    #[arg(long, value_name = "TIME", help_heading = TRIES,
          default_value = "5s", value_parser = parse_timeout)]
    timeout: Duration,

    /// Send the query again, so many times, when no answer came
    ///
    /// [default: 3 in format `space-packet`, 0 in others] In format `space-packet`
    /// the satellite knows a command that it ran and answers from memory. In the
    /// other formats a mutation whose answer was lost runs twice.
    #[arg(long, value_name = "N", help_heading = TRIES, value_parser = retries())]
    retries: Option<u32>,
}

impl QueryArguments {
    /// On a link that speaks `format`.
    pub(crate) fn patience(&self, format: PacketFormat) -> Patience {
        Patience {
            timeout: self.timeout,
            retries: self.retries.unwrap_or(retries_default(format)),
        }
    }
}

const TRIES: &str = "Tries";

/// The variables of a GraphQL document.
pub(crate) type Variables = serde_json::Map<String, serde_json::Value>;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("content").required(true))]
pub(crate) struct SendArguments {
    /// Port of the service on the satellite
    #[arg(long, value_name = "PORT", value_parser = port())]
    pub(crate) port: u16,

    /// The message
    #[arg(long, group = "content")]
    pub(crate) text: Option<String>,

    /// File that holds the message, or - for standard input
    #[arg(long, group = "content", value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,

    /// Print what the service replies, until the time-out, or N replies
    ///
    /// The satellite must have a reply window for the port. It is a failure when
    /// no reply comes, or fewer than N.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true,
          default_missing_value = "0",
          value_parser = clap::value_parser!(u32).range(..=i64::from(REPLIES_MAX)))]
    pub(crate) replies: Option<u32>,

    /// Print the octets of replies as they are, without a line each
    #[arg(long, requires = "replies")]
    pub(crate) raw: bool,

    /// Wait for replies, and before each retry: 1500, 1500ms, 5s or 2m
    #[arg(long, value_name = "TIME", help_heading = TRIES,
          default_value = "5s", value_parser = parse_timeout)]
    timeout: Duration,

    /// Give the message to the radio again, so many times, when it refuses it
    #[arg(long, value_name = "N", help_heading = TRIES,
          default_value_t = 0, value_parser = retries())]
    retries: u32,
}

impl SendArguments {
    pub(crate) fn patience(&self) -> Patience {
        Patience {
            timeout: self.timeout,
            retries: self.retries,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ListenArguments {
    /// End after so many messages [default: at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    /// End after this time, from when it listens: 1500, 1500ms, 5s or 2m [default: never]
    ///
    /// With --count, it is a failure when fewer messages came by then.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_timeout)]
    pub(crate) limit: Option<Duration>,

    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ResyncArguments {
    /// Wait for this time: 1500, 1500ms, 5s or 2m
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = parse_timeout)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The capture, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Print one JSON object a frame, and one for the summary
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Listen for this time: 1500, 1500ms, 5s or 2m
    #[arg(long = "for", value_name = "TIME", default_value = "10s", value_parser = parse_timeout,
          conflicts_with_all = ["pcap", "octets"])]
    pub(crate) limit: Duration,

    /// Take the frames of a capture instead, as `ground replay` reads it; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "octets")]
    pub(crate) pcap: Option<PathBuf>,

    /// Take the octets of a file instead, as they came out of the radio; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) octets: Option<PathBuf>,
}

fn port() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

fn retries() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(..=i64::from(RETRIES_MAX))
}

fn variables(text: &str) -> Result<Variables, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, ErrorKind> {
        Arguments::try_parse_from(line.split_whitespace()).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn common_arguments_stand_before_or_after_the_command() {
        for line in ["ground --link uhf listen", "ground listen --link uhf"] {
            assert_eq!(parse(line).unwrap().common.link.unwrap(), "uhf");
        }
    }

    #[test]
    fn patience_belongs_to_query_and_send() {
        let patience = "--timeout 2s --retries 3";
        let query = parse(&format!("ground query --service 1 {{a}} {patience}"));
        let send = parse(&format!("ground send --port 1 --text a {patience}"));
        let patience = [query, send].map(|parsed| match parsed.unwrap().command {
            Command::Query(arguments) => arguments.patience(PacketFormat::SpacePacket),
            Command::Send(arguments) => arguments.patience(),
            _ => unreachable!(),
        });
        for patience in patience {
            assert_eq!((patience.timeout.as_secs(), patience.retries), (2, 3));
        }
    }

    #[test]
    fn a_query_is_sent_again_by_itself_where_that_runs_nothing_twice() {
        let Command::Query(query) = parse("ground query --service 1 {a}").unwrap().command else {
            unreachable!()
        };
        assert_eq!(query.patience(PacketFormat::SpacePacket).retries, 3);
        assert_eq!(query.patience(PacketFormat::Kubos).retries, 0);
        assert_eq!(query.patience(PacketFormat::Udp).retries, 0);
    }

    #[test]
    fn each_help_has_an_example_and_the_exit_codes() {
        let mut ground = Arguments::command();
        ground.build();
        let names = "query send listen get put files serve contacts archive resync replay doctor \
                     audit";
        for name in names.split(' ') {
            let command = ground.find_subcommand_mut(name).unwrap();
            let help = command.render_long_help().to_string();
            for part in [&format!("  ground {name} --"), "Exit codes:\n  0  "] {
                assert!(help.contains(part), "no {part:?} in {help}");
            }
        }
        let help = ground.render_help().to_string();
        assert!(help.contains("Exit codes:") && !help.contains("--retries"));
        let query = ground.find_subcommand_mut("query").unwrap();
        let help = query.render_help().to_string();
        assert!(help.contains("be it with GraphQL errors"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "ground query --service 0 {a}",
            "ground query --service 65536 {a}",
            "ground query --service 1",
            "ground query --service 1 --variables [] {a}",
            "ground send --port 1",
            "ground send --port 1 --text a --file b",
            "ground listen --count 0",
            "ground query --service 1 --file a {a}",
            "ground query --service 1 --retries 101 {a}",
            "ground get",
            "ground put a",
            "ground get a --detach --for 1s",
            "ground get a --priority 256",
            "ground files --cancel 2-1 --suspend 2-1",
            "ground files --cancel 2-1 --watch",
            "ground listen --retries 1",
            "ground listen --timeout 1s",
            "ground replay",
            "ground doctor --for 0",
            "ground doctor --pcap a --octets b",
            "ground doctor --pcap a --for 1s",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

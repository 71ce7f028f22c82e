//! Arguments of the commands for files.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use crate::patience::parse_timeout;

pub(super) const GET_AFTER_HELP: &str = "\
Example:
  ground get --link uhf logs/today.txt

Exit codes:
  0  the file is whole under its name here
  1  it is not, as one line on standard error says; whether it still comes, that line says too
  2  the arguments are not understood";

pub(super) const PUT_AFTER_HELP: &str = "\
Example:
  ground put --link uhf plan.bin plans/monday.bin
  ground put --link uhf plan.bin app:camera
  ground put --link uhf model.bin topic:models --dest-path /opt/model.bin --tag token=r-17

Exit codes:
  0  the satellite has the file, whole and under its name; one for an app, its link service
     has, and delivers it
  1  it has not, or nobody knows, as one line on standard error says; whether the file still
     goes up, that line says too
  2  the arguments are not understood";

pub(super) const FILES_AFTER_HELP: &str = "\
Example:
  ground files --pass 8m

Exit codes:
  0  done: the list is printed, or the transaction is cancelled, suspended or resumed
  1  failed, as one line on standard error says
  2  the arguments are not understood";

pub(super) const SERVE_AFTER_HELP: &str = "\
Example:
  ground serve --link uhf

Exit codes:
  0  ended by --for, Ctrl-C or whoever reads the output
  1  failed, as one line on standard error says
  2  the arguments are not understood";

pub(super) const DELIVERY_KEY_AFTER_HELP: &str = "\
Example:
  ground delivery-key /etc/heliograph/receipts.key > receipts.pub

Exit codes:
  0  the key is in FILE, for nobody else to read, and its public key is printed
  1  it is not, as one line on standard error says
  2  the arguments are not understood";

/// How a file goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transfer")]
pub(crate) struct TransferArguments {
    /// Return when what is asked for is on this disk, and do not wait for the file
    #[arg(long, conflicts_with = "limit")]
    pub(crate) detach: bool,

    /// Wait so long: 1500, 1500ms, 5s or 2m; then the file goes on by itself [default: for ever]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_timeout)]
    pub(crate) limit: Option<Duration>,

    /// Ask for nothing that is lost: what does not come whole at once, fails
    #[arg(long)]
    pub(crate) unacknowledged: bool,

    /// Goes before files of a lower one, 0 to 255
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) priority: u8,

    /// Print one JSON object for each change
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GetArguments {
    /// Name of the file at the satellite
    #[arg(value_name = "REMOTE")]
    pub(crate) remote: String,

    /// Where it is to be here, or a directory for it [default: its own name, here]
    #[arg(value_name = "LOCAL")]
    pub(crate) local: Option<PathBuf>,

    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) transfer: TransferArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PutArguments {
    /// The file here
    #[arg(value_name = "LOCAL")]
    pub(crate) local: PathBuf,

    /// Name that it is to have at the satellite, where it replaces a file of that name; or
    /// app:ID or app:ID/DIR, for the inbox of an app; or topic:NAME, for whoever asks the agent
    /// on board for files of a topic
    #[arg(value_name = "REMOTE")]
    pub(crate) remote: String,

    /// Let it take the place of a file of its name that the app has in its inbox
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Where the payload is to put it, for topic:NAME
    #[arg(long, value_name = "PATH")]
    pub(crate) dest_path: Option<String>,

    /// With which permissions, in octal [default: 644]
    #[arg(long, value_name = "MODE", requires = "dest_path", value_parser = mode)]
    pub(crate) mode: Option<String>,

    /// Goes with it, for topic:NAME; may be given again
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub(crate) tags: Vec<(String, String)>,

    #[command(flatten)]
    pub(crate) transfer: TransferArguments,
}

fn mode(text: &str) -> Result<String, String> {
    let is_octal = |octet: u8| matches!(octet, b'0'..=b'7');
    match (3..=4).contains(&text.len()) && text.bytes().all(is_octal) {
        true => Ok(text.to_owned()),
        false => Err("write three or four octal digits, as 755".to_owned()),
    }
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct DeliveryKeyArguments {
    /// The file that it is to be in; there must be none
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change"))]
pub(crate) struct FilesArguments {
    /// Print the names that the satellite has in DIR, or in its root, instead
    ///
    /// Waits until the satellite answers. Directories end with a slash.
    #[arg(long, value_name = "DIR", num_args = 0..=1,
          conflicts_with_all = ["change", "all", "watch", "json", "pass"])]
    pub(crate) remote: Option<Option<String>>,

    /// Print what was delivered of what the agent on board sent instead: the last 100, and counts
    ///
    /// As the process that holds the link wrote it last.
    #[arg(long, conflicts_with_all = ["change", "all", "watch", "pass", "remote"])]
    pub(crate) delivered: bool,

    /// Show the last that ended, too
    #[arg(long, conflicts_with = "change")]
    pub(crate) all: bool,

    /// Show it until Ctrl-C, as it changes
    #[arg(long, conflicts_with = "change")]
    pub(crate) watch: bool,

    /// Print one JSON object for each file
    #[arg(long, conflicts_with = "change")]
    pub(crate) json: bool,

    /// Count passes of this length [default: those that were seen]
    #[arg(long, value_name = "TIME", value_parser = parse_timeout, conflicts_with = "change")]
    pub(crate) pass: Option<Duration>,

    /// End this transaction, without its file
    #[arg(long, value_name = "ID", group = "change")]
    pub(crate) cancel: Option<String>,

    /// Let this transaction rest until it is resumed
    #[arg(long, value_name = "ID", group = "change")]
    pub(crate) suspend: Option<String>,

    /// Go on with this transaction
    #[arg(long, value_name = "ID", group = "change")]
    pub(crate) resume: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// End after this time: 1500, 1500ms, 5s or 2m [default: never]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_timeout)]
    pub(crate) limit: Option<Duration>,

    /// Print one JSON object for each file
    #[arg(long)]
    pub(crate) json: bool,
}

//! An app of a payload: it has an image, and hands it to the link service.

use std::ffi::OsString;

use clap::Parser;
use link_client::LinkClient;

use crate::show::line;

#[derive(Debug, Parser)]
struct Arguments {
    /// Its socket of the link service.
    #[arg(long)]
    socket: String,
    /// An app of another spacecraft, as `app@node`; the ground without one.
    #[arg(long)]
    to: Option<String>,
    /// The image.
    file: String,
}

pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<()> {
    let arguments = Arguments::parse_from(arguments);
    let link = LinkClient::connect(&arguments.socket);
    // Either is the one line of it.
    let sent = match &arguments.to {
        None => link.downlink(&arguments.file)?,
        Some(app) => link.crosslink(app, &arguments.file)?,
    };
    line(&format!("    payload app: accepted as {}", sent.id()));
    let ended = sent.wait()?;
    line(&format!(
        "    payload app: {}, {} octets",
        ended.code, ended.bytes
    ));
    Ok(())
}
